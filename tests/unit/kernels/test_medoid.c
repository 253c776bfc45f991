/* The medoid kernels: the reference against their definition, and every instruction set against the reference, bit for bit, on arrays that end at a
 * page that nobody may touch. */
#include "variants.h"

#include <stdlib.h>

enum { MAX_K = 9 };
static const size_t SIZES[VTK_N_DISTANCES] = {4, 8, 4, 8};

/* n objects, a candidate's column, and the state of k medoids made of random columns. */
typedef struct scene {
    int type;
    int weighted;
    int64_t n, k;
    size_t bytes; /* of an array of distances */
    void *column;
    vtk_medoids m;
    void *weights;
    int32_t *lost;
    int64_t removal[MAX_K];
} scene;

static int is_whole(int type) { return type >= VTK_DISTANCE_I32; }

/* Few different numbers if `ties`. */
static void fill(int type, void *values, int64_t n, int ties, uint64_t *seed) {
    for (int64_t i = 0; i < n; i++) {
        double v = (double)random_float(seed) + 1;
        if (ties) v = (double)(int)(v * 4);
        switch (type) {
        case VTK_DISTANCE_F32: ((float *)values)[i] = (float)v; break;
        case VTK_DISTANCE_F64: ((double *)values)[i] = v; break;
        case VTK_DISTANCE_I32: ((int32_t *)values)[i] = (int32_t)(v * 1000); break;
        default: ((int64_t *)values)[i] = (int64_t)(v * 1e9);
        }
    }
}

static scene make_scene(const vtk_table *t, int type, int64_t n, int64_t k, int ties, int weighted, uint64_t seed) {
    scene s = {.type = type, .weighted = weighted, .n = n, .k = k, .bytes = (size_t)n * SIZES[type]};
    s.column = guarded(s.bytes);
    s.m = (vtk_medoids){.n = n, .k = k, .slot1 = guarded((size_t)n * 4), .slot2 = guarded((size_t)n * 4), .d1 = guarded(s.bytes), .d2 = guarded(s.bytes)};
    s.weights = guarded((size_t)n * 8);
    s.lost = guarded((size_t)n * 4);
    for (int64_t i = 0; i < k; i++) {
        int64_t own = n > 2 * k ? 2 * i : -1;
        fill(type, s.column, n, ties, &seed);
        if (own >= 0) memset((char *)s.column + (size_t)own * SIZES[type], 0, SIZES[type]);
        if (i == 0) t->medoid_start[type](&s.m, s.column, 0, n);
        else t->medoid_add[type](&s.m, (int32_t)i, own, s.column, 0, n);
    }
    fill(is_whole(type) ? VTK_DISTANCE_I64 : VTK_DISTANCE_F64, s.weights, n, 1, &seed);
    for (int64_t i = 0; i < n && is_whole(type); i++) ((int64_t *)s.weights)[i] %= 5;
    if (weighted) s.m.weights = s.weights;
    fill(type, s.column, n, ties, &seed);
    t->medoid_removal[type](s.removal, &s.m, 0, n);
    return s;
}

static void free_scene(scene *s) {
    guarded_free(s->column, s->bytes);
    guarded_free(s->m.slot1, (size_t)s->n * 4);
    guarded_free(s->m.slot2, (size_t)s->n * 4);
    guarded_free(s->m.d1, s->bytes);
    guarded_free(s->m.d2, s->bytes);
    guarded_free(s->weights, (size_t)s->n * 8);
    guarded_free(s->lost, (size_t)s->n * 4);
}

static void assert_same_state(const scene *a, const scene *b) {
    assert_memory_equal(a->m.slot1, b->m.slot1, (size_t)a->n * 4);
    assert_memory_equal(a->m.slot2, b->m.slot2, (size_t)a->n * 4);
    assert_memory_equal(a->m.d1, b->m.d1, a->bytes);
    assert_memory_equal(a->m.d2, b->m.d2, a->bytes);
    assert_memory_equal(a->removal, b->removal, (size_t)a->k * 8);
}

