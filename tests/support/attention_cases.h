/* Attention for tests: problems with random numbers, a dense computation in float64 to compare with, calls by name. */
#ifndef VENTURI_TESTS_ATTENTION_CASES_H
#define VENTURI_TESTS_ATTENTION_CASES_H

#include <math.h>

#include "tensor_cases.h"

enum { Q, K, V, BIAS, SLOPES, BLOCKS, CU_Q, CU_K, N_IN };
enum { NO_BIAS, KEY_MASK, FULL_BIAS, HEAD_BIAS }; /* bools [N], floats [B, H, M, N], floats [H, 1, N] */

typedef struct problem {
    int64_t B, H, HK, M, N, D, DV, causal, left, right; /* left, right: -1 no bound */
    double softcap;
    int32_t bias, slopes, block; /* block: size, 0 none */
    double dropout;
} problem;

static uint64_t random_state = 1;
static inline double random_number(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(int32_t)(uint32_t)(random_state >> 32) * 0x1p-31;
}

static inline vt_tensor *cast_to(vt_tensor *t, int32_t dtype) {
    vt_tensor *r = run_op("cast", t, NULL, &(vt_attr){.name = "dtype", .i = dtype}, 1);
    vt_tensor_release(t);
    return r;
}

/* Numbers in [-size, size), rounded to float32 so that every type of floats has the same; of bools two in three are true. */
static inline vt_tensor *random_tensor(vt_context *c, int32_t dtype, double size, const int64_t *shape, int32_t n_dims) {
    int64_t n = 1;
    vt_tensor *t = NULL;
    for (int32_t i = 0; i < n_dims; i++) n *= shape[i];
    double *x = test_malloc((size_t)(n + 1) * sizeof *x);
    for (int64_t i = 0; i < n; i++) x[i] = dtype == VT_DTYPE_BOOL ? random_number() > -0.33 : (double)(float)(size * random_number());
    assert_int_equal(vt_tensor_create(c, VT_DTYPE_F64, shape, n_dims, VT_DEVICE_CPU, &t), VT_OK);
    assert_int_equal(vt_tensor_write(t, x, (size_t)n * sizeof *x), VT_OK);
    test_free(x);
    if (dtype == VT_DTYPE_F64) return t;
    vt_tensor *out[VT_OP_MAX_OUTPUTS];
    int32_t op;
    assert_int_equal(vt_op_find("cast", &op), VT_OK);
    assert_int_equal(vt_op_run(c, op, &t, 1, &(vt_attr){.name = "dtype", .i = dtype}, 1, out), VT_OK);
    vt_tensor_release(t);
    return out[0];
}

static inline void make_inputs(vt_context *c, const problem *p, int32_t dtype, double size, vt_tensor **in) {
    random_state = 42;
    for (int i = 0; i < N_IN; i++) in[i] = NULL;
    in[Q] = random_tensor(c, dtype, size, SHAPE(p->B, p->H, p->M, p->D));
    in[K] = random_tensor(c, dtype, size, SHAPE(p->B, p->HK, p->N, p->D));
    in[V] = random_tensor(c, dtype, size, SHAPE(p->B, p->HK, p->N, p->DV));
    if (p->bias == KEY_MASK) in[BIAS] = random_tensor(c, VT_DTYPE_BOOL, 1, SHAPE(p->N));
    if (p->bias == FULL_BIAS) in[BIAS] = random_tensor(c, dtype, 1, SHAPE(p->B, p->H, p->M, p->N));
    if (p->bias == HEAD_BIAS) in[BIAS] = random_tensor(c, dtype, 1, SHAPE(p->H, 1, p->N));
    if (p->slopes) in[SLOPES] = random_tensor(c, dtype, 0.1, SHAPE(p->H));
    if (p->block) in[BLOCKS] = random_tensor(c, VT_DTYPE_BOOL, 1, SHAPE((p->M + p->block - 1) / p->block, (p->N + p->block - 1) / p->block));
}

static inline void release_all(vt_tensor **t, int n) {
    for (int i = 0; i < n; i++) vt_tensor_release(t[i]), t[i] = NULL;
}

static inline vt_status try_attention(vt_context *c, const problem *p, vt_tensor *const *in, vt_tensor **out) {
    int64_t block = p->block;
    vt_attr attrs[] = {{.name = "causal", .i = p->causal}, {.name = "left", .i = p->left}, {.name = "right", .i = p->right}, {.name = "softcap", .f = p->softcap},
                       {.name = "dropout", .f = p->dropout}, {.name = "seed", .i = 7}, {.name = "block", .list = &block, .n_list = 1}};
    int32_t op;
    assert_int_equal(vt_op_find("attention", &op), VT_OK);
    return vt_op_run(c, op, in, N_IN, attrs, p->block ? 7 : 6, out);
}

