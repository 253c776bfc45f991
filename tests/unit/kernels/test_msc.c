/* The medoid silhouette kernels: the reference against losses worked out anew, and every instruction set against the reference, bit for bit, on arrays
 * that end at a page that nobody may touch. */
#include "variants.h"

enum { MAX_K = 42 };
static const size_t SIZES[VTK_N_DISTANCES] = {4, 8, 4, 8};
static const double FAR = 0x1p20; /* what the distances have for infinity */

/* n objects with their distances to k medoids and to a candidate, and the state that follows from them. */
typedef struct scene {
    int type;
    int64_t n, k, own;
    double *to_medoids; /* [n, k] */
    double *to_candidate; /* [n] */
    void *column;
    vtk_near3 *objects;
    void *limits;
    double *to[2];
    double removal[MAX_K];
    vtk_msc m;
} scene;

static int is_float(int type) { return type <= VTK_DISTANCE_F64; }

static void put(int type, void *values, int64_t i, double v) {
    switch (type) {
    case VTK_DISTANCE_F32: ((float *)values)[i] = (float)v; break;
    case VTK_DISTANCE_F64: ((double *)values)[i] = v; break;
    case VTK_DISTANCE_I32: ((int32_t *)values)[i] = (int32_t)v; break;
    default: ((int64_t *)values)[i] = (int64_t)v; break;
    }
}

/* Zeros, ties and infinities among many others. */
static double random_distance(int type, int rough, uint64_t *seed) {
    double v = (double)random_float(seed) + 1;
    if (rough) v = floor(v * 4);
    else v = is_float(type) ? (double)(float)v : floor(v * 1000);
    return rough && is_float(type) && random_float(seed) > 0.8F ? (double)INFINITY : v;
}

static double ratio(double x, double y) {
    double low = fmin(x, y), high = fmax(x, y);
    return low == 0 ? 0 : isinf(low) ? 1 : low / high;
}

static void set_object(scene *s, int64_t o) {
    const double *d = s->to_medoids + o * s->k;
    int32_t slots[3] = {-1, -1, -1};
    for (int rank = 0; rank < 3 && rank < s->k; rank++)
        for (int32_t i = 0; i < s->k; i++) {
            if ((rank > 0 && i == slots[0]) || (rank > 1 && i == slots[1])) continue;
            if (slots[rank] < 0 || d[i] < d[slots[rank]]) slots[rank] = i;
        }
    double d1 = d[slots[0]], d2 = d[slots[1]], d3 = slots[2] < 0 ? (double)INFINITY : d[slots[2]];
    s->objects[o] = (vtk_near3){d1, d2, d3, ratio(d1, d2), ratio(d2, d3), ratio(d1, d3), slots[0], slots[1], slots[2], 0};
    put(s->type, s->limits, o, isinf(d3) ? FAR : d3);
    s->removal[slots[0]] += ratio(d1, d2) - ratio(d2, d3);
    s->removal[slots[1]] += ratio(d1, d2) - ratio(d1, d3);
    for (int i = 0; i < 2; i++) s->to[i][o] = d[i];
}

static scene make_scene(int type, int64_t n, int64_t k, int rough, uint64_t seed) {
    scene s = {.type = type, .n = n, .k = k, .own = n / 2};
    s.to_medoids = guarded((size_t)(n * k) * 8);
    s.to_candidate = guarded((size_t)n * 8);
    s.column = guarded((size_t)n * SIZES[type]);
    s.objects = guarded((size_t)n * sizeof *s.objects);
    s.limits = guarded((size_t)n * SIZES[type]);
    for (int i = 0; i < 2; i++) s.to[i] = guarded((size_t)n * 8);
    for (int64_t i = 0; i < n * k; i++) s.to_medoids[i] = random_distance(type, rough, &seed);
    for (int64_t o = 0; o < n; o++) {
        double d = random_distance(type, rough, &seed);
        put(type, s.column, o, isinf(d) ? FAR : rough && d == 0 ? -1 : d);
        s.to_candidate[o] = o == s.own ? 0 : d; /* whatever the matrix says of an object to itself */
        set_object(&s, o);
    }
    s.m = (vtk_msc){.n = n, .k = k, .objects = s.objects, .limits = s.limits, .to = {s.to[0], s.to[1]}, .far = is_float(type) ? FAR : (double)INFINITY};
    return s;
}

static void free_scene(scene *s) {
    guarded_free(s->to_medoids, (size_t)(s->n * s->k) * 8);
    guarded_free(s->to_candidate, (size_t)s->n * 8);
    guarded_free(s->column, (size_t)s->n * SIZES[s->type]);
    guarded_free(s->objects, (size_t)s->n * sizeof *s->objects);
    guarded_free(s->limits, (size_t)s->n * SIZES[s->type]);
    for (int i = 0; i < 2; i++) guarded_free(s->to[i], (size_t)s->n * 8);
}

/* The loss with the candidate in the slot; slot -1: as it is. */
static double loss_with(const scene *s, int64_t slot) {
    double sum = 0;
    for (int64_t o = 0; o < s->n; o++) {
        double d1 = (double)INFINITY, d2 = (double)INFINITY;
        for (int64_t i = 0; i < s->k; i++) {
            double d = i == slot ? s->to_candidate[o] : s->to_medoids[o * s->k + i];
            d2 = fmin(d2, fmax(d1, d));
            d1 = fmin(d1, d);
        }
        sum += ratio(d1, d2);
    }
    return sum;
}

