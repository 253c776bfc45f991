/* The walk of swap searches against the walk one candidate at a time, with swaps made up by a hash of candidate and state. */
#include "cluster/eager.h"
#include "problem.h"

typedef struct world {
    uint64_t seed;
    int64_t n, k, n_taken, given_up_after; /* changes are never below 0 once so many swaps are taken */
    int64_t medoids[16];
    const double *d; /* what columns must hold; NULL: not looked at */
} world;

/* What candidate j brings in the state after so many swaps: an improvement now and then. */
static vt__move made_up(const world *w, int64_t j) {
    uint64_t s = w->seed ^ ((uint64_t)j * 0x9e3779b97f4a7c15u) ^ ((uint64_t)w->n_taken * 0xd1342543de82ef95u);
    (void)next_word(&s);
    uint32_t word = next_word(&s);
    return (vt__move){(int32_t)(word % (uint32_t)w->k), {.whole = (int64_t)(word >> 8) % 40 - (w->n_taken < w->given_up_after)}};
}

static vt__sum falling(void *user) { return (vt__sum){.whole = -((const world *)user)->n_taken}; }

static void judge(void *user, int64_t lane, int64_t j, const void *column, const void *next, vt__move *out) {
    (void)next;
    const world *w = user;
    if (lane < 0 || lane >= VT__SEARCH_LANES) abort();
    for (int64_t o = 0; o < w->n; o++)
        if ((double)((const int32_t *)column)[o] != w->d[o * w->n + j]) abort(); /* an assertion must not jump out of a pool's thread */
    *out = made_up(w, j);
}

static vt_status take(void *user, const vt__move *move, int64_t j, const void *column) {
    world *w = user;
    assert_int_equal(w->medoids[move->slot], j);
    assert_true((double)((const int32_t *)column)[0] == w->d[j]);
    w->n_taken++;
    return VT_OK;
}

static int is_medoid(const world *w, int64_t j) {
    for (int64_t i = 0; i < w->k; i++)
        if (w->medoids[i] == j) return 1;
    return 0;
}

/* The loop as the paper has it. */
static int64_t walk_plainly(world *w, const int64_t *order, int64_t max_iter) {
    int64_t last = -1, iter = 0;
    while (iter < max_iter) {
        int64_t before = w->n_taken;
        iter++;
        for (int64_t i = 0; i < w->n; i++) {
            int64_t j = order ? order[i] : i;
            if (j == last) break;
            if (is_medoid(w, j)) continue;
            vt__move m = made_up(w, j);
            if (m.change.whole >= 0) continue;
            w->medoids[m.slot] = last = j;
            w->n_taken++;
        }
        if (w->n_taken == before) break;
    }
    return iter;
}

static int64_t best_plainly(world *w, int64_t max_iter) {
    int64_t iter = 0;
    while (iter < max_iter) {
        vt__move best = {0};
        int64_t best_j = -1;
        iter++;
        for (int64_t j = 0; j < w->n; j++) {
            if (is_medoid(w, j)) continue;
            vt__move m = made_up(w, j);
            if (best_j >= 0 && m.change.whole >= best.change.whole) continue;
            best = m;
            best_j = j;
        }
        if (best_j < 0 || best.change.whole >= 0) break;
        w->medoids[best.slot] = best_j;
        w->n_taken++;
    }
    return iter;
}

static void check(vt_context *ctx, const vt_distance *distance, const problem *p, int is_eager, uint64_t seed) {
    world w = {.seed = seed * 1000003, .n = p->n, .k = 1 + (int64_t)(seed % 9), .given_up_after = (int64_t)(seed % 50), .d = p->d};
    int64_t order[300];
    for (int64_t i = 0; i < p->n; i++) order[i] = i * 7 % p->n;
    for (int64_t i = 0; i < w.k; i++) w.medoids[i] = (int64_t)(seed % 11) + 3 * i;
    if (w.k > p->n / 4) w.k = 1;
    world plain = w;
    const int64_t *in_order = is_eager && seed % 2 && p->n % 7 ? order : NULL;
    vt__search s = {.ctx = ctx, .distance = distance, .n = p->n, .k = w.k, .medoids = w.medoids, .order = in_order, .max_iter = 1 + (int64_t)(seed % 20), .is_whole = 1,
                    .user = &w, .judge = judge, .take = take, .loss = falling};
    assert_int_equal((is_eager ? vt__search_eager : vt__search_best)(&s), VT_OK);
    int64_t n_iter = is_eager ? walk_plainly(&plain, in_order, s.max_iter) : best_plainly(&plain, s.max_iter);
    assert_int_equal(s.n_swap, plain.n_taken);
    assert_int_equal(s.n_iter, n_iter);
    assert_memory_equal(w.medoids, plain.medoids, sizeof w.medoids);
}

static void walks_are_those_of_one_candidate_at_a_time(void **state) {
    static const int64_t sizes[] = {40, 64, 65, 150, 300};
    (void)state;
    for (int32_t threads = 1; threads <= 4; threads += threads)
        for (size_t i = 0; i < COUNT(sizes); i++) {
            vt_context *ctx = new_context(threads, NULL);
            problem p = make_problem(VT__DISTANCE_I32, sizes[i], i % 2 == 0, 900, 4);
            vt_distance *distance = distance_of(ctx, &p);
            for (uint64_t seed = 1; seed <= 40; seed++) {
                check(ctx, distance, &p, 1, seed);
                check(ctx, distance, &p, 0, seed);
            }
            vt__distance_release(distance);
            free_problem(&p);
            vt__context_release(ctx);
        }
}

static void nothing_is_left_to_visit_when_all_are_medoids(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    problem p = make_problem(VT__DISTANCE_I32, 8, 1, 900, 4);
    vt_distance *distance = distance_of(ctx, &p);
    world w = {.n = 8, .k = 8, .given_up_after = 5, .medoids = {0, 1, 2, 3, 4, 5, 6, 7}, .d = p.d};
    vt__search s = {.ctx = ctx, .distance = distance, .n = 8, .k = 8, .medoids = w.medoids, .max_iter = 9, .is_whole = 1, .user = &w, .judge = judge, .take = take, .loss = falling};
    assert_int_equal(vt__search_eager(&s), VT_OK);
    assert_int_equal(vt__search_best(&s), VT_OK);
    assert_true(s.n_iter == 2 && s.n_swap == 0);
    vt__distance_release(distance);
    free_problem(&p);
    vt__context_release(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(walks_are_those_of_one_candidate_at_a_time), cmocka_unit_test(nothing_is_left_to_visit_when_all_are_medoids)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
