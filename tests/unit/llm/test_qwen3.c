/* qwen3 against a computation in double precision that shares nothing with the engine: heads wider than the state's share, queries and keys normed
 * head by head, halves rotated; and the same under YaRN, whose speeds and gain are computed here from its formula. */
#include "tiny.h"

#include <unistd.h>

#include "craft_bytes.h"

enum { N_EMBD = 32, N_HEADS = 4, N_KV = 2, HEAD = 32, N_FF = 64, N_LAYERS = 2, N_VOCAB = 40, N_CTX = 64, N_TOKENS = 24, N_TENSORS = 3 + 11 * N_LAYERS };
static const double base = 5000, eps = 1e-6;

typedef struct matrix {
    char name[40];
    int64_t rows, cols; /* rows 0: a vector */
    float *w;
} matrix;

static matrix tensors[N_TENSORS];

/* ---- the file ---- */

static float weight(const matrix *m, int64_t i) {
    uint32_t h = (uint32_t)i * 2654435761U;
    for (const char *p = m->name; *p; p++) h = (h ^ (unsigned char)*p) * 16777619U;
    h ^= h >> 15;
    double u = (double)(h * 2246822519U >> 8) / (1 << 24);
    return (float)(m->rows == 0 ? 0.5 + u : (u - 0.5) / 2);
}

static matrix *add(int at, const char *name, int layer, int64_t rows, int64_t cols) {
    matrix *m = &tensors[at];
    int64_t n = (rows ? rows : 1) * cols;
    if (layer >= 0) (void)snprintf(m->name, sizeof m->name, "blk.%d.%s.weight", layer, name);
    else (void)snprintf(m->name, sizeof m->name, "%s.weight", name);
    m->rows = rows;
    m->cols = cols;
    m->w = malloc((size_t)n * sizeof *m->w);
    assert_non_null(m->w);
    for (int64_t i = 0; i < n; i++) m->w[i] = weight(m, i);
    return m;
}

enum { ATTN_NORM, Q, K, V, Q_NORM, K_NORM, OUT, FFN_NORM, GATE, UP, DOWN };

static const matrix *of(int layer, int part) { return &tensors[3 + 11 * layer + part]; }

static int make_tensors(void **state) {
    (void)state;
    add(0, "token_embd", -1, N_VOCAB, N_EMBD);
    add(1, "output_norm", -1, 0, N_EMBD);
    add(2, "output", -1, N_VOCAB, N_EMBD);
    for (int l = 0; l < N_LAYERS; l++) {
        int at = 3 + 11 * l;
        add(at + ATTN_NORM, "attn_norm", l, 0, N_EMBD);
        add(at + Q, "attn_q", l, N_HEADS * HEAD, N_EMBD);
        add(at + K, "attn_k", l, N_KV * HEAD, N_EMBD);
        add(at + V, "attn_v", l, N_KV * HEAD, N_EMBD);
        add(at + Q_NORM, "attn_q_norm", l, 0, HEAD);
        add(at + K_NORM, "attn_k_norm", l, 0, HEAD);
        add(at + OUT, "attn_output", l, N_EMBD, N_HEADS * HEAD);
        add(at + FFN_NORM, "ffn_norm", l, 0, N_EMBD);
        add(at + GATE, "ffn_gate", l, N_FF, N_EMBD);
        add(at + UP, "ffn_up", l, N_FF, N_EMBD);
        add(at + DOWN, "ffn_down", l, N_EMBD, N_FF);
    }
    return 0;
}

static int free_tensors(void **state) {
    (void)state;
    for (int i = 0; i < N_TENSORS; i++) free(tensors[i].w);
    return 0;
}

static void put_text(craft_out *o, const char *key, const char *text) {
    craft_str(o, key, strlen(key));
    craft_u32(o, 8);
    craft_str(o, text, strlen(text));
}

static void put_count(craft_out *o, const char *key, uint32_t n) {
    craft_str(o, key, strlen(key));
    craft_u32(o, 4);
    craft_u32(o, n);
}

static void put_number(craft_out *o, const char *key, float x) {
    craft_str(o, key, strlen(key));
    craft_u32(o, 6);
    craft_put(o, &x, 4);
}

