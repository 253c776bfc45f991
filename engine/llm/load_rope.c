/* Frequencies of rotation: the angle of pair j at position t is t * base^(-2j / n_rot), slowed down for contexts longer than those of the
 * first training: by one factor for all pairs (linear), for each by its own (rope_freqs.weight, Llama 3), or between the two (YaRN). */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "llm/load.h"
#include "llm/model_internal.h"

typedef struct scaling {
    int yarn;
    double factor;   /* of the longer context */
    double low, high; /* YaRN: pairs up to low keep their speed, from high on they slow down by the whole factor */
} scaling;

static int is_text(vt__gguf_str s, const char *text) { return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0; }

/* The pair that turns `turns` times in a context. */
static double pair_of(const vt__hparams *hp, double context, double turns, double base) {
    return (double)hp->n_rot * log(context / (2 * 3.14159265358979323846 * turns)) / (2 * log(base));
}

static vt_status load_yarn(vt_model *model, double base, scaling *s) {
    vt__hparams *hp = &model->hp;
    int64_t context;
    double fast, slow, gain, log_multiplier;
    vt_status st = vt__load_int_or(model, "rope.scaling.original_context_length", 1, INT32_MAX, hp->n_ctx, &context);
    if (st == VT_OK) st = vt__load_float_or(model, "rope.scaling.yarn_beta_fast", 32, &fast);
    if (st == VT_OK) st = vt__load_float_or(model, "rope.scaling.yarn_beta_slow", 1, &slow);
    if (st == VT_OK) st = vt__load_float_or(model, "rope.scaling.attn_factor", 1, &gain);
    if (st == VT_OK) st = vt__load_float_or(model, "rope.scaling.yarn_log_multiplier", 0, &log_multiplier);
    if (st != VT_OK) return st;
    if (log_multiplier != 0)
        return vt__fail(VT_ERR_UNSUPPORTED, "%s: rope.scaling.yarn_log_multiplier is %g: not supported", vt__gguf_name(model->gguf), log_multiplier);
    if (!(fast > 0 && slow > 0 && gain > 0 && base > 1))
        return vt__fail(VT_ERR_FORMAT, "%s: YaRN with %g and %g turns, gain %g, base %g: all must be positive", vt__gguf_name(model->gguf), fast,
                        slow, gain, base);
    s->low = fmax(0, floor(pair_of(hp, (double)context, fast, base)));
    s->high = fmin((double)hp->n_rot - 1, ceil(pair_of(hp, (double)context, slow, base)));
    hp->rope_gain = (float)(gain * (1 + 0.1 * log(s->factor)));
    return VT_OK;
}

static vt_status load_scaling(vt_model *model, double base, scaling *s) {
    vt__gguf_str type;
    *s = (scaling){.factor = 1};
    vt_status st = vt__load_str_or(model, "rope.scaling.type", "linear", &type);
    if (st == VT_OK) st = vt__load_float_or(model, "rope.scale_linear", 1, &s->factor); /* the key's former name */
    if (st == VT_OK) st = vt__load_float_or(model, "rope.scaling.factor", s->factor, &s->factor);
    if (st != VT_OK) return st;
    s->yarn = is_text(type, "yarn");
    if (!s->yarn && !is_text(type, "none") && !is_text(type, "linear"))
        return vt__fail(VT_ERR_UNSUPPORTED, "%s: rope scaling \"%.*s\", known are none, linear and yarn", vt__gguf_name(model->gguf),
                        (int)(type.len < 40 ? type.len : 40), type.data);
    if (is_text(type, "none") || s->factor == 0) s->factor = 1;
    if (!(s->factor > 0))
        return vt__fail(VT_ERR_FORMAT, "%s: rope scaling factor %g, need a positive number", vt__gguf_name(model->gguf), s->factor);
    return s->yarn ? load_yarn(model, base, s) : VT_OK;
}

/* What pair j's speed is multiplied by. */
static double slowed(const scaling *s, int64_t j) {
    if (!s->yarn) return 1 / s->factor;
    double kept = 1 - fmin(1, fmax(0, ((double)j - s->low) / fmax(0.001, s->high - s->low)));
    return (1 - kept) / s->factor + kept;
}

static vt_status fill_table(const vt_model *model, double base, const scaling *s, const float *divisors, double *freq) {
    if (!(base > 0)) return vt__fail(VT_ERR_FORMAT, "%s: rope.freq_base %g, need a positive number", vt__gguf_name(model->gguf), base);
    for (int64_t j = 0; j < model->hp.n_rot / 2; j++) {
        freq[j] = pow(base, -2.0 * (double)j / (double)model->hp.n_rot) * slowed(s, j) / (divisors ? (double)divisors[j] : 1.0);
        if (!(fabs(freq[j]) <= 1e30))
            return vt__fail(VT_ERR_FORMAT, "%s: rope frequency %lld is %g", vt__gguf_name(model->gguf), (long long)j, freq[j]);
    }
    return VT_OK;
}

vt_status vt__load_rope(vt_model *model, vt__binder *b, int32_t n) {
    int64_t n_pairs = model->hp.n_rot / 2;
    const float *divisors = NULL;
    double base, local_base;
    scaling s;
    model->hp.n_ropes = n;
    model->hp.rope_gain = 1.0f;
    vt_status st = vt__load_float_or(model, "rope.freq_base", 10000, &base);
    if (st == VT_OK) st = vt__load_float_or(model, "rope.freq_base_swa", 10000, &local_base);
    if (st == VT_OK) st = load_scaling(model, base, &s);
    if (st == VT_OK && vt__bind_has(b, "rope_freqs.weight")) st = vt__bind_vector(b, -1, "rope_freqs.weight", n_pairs, &divisors);
    if (st != VT_OK) return st;
    model->rope_freq = vt__calloc2(model->ctx, n, n_pairs, sizeof *model->rope_freq);
    if (!model->rope_freq) return vt__fail_nomem("model", (size_t)(n * n_pairs) * sizeof *model->rope_freq);
    st = fill_table(model, base, &s, divisors, model->rope_freq);
    if (st == VT_OK && n > 1) st = fill_table(model, local_base, &(scaling){.factor = 1}, NULL, model->rope_freq + n_pairs);
    return st;
}