static void check_judgement(const vtk_table *t, const scene *s) {
    double scratch[MAX_K], losses[MAX_K], gain, best = (double)INFINITY;
    int32_t slot = -1;
    for (int64_t i = 0; i < s->k; i++) best = fmin(best, losses[i] = loss_with(s, i));
    if (s->k == 2) {
        double got[2];
        t->msc_judge_two[s->type](got, &s->m, s->column, s->own);
        assert_true(fabs(got[0] - losses[0]) <= 1e-12 * (double)s->n && fabs(got[1] - losses[1]) <= 1e-12 * (double)s->n);
        return;
    }
    t->msc_judge[s->type](&gain, &slot, scratch, &s->m, s->removal, s->column, NULL, s->own);
    assert_true(fabs(loss_with(s, -1) - gain - best) <= 1e-12 * (double)s->n);
    assert_true(fabs(losses[slot] - best) <= 1e-12 * (double)s->n);
}

static void judgements_are_the_losses_that_follow(void **state) {
    (void)state;
    vtk_table t;
    assert_int_equal(vtk_fill_isa(&t, "ref"), 1);
    for (int type = 0; type < VTK_N_DISTANCES; type++)
        for (int64_t n = 1; n < 90; n++) {
            scene s = make_scene(type, n, 2 + n % 8, (int)(n % 2), (uint64_t)(n * 4 + type));
            check_judgement(&t, &s);
            free_scene(&s);
        }
}

/* The third of an object that has lost it, or has the second best in its place. */
static void check_third(const vtk_table *t, const scene *s, int64_t o, int32_t from) {
    char row[MAX_K * 8];
    const vtk_near3 *want = &s->objects[o];
    if (from == want->slot1 || from == want->slot2) return;
    vtk_near3 got = *want;
    got.slot3 = from;
    got.d3 = from < 0 ? (double)INFINITY : s->to_medoids[o * s->k + from];
    for (int64_t i = 0; i < s->k; i++) put(s->type, row, i, isinf(s->to_medoids[o * s->k + i]) ? FAR : s->to_medoids[o * s->k + i]);
    t->msc_third[s->type](&got, row, s->k, s->m.far);
    assert_true(got.d3 == want->d3 || (isinf(got.d3) && isinf(want->d3)));
    if (from < 0 || from == want->slot3) assert_int_equal(got.slot3, want->slot3);
    else assert_true(s->to_medoids[o * s->k + got.slot3] == want->d3);
}

static void check_thirds(const vtk_table *t, int type, int64_t k, int rough) {
    scene s = make_scene(type, 40, k, rough, (uint64_t)k);
    for (int64_t o = 0; o < s.n; o++)
        for (int32_t from = -1; from < k; from++) check_third(t, &s, o, from);
    free_scene(&s);
}

static void thirds_are_the_nearest_of_the_rest(void **state) {
    static const char *const isas[] = {"ref", "avx2", "avx512"};
    (void)state;
    for (size_t i = 0; i < COUNT(isas); i++) {
        vtk_table t;
        if (!vtk_fill_isa(&t, isas[i])) continue;
        for (int type = 0; type < VTK_N_DISTANCES; type++)
            for (int64_t k = 3; k <= MAX_K; k += k < 9 ? 1 : 11) check_thirds(&t, type, k, (int)(k % 2));
    }
}

static void compare(const vtk_table *ref, const vtk_table *t, int type, int64_t n, int64_t k, int rough) {
    scene s = make_scene(type, n, k, rough, (uint64_t)(n + 1));
    double scratch[MAX_K], gains[2], losses[4];
    int32_t slots[2];
    if (k > 2) {
        ref->msc_judge[type](&gains[0], &slots[0], scratch, &s.m, s.removal, s.column, s.column, s.own);
        t->msc_judge[type](&gains[1], &slots[1], scratch, &s.m, s.removal, s.column, s.column, s.own);
        assert_memory_equal(&gains[0], &gains[1], sizeof gains[0]);
        assert_int_equal(slots[0], slots[1]);
    }
    ref->msc_judge_two[type](losses, &s.m, s.column, s.own);
    t->msc_judge_two[type](losses + 2, &s.m, s.column, s.own);
    assert_memory_equal(losses, losses + 2, 2 * sizeof *losses);
    free_scene(&s);
}

static void check_variant(const vtk_table *ref, const vtk_table *t) {
    for (int type = 0; type < VTK_N_DISTANCES; type++)
        for (int rough = 0; rough < 2; rough++) {
            for (int64_t n = 1; n <= 67; n++) compare(ref, t, type, n, 2 + n % 8, rough);
            compare(ref, t, type, 1023, 5, rough);
            compare(ref, t, type, 2100, 3, rough);
        }
}

static void variants_agree_with_ref_bit_for_bit(void **state) {
    (void)state;
    for_each_variant(check_variant);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(judgements_are_the_losses_that_follow), cmocka_unit_test(thirds_are_the_nearest_of_the_rest), cmocka_unit_test(variants_agree_with_ref_bit_for_bit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