/* factor 1: no YaRN. */
static void put_header(craft_out *o, float factor, uint32_t original) {
    craft_put(o, "GGUF", 4);
    craft_u32(o, 3);
    craft_u64(o, N_TENSORS);
    craft_u64(o, factor > 1 ? 14 : 11);
    put_text(o, "general.architecture", "qwen3");
    put_count(o, "qwen3.block_count", N_LAYERS);
    put_count(o, "qwen3.context_length", N_CTX);
    put_count(o, "qwen3.embedding_length", N_EMBD);
    put_count(o, "qwen3.feed_forward_length", N_FF);
    put_count(o, "qwen3.attention.head_count", N_HEADS);
    put_count(o, "qwen3.attention.head_count_kv", N_KV);
    put_count(o, "qwen3.attention.key_length", HEAD);
    put_count(o, "qwen3.attention.value_length", HEAD);
    put_number(o, "qwen3.attention.layer_norm_rms_epsilon", (float)eps);
    put_number(o, "qwen3.rope.freq_base", (float)base);
    if (factor > 1) {
        put_text(o, "qwen3.rope.scaling.type", "yarn");
        put_number(o, "qwen3.rope.scaling.factor", factor);
        put_count(o, "qwen3.rope.scaling.original_context_length", original);
    }
}

static void write_model(const char *path, float factor, uint32_t original) {
    craft_out o = {NULL, 0, 0};
    uint64_t offset = 0;
    put_header(&o, factor, original);
    for (int i = 0; i < N_TENSORS; i++) {
        const matrix *m = &tensors[i];
        craft_str(&o, m->name, strlen(m->name));
        craft_u32(&o, m->rows ? 2 : 1);
        craft_u64(&o, (uint64_t)m->cols);
        if (m->rows) craft_u64(&o, (uint64_t)m->rows);
        craft_u32(&o, VT_DTYPE_F32);
        craft_u64(&o, offset);
        offset += (uint64_t)(m->rows ? m->rows : 1) * (uint64_t)m->cols * 4; /* all multiples of 32 bytes */
    }
    while (o.len % 32) craft_put(&o, "", 1);
    for (int i = 0; i < N_TENSORS; i++) craft_put(&o, tensors[i].w, (size_t)((tensors[i].rows ? tensors[i].rows : 1) * tensors[i].cols) * 4);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(o.data, 1, o.len, f), o.len);
    assert_int_equal(fclose(f), 0);
    free(o.data);
}

/* ---- the reference ---- */

typedef struct rotation {
    double speed[HEAD / 2], gain;
} rotation;

static rotation plain_rotation(void) {
    rotation r = {.gain = 1};
    for (int j = 0; j < HEAD / 2; j++) r.speed[j] = pow(base, -2.0 * j / HEAD);
    return r;
}

/* Pair d(t) = n ln(L / (2 pi t)) / (2 ln base) turns t times in the original context L. From floor(d(32)) to ceil(d(1)) the speed goes over from
 * its own to the one divided by the factor s; sines and cosines are multiplied by 1 + 0.1 ln s. Source: Peng et al. 2023, section 3. */
static rotation yarn_rotation(double s, double context) {
    rotation r = plain_rotation();
    double low = fmax(0, floor(HEAD * log(context / (2 * 3.14159265358979323846 * 32)) / (2 * log(base))));
    double high = fmin(HEAD - 1, ceil(HEAD * log(context / (2 * 3.14159265358979323846)) / (2 * log(base))));
    for (int j = 0; j < HEAD / 2; j++) {
        double ramp = fmin(1, fmax(0, (j - low) / fmax(0.001, high - low)));
        r.speed[j] = r.speed[j] * (1 - ramp) + r.speed[j] / s * ramp;
    }
    r.gain = 1 + 0.1 * log(s);
    return r;
}

static void norm(double *out, const double *x, const float *w, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += x[i] * x[i];
    double scale = 1 / sqrt(sum / n + eps);
    for (int i = 0; i < n; i++) out[i] = x[i] * scale * (double)w[i];
}

static void multiply(double *y, const matrix *m, const double *x) {
    for (int64_t r = 0; r < m->rows; r++) {
        y[r] = 0;
        for (int64_t c = 0; c < m->cols; c++) y[r] += (double)m->w[r * m->cols + c] * x[c];
    }
}

/* Norm, then rotation, of each head. */
static void turn_heads(double *x, int n_heads, const float *w, int pos, const rotation *r) {
    for (int h = 0; h < n_heads; h++, x += HEAD) {
        norm(x, x, w, HEAD);
        for (int j = 0; j < HEAD / 2; j++) {
            double c = cos(pos * r->speed[j]) * r->gain, s = sin(pos * r->speed[j]) * r->gain, a = x[j], b = x[j + HEAD / 2];
            x[j] = a * c - b * s;
            x[j + HEAD / 2] = a * s + b * c;
        }
    }
}

typedef struct cache {
    double k[N_LAYERS][N_TOKENS][N_KV * HEAD], v[N_LAYERS][N_TOKENS][N_KV * HEAD];
} cache;