/* Judged by what it reaches, a candidate is judged as by its column; limits, and how they widen. */
static void compare_reach(const vtk_table *ref, const vtk_table *t, const scene *a, const scene *b) {
    const int type = a->type;
    const size_t n = (size_t)a->n, size = SIZES[type];
    const vtk_table *tables[2] = {ref, t};
    const scene *scenes[2] = {a, b};
    int64_t change[2][2], slot_change[2], n_found[2], n_wide[2], n_widened[2], scratch[MAX_K];
    int32_t slots[2][2], *objects[2], *found[2];
    char *limits[2], *distances[2];
    const void **columns = calloc(n + 1, sizeof *columns);
    vtk_widening w[2];
    for (size_t i = 0; i < 2; i++) {
        const vtk_table *v = tables[i];
        const vtk_medoids *m = &scenes[i]->m;
        limits[i] = guarded(n * size);
        objects[i] = calloc(n + 16, 4);
        found[i] = calloc(n + 1, 4);
        distances[i] = guarded(n * size);
        w[i] = (vtk_widening){calloc(n + 1, 4), calloc(n + 1, size), calloc(n + 1, size)};
        v->medoid_limit[type](limits[i], m, 3);
        n_found[i] = v->medoid_reach[type](objects[i], distances[i], limits[i], a->n, scenes[i]->column, i ? a->column : NULL);
        v->medoid_judge[type](&change[i][0], &slots[i][0], scratch, m, scenes[i]->removal, scenes[i]->column, NULL);
        v->medoid_judge_reach[type](&change[i][1], &slots[i][1], scratch, m, scenes[i]->removal, objects[i], distances[i], n_found[i]);
        assert_true(change[i][0] == change[i][1] && slots[i][0] == slots[i][1]);
        memset(limits[i], 0, n * size / 2);
        for (size_t o = 0; o < n; o++) objects[i][o] = (int32_t)o, columns[o] = scenes[i]->column;
        n_wide[i] = v->medoid_widen[type](&w[i], limits[i], m, 4, objects[i], a->n);
        n_widened[i] = v->medoid_widened[type](found[i], &w[i], columns, n_wide[i], a->n / 3);
        slot_change[i] = slots[i][1];
    }
    assert_true(slot_change[0] == slot_change[1] && n_found[0] == n_found[1] && n_wide[0] == n_wide[1] && n_widened[0] == n_widened[1]);
    assert_memory_equal(distances[0], distances[1], (size_t)n_found[0] * size);
    assert_memory_equal(limits[0], limits[1], n * size);
    assert_memory_equal(found[0], found[1], (size_t)n_widened[0] * 4);
    assert_memory_equal(w[0].objects, w[1].objects, (size_t)n_wide[0] * 4);
    assert_memory_equal(w[0].from, w[1].from, (size_t)n_wide[0] * size);
    assert_memory_equal(w[0].to, w[1].to, (size_t)n_wide[0] * size);
    for (size_t i = 0; i < 2; i++) {
        guarded_free(limits[i], n * size);
        guarded_free(distances[i], n * size);
        free(objects[i]);
        free(found[i]);
        free(w[i].objects);
        free(w[i].from);
        free(w[i].to);
    }
    free(columns);
}