static inline void run_attention(vt_context *c, const problem *p, vt_tensor *const *in, vt_tensor **out) {
    if (try_attention(c, p, in, out) != VT_OK) fail_msg("%s", vt_error_message());
}

/* All elements as float64; test_free. */
static inline double *numbers(vt_tensor *t) {
    int64_t n = vt_tensor_count(t);
    double *x = test_malloc((size_t)(n + 1) * sizeof *x);
    vt_tensor *out[VT_OP_MAX_OUTPUTS];
    int32_t op;
    (void)vt_tensor_retain(t);
    assert_int_equal(vt_op_find("cast", &op), VT_OK);
    assert_int_equal(vt_op_run(ctx, op, &t, 1, &(vt_attr){.name = "dtype", .i = VT_DTYPE_F64}, 1, out), VT_OK);
    assert_int_equal(vt_tensor_read(out[0], x, (size_t)n * sizeof *x), VT_OK);
    vt_tensor_release(out[0]), vt_tensor_release(t);
    return x;
}

/* The score of query i and key j of a head; minus infinity where it is not seen. */
static inline double score(const problem *p, double *const *x, int64_t b, int64_t h, int64_t i, int64_t j) {
    int64_t hk = h / (p->H / p->HK), shift = p->N - p->M, nb = p->block ? (p->N + p->block - 1) / p->block : 0;
    double s = 0;
    if ((p->causal && j > i + shift) || (p->left >= 0 && j < i + shift - p->left) || (p->right >= 0 && j > i + shift + p->right)) return -(double)INFINITY;
    if (p->block && x[BLOCKS][i / p->block * nb + j / p->block] == 0) return -(double)INFINITY;
    if (p->bias == KEY_MASK && x[BIAS][j] == 0) return -(double)INFINITY;
    for (int64_t d = 0; d < p->D; d++) s += x[Q][((b * p->H + h) * p->M + i) * p->D + d] * x[K][((b * p->HK + hk) * p->N + j) * p->D + d];
    s /= sqrt((double)p->D);
    if (p->softcap != 0) s = p->softcap * tanh(s / p->softcap);
    if (p->slopes) s -= x[SLOPES][h] * fabs((double)(i + shift - j));
    if (p->bias == FULL_BIAS) s += x[BIAS][((b * p->H + h) * p->M + i) * p->N + j];
    if (p->bias == HEAD_BIAS) s += x[BIAS][h * p->N + j];
    return s;
}

/* Dense attention: out [B, H, M, DV], lse [B, H, M]. */
static inline void dense(const problem *p, vt_tensor *const *in, double *out, double *lse) {
    double *x[N_IN], *w = test_malloc((size_t)(p->N + 1) * sizeof *w);
    for (int i = 0; i < N_IN; i++) x[i] = in[i] ? numbers(in[i]) : NULL;
    for (int64_t row = 0; row < p->B * p->H * p->M; row++) {
        int64_t b = row / p->M / p->H, h = row / p->M % p->H, hk = h / (p->H / p->HK);
        double most = -(double)INFINITY, sum = 0;
        for (int64_t j = 0; j < p->N; j++) w[j] = score(p, x, b, h, row % p->M, j), most = fmax(most, w[j]);
        for (int64_t j = 0; j < p->N; j++) w[j] = isinf(most) ? 0 : exp(w[j] - most), sum += w[j];
        lse[row] = sum > 0 ? most + log(sum) : -(double)INFINITY;
        for (int64_t d = 0; d < p->DV; d++) {
            double o = 0;
            for (int64_t j = 0; j < p->N; j++) o += w[j] * x[V][((b * p->HK + hk) * p->N + j) * p->DV + d];
            out[row * p->DV + d] = sum > 0 ? o / sum : 0;
        }
    }
    for (int i = 0; i < N_IN; i++) test_free(x[i]);
    test_free(w);
}

static inline void expect_near(const char *what, vt_tensor *t, const double *want, double tolerance) {
    double *have = numbers(t);
    for (int64_t i = 0; i < vt_tensor_count(t); i++)
        if (isinf(want[i]) ? have[i] != want[i] : !(fabs(have[i] - want[i]) <= tolerance))
            fail_msg("%s: element %lld is %.9g, not %.9g (%g allowed)", what, (long long)i, have[i], want[i], tolerance);
    test_free(have);
}

#endif
