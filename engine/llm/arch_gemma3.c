/* gemma3: embeddings scaled by the root of their width, queries and keys normed head by head, norms on both sides of each half of a layer
 * (the converter has added the 1 of "1 + w" to every norm), GELU gates. Five layers of six are local: they see a window of positions and
 * rotate with a base of their own, without scaling. */
#include <math.h>

#include "core/error.h"
#include "llm/decoder.h"
#include "llm/load.h"
#include "llm/model_internal.h"
#include "vtk.h"

enum { PERIOD = 6, LAYERS_27B = 62 };

static vt_status load_caps(vt_model *m, double *logit_cap) {
    double score_cap;
    vt_status st = vt__load_float_or(m, "final_logit_softcapping", 0, logit_cap);
    if (st == VT_OK) st = vt__load_float_or(m, "attn_logit_softcapping", 0, &score_cap);
    if (st != VT_OK) return st;
    if (!(*logit_cap >= 0 && score_cap >= 0))
        return vt__fail(VT_ERR_FORMAT, "%s: soft caps %g of logits and %g of scores, need 0 (none) or more", vt__gguf_name(m->gguf), *logit_cap,
                        score_cap);
    m->hp.attn_softcap = (float)score_cap;
    return VT_OK;
}

static vt_status load(vt_model *m) {
    double logit_cap;
    int64_t window, period;
    vt_status st = vt__decoder_sizes(m, 1e-6);
    if (st == VT_OK) st = load_caps(m, &logit_cap);
    if (st == VT_OK) st = vt__load_int(m, "attention.sliding_window", 1, INT32_MAX, &window);
    if (st == VT_OK) st = vt__load_int_or(m, "attention.sliding_window_pattern", 1, INT32_MAX, PERIOD, &period);
    if (st == VT_OK) st = vt__decoder_bind(m, VT__PART_HEAD_NORM | VT__PART_POST_NORM | VT__PART_TWO_ROPES, VT__ROPE_HALVES);
    if (st != VT_OK) return st;

    vt__decoder *w = m->weights;
    w->embd_scale = sqrtf((float)m->hp.n_embd);
    w->logit_cap = (float)logit_cap;
    w->gated = vtk_get()->gelu_mul;
    if (m->hp.n_layers == LAYERS_27B) m->hp.attn_scale = (float)(1.0 / sqrt((double)m->hp.n_embd / m->hp.n_heads)); /* no key says so */
    for (int32_t i = 0; i < m->hp.n_layers; i++) {
        if (i % period == period - 1) continue;
        w->layers[i].window = window;
        w->layers[i].rope |= VT__ROPE_LOCAL;
    }
    return VT_OK;
}

const vt__arch vt__arch_gemma3 = {"gemma3", load, vt__decoder_forward, vt__decoder_head, vt__decoder_output, vt__decoder_products};