static void attend(double *out, const double *q, const cache *kv, int layer, int pos) {
    for (int h = 0; h < N_HEADS; h++) {
        int at = h / (N_HEADS / N_KV) * HEAD;
        double w[N_TOKENS], sum = 0, most = -HUGE_VAL;
        for (int t = 0; t <= pos; t++) {
            w[t] = 0;
            for (int i = 0; i < HEAD; i++) w[t] += q[h * HEAD + i] * kv->k[layer][t][at + i];
            w[t] /= sqrt(HEAD);
            most = fmax(most, w[t]);
        }
        for (int t = 0; t <= pos; t++) sum += w[t] = exp(w[t] - most);
        for (int i = 0; i < HEAD; i++) {
            out[h * HEAD + i] = 0;
            for (int t = 0; t <= pos; t++) out[h * HEAD + i] += w[t] / sum * kv->v[layer][t][at + i];
        }
    }
}

static void feed_forward(double *x, int layer) {
    double h[N_EMBD], gate[N_FF], up[N_FF], y[N_EMBD];
    norm(h, x, of(layer, FFN_NORM)->w, N_EMBD);
    multiply(gate, of(layer, GATE), h);
    multiply(up, of(layer, UP), h);
    for (int i = 0; i < N_FF; i++) gate[i] = gate[i] / (1 + exp(-gate[i])) * up[i];
    multiply(y, of(layer, DOWN), gate);
    for (int i = 0; i < N_EMBD; i++) x[i] += y[i];
}

static void run_token(double logits[N_VOCAB], cache *kv, int32_t id, int pos, const rotation *r) {
    double x[N_EMBD], h[N_EMBD], q[N_HEADS * HEAD], out[N_HEADS * HEAD], y[N_EMBD];
    for (int i = 0; i < N_EMBD; i++) x[i] = (double)tensors[0].w[id * N_EMBD + i];
    for (int l = 0; l < N_LAYERS; l++) {
        norm(h, x, of(l, ATTN_NORM)->w, N_EMBD);
        multiply(q, of(l, Q), h);
        multiply(kv->k[l][pos], of(l, K), h);
        multiply(kv->v[l][pos], of(l, V), h);
        turn_heads(q, N_HEADS, of(l, Q_NORM)->w, pos, r);
        turn_heads(kv->k[l][pos], N_KV, of(l, K_NORM)->w, pos, r);
        attend(out, q, kv, l, pos);
        multiply(y, of(l, OUT), out);
        for (int i = 0; i < N_EMBD; i++) x[i] += y[i];
        feed_forward(x, l);
    }
    norm(h, x, tensors[1].w, N_EMBD);
    multiply(logits, &tensors[2], h);
}

/* ---- the comparison ---- */

static void compare(float factor, uint32_t original, const rotation *r) {
    static cache kv;
    char path[64];
    double want[N_VOCAB];
    const float *got;
    vt_model *m;
    vt_context *ctx = tiny_context(1);
    (void)snprintf(path, sizeof path, "/tmp/vt-qwen3-%ld.gguf", (long)getpid());
    write_model(path, factor, original);
    if (vt_model_open(ctx, path, NULL, &m) != VT_OK) fail_msg("%s", vt_error_message());
    vt_session *s = tiny_session(m, VT_SESSION_EXACT, NULL, NULL);
    for (int pos = 0; pos < N_TOKENS; pos++) {
        int32_t id = (pos * 17 + 3) % N_VOCAB;
        run_token(want, &kv, id, pos, r);
        assert_int_equal(vt_session_feed(s, &id, 1), VT_OK);
        assert_int_equal(vt_session_logits(s, &got), VT_OK);
        for (int i = 0; i < N_VOCAB; i++)
            if (!(fabs((double)got[i] - want[i]) <= 2e-5 * (1 + fabs(want[i])))) fail_msg("token %d, logit %d: %.9g, want %.9g", pos, i, (double)got[i], want[i]);
    }
    vt_session_release(s);
    vt_model_release(m);
    vt_context_release(ctx);
    (void)remove(path);
}

static void logits_are_those_of_a_computation_in_doubles(void **state) {
    rotation r = plain_rotation();
    (void)state;
    compare(1, 0, &r);
}

static void yarn_turns_and_scales_as_its_formula_says(void **state) {
    rotation r = yarn_rotation(4, 256);
    (void)state;
    assert_true(fabs(r.speed[0] - 1) < 1e-12); /* the fastest pair keeps its speed, the slowest has a quarter of it */
    assert_true(fabs(r.speed[HEAD / 2 - 1] - pow(base, -2.0 * (HEAD / 2 - 1) / HEAD) / 4) < 1e-12);
    compare(4, 256, &r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_are_those_of_a_computation_in_doubles),
        cmocka_unit_test(yarn_turns_and_scales_as_its_formula_says),
    };
    return cmocka_run_group_tests(tests, make_tensors, free_tensors);
}