/* Sums, judgements and a swap with its rescan. */
static void compare(const vtk_table *ref, const vtk_table *t, int type, int64_t n, int64_t k, int ties, int weighted) {
    scene a = make_scene(ref, type, n, k, ties, weighted, (uint64_t)(n + 1)), b = make_scene(t, type, n, k, ties, weighted, (uint64_t)(n + 1));
    int64_t x[2] = {0}, y[2] = {0}, scratch[MAX_K];
    int32_t slot_a = -1, slot_b = -1, slot = (int32_t)(n % k);
    assert_same_state(&a, &b);
    for (int limits = 0; limits < 2; limits++) {
        ref->medoid_total[type](x, a.column, limits ? a.m.d1 : NULL, a.m.weights, n);
        t->medoid_total[type](y, b.column, limits ? b.m.d1 : NULL, b.m.weights, n);
        assert_true(x[0] == y[0]);
    }
    ref->medoid_judge[type](x, &slot_a, scratch, &a.m, a.removal, a.column, NULL);
    t->medoid_judge[type](y, &slot_b, scratch, &b.m, b.removal, b.column, a.column);
    assert_true(x[0] == y[0] && slot_a == slot_b);
    compare_reach(ref, t, &a, &b);
    ref->medoid_pair[type](x, &a.m, slot, a.column);
    t->medoid_pair[type](y, &b.m, slot, b.column);
    assert_true(x[0] == y[0]);
    int64_t own = n ? n / 2 : -1, first = n / 5;
    int64_t lost_a = ref->medoid_swap[type](&a.m, slot, own, a.column, first, n, a.lost), lost_b = t->medoid_swap[type](&b.m, slot, own, b.column, first, n, b.lost);
    assert_true(lost_a == lost_b);
    assert_memory_equal(a.lost, b.lost, (size_t)lost_a * 4);
    size_t bytes = (size_t)(lost_a * k) * SIZES[type];
    void *rows = guarded(bytes);
    uint64_t seed = 3;
    fill(type, rows, lost_a * k, ties, &seed);
    const void *columns[MAX_K], *whole[MAX_K];
    for (int64_t i = 0; i < k; i++) columns[i] = (char *)rows + (size_t)i * SIZES[type], whole[i] = i % 2 ? a.m.d1 : a.column;
    ref->medoid_rescan[type](&a.m, slot, a.column, a.lost + lost_a / 3, lost_a - lost_a / 3, columns, k, lost_a / 3);
    t->medoid_rescan[type](&b.m, slot, b.column, b.lost + lost_a / 3, lost_b - lost_a / 3, columns, k, lost_a / 3);
    ref->medoid_rescan[type](&a.m, slot, a.column, a.lost, lost_a / 3, whole, 0, 0);
    t->medoid_rescan[type](&b.m, slot, b.column, b.lost, lost_b / 3, whole, 0, 0);
    assert_same_state(&a, &b);
    guarded_free(rows, bytes);
    free_scene(&a);
    free_scene(&b);
}

static void check_variant(const vtk_table *ref, const vtk_table *t) {
    for (int type = 0; type < VTK_N_DISTANCES; type++)
        for (int form = 0; form < 4; form++) {
            for (int64_t n = 0; n <= 67; n++) compare(ref, t, type, n, 2 + n % 8, form & 1, form >> 1);
            compare(ref, t, type, 1023, 5, form & 1, form >> 1);
            compare(ref, t, type, 2100, 3, form & 1, form >> 1);
        }
}

static void variants_agree_with_ref_bit_for_bit(void **state) {
    (void)state;
    for_each_variant(check_variant);
}

/* On integers: what all bodies agree on is what PAM says of each slot. */
static void a_judgement_is_the_best_of_all_pairs(void **state) {
    (void)state;
    vtk_table t;
    assert_int_equal(vtk_fill_isa(&t, "ref"), 1);
    for (int type = VTK_DISTANCE_I32; type <= VTK_DISTANCE_I64; type++)
        for (int64_t n = 20; n < 60; n++) {
            scene s = make_scene(&t, type, n, 2 + n % 8, n % 3 == 0, n % 2 == 0, (uint64_t)n);
            int64_t change, scratch[MAX_K], best = 0;
            int32_t slot, best_slot = -1;
            t.medoid_judge[type](&change, &slot, scratch, &s.m, s.removal, s.column, NULL);
            for (int32_t i = 0; i < s.k; i++) {
                int64_t pair;
                t.medoid_pair[type](&pair, &s.m, i, s.column);
                if (best_slot >= 0 && pair >= best) continue;
                best = pair;
                best_slot = i;
            }
            assert_true(change == best && slot == best_slot);
            free_scene(&s);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(variants_agree_with_ref_bit_for_bit), cmocka_unit_test(a_judgement_is_the_best_of_all_pairs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
