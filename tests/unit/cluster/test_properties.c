/* What must hold for every input, through the public calls: methods that are to agree agree, no improving swap is left, results depend neither on the
 * number of threads nor on the form of the distance, and follow permutations, duplicates and scales of the objects. */
#include "calls.h"

enum { N_CONTEXTS = 4, MOST = 64 };
static const int32_t THREADS[N_CONTEXTS] = {1, 2, 3, 7};
static vt_context *contexts[N_CONTEXTS]; /* of so many threads */

static int make_contexts(void **state) {
    (void)state;
    for (int i = 0; i < N_CONTEXTS; i++) {
        vt_context_options o = VT_STRUCT_INIT(vt_context_options);
        o.n_threads = THREADS[i];
        if (vt_context_create(&o, &contexts[i]) != VT_OK) return 1;
    }
    ctx = contexts[0];
    return 0;
}

static int drop_contexts(void **state) {
    (void)state;
    for (int i = 0; i < N_CONTEXTS; i++) vt_context_release(contexts[i]);
    return 0;
}

static vt_distance *open_in(vt_context *where, objects *o, int kind) {
    vt_distance *d = NULL;
    if (open_kind(where, o, kind, &d) != VT_OK) fail_msg("%s: %s", kind_label(kind), vt_error_message());
    return d;
}

static vt_clustering *cluster(vt_distance *d, const vt_cluster_options *o) {
    vt_clustering *c = NULL;
    if (vt_cluster_kmedoids(d, o, &c) != VT_OK) fail_msg("method %d: %s", o->method, vt_error_message());
    return c;
}

static vt_clustering *cluster_kind(vt_context *where, objects *o, int kind, const vt_cluster_options *opt) {
    vt_distance *d = open_in(where, o, kind);
    vt_clustering *c = cluster(d, opt);
    vt_distance_release(d);
    return c;
}

/* Bit for bit the same. What the comparison was is in the message. */
static void assert_same(const vt_clustering *a, const vt_clustering *b, const char *what, int method) {
    const vt_clustering_info x = info_of(a), y = info_of(b);
    int64_t lo[2] = {0}, n_curve[2] = {0};
    const double *curve_a = vt_clustering_curve(a, &lo[0], &n_curve[0]), *curve_b = vt_clustering_curve(b, &lo[1], &n_curve[1]);
    if (memcmp(&x, &y, sizeof x) != 0)
        fail_msg("%s, method %d: k %lld/%lld, passes %lld/%lld, swaps %lld/%lld, loss %.17g/%.17g, silhouette %.17g/%.17g", what, method, (long long)x.k,
                 (long long)y.k, (long long)x.n_iter, (long long)y.n_iter, (long long)x.n_swap, (long long)y.n_swap, x.loss, y.loss, x.silhouette, y.silhouette);
    const size_t n = (size_t)x.n, k = (size_t)x.k;
    const int64_t *ma = vt_clustering_medoids(a), *mb = vt_clustering_medoids(b);
    if ((ma && memcmp(ma, mb, k * sizeof *ma) != 0) || memcmp(vt_clustering_labels(a), vt_clustering_labels(b), n * sizeof(int32_t)) != 0 ||
        memcmp(vt_clustering_nearest(a), vt_clustering_nearest(b), n * sizeof(double)) != 0 || lo[0] != lo[1] || n_curve[0] != n_curve[1] ||
        (curve_a && memcmp(curve_a, curve_b, (size_t)n_curve[0] * sizeof *curve_a) != 0))
        fail_msg("%s, method %d: other medoids, labels or distances", what, method);
    const double *sa = vt_clustering_second(a), *sb = vt_clustering_second(b);
    if (sa && memcmp(sa, sb, n * sizeof *sa) != 0) fail_msg("%s, method %d: other second distances", what, method);
}

/* ---- the definition, by brute force ---- */

static int is_medoid(const int64_t *medoids, int64_t k, int64_t o) {
    for (int64_t i = 0; i < k; i++)
        if (medoids[i] == o) return 1;
    return 0;
}

/* Sum of the weighted distances to the nearest of k medoids; a medoid is at 0. */
static double loss_of(const double *d, int64_t n, const int64_t *medoids, int64_t k, const double *weights) {
    double loss = 0;
    for (int64_t o = 0; o < n; o++) {
        double nearest = is_medoid(medoids, k, o) ? 0 : INFINITY;
        for (int64_t i = 0; i < k; i++) nearest = fmin(nearest, d[o * n + medoids[i]]);
        loss += (weights ? weights[o] : 1) * nearest;
    }
    return loss;
}

/* Labels, distances and loss are those of the medoids. */
static void check_result(const double *d, const vt_clustering *c, const double *weights, double tolerance, const char *what) {
    const vt_clustering_info x = info_of(c);
    const int64_t *m = vt_clustering_medoids(c);
    double loss = 0;
    for (int64_t o = 0; o < x.n; o++) {
        const int64_t slot = vt_clustering_labels(c)[o];
        double nearest = (double)INFINITY, second = (double)INFINITY;
        assert_in_range(slot, 0, x.k - 1);
        for (int64_t i = 0; i < x.k; i++) {
            nearest = fmin(nearest, d[o * x.n + m[i]]);
            if (i != slot) second = fmin(second, d[o * x.n + m[i]]);
        }
        if (is_medoid(m, x.k, o)) {
            if (m[slot] != o) fail_msg("%s: medoid %lld is in another's cluster", what, (long long)o);
            nearest = 0;
        }
        if (fabs(vt_clustering_nearest(c)[o] - nearest) > tolerance || fabs(d[o * x.n + m[slot]] - nearest) > tolerance)
            fail_msg("%s: object %lld is at %.17g of its medoid, the nearest is at %.17g", what, (long long)o, vt_clustering_nearest(c)[o], nearest);
        if (x.k > 1 ? fabs(vt_clustering_second(c)[o] - second) > tolerance : !isinf(vt_clustering_second(c)[o]))
            fail_msg("%s: object %lld has its second medoid at %.17g, not %.17g", what, (long long)o, vt_clustering_second(c)[o], second);
        loss += (weights ? weights[o] : 1) * nearest;
    }
    if (fabs(loss - x.loss) > tolerance * (double)x.n) fail_msg("%s: loss %.17g, not %.17g", what, x.loss, loss);
}

static void check_no_better_swap(const double *d, const vt_clustering *c, const double *weights, double tolerance, const char *what) {
    const vt_clustering_info x = info_of(c);
    int64_t trial[MOST];
    memcpy(trial, vt_clustering_medoids(c), (size_t)x.k * sizeof *trial);
    for (int64_t slot = 0; slot < x.k; slot++) {
        const int64_t kept = trial[slot];
        for (int64_t j = 0; j < x.n; j++) {
            if (is_medoid(vt_clustering_medoids(c), x.k, j)) continue;
            trial[slot] = j;
            const double loss = loss_of(d, x.n, trial, x.k, weights);
            if (loss < x.loss - tolerance) fail_msg("%s: object %lld for medoid %lld makes the loss %.17g of %.17g", what, (long long)j, (long long)kept, loss, x.loss);
        }
        trial[slot] = kept;
    }
}

/* D of any distance as float64, asked of the library. */
static double *whole_matrix(const vt_distance *d) {
    const int64_t n = vt_distance_count(d);
    void *raw = case_block(n * n, 8);
    double *out = case_block(n * n, sizeof *out);
    assert_int_equal(vt_distance_compute(d, NULL, n, NULL, n, NULL, raw), VT_OK);
    for (int64_t i = 0; i < n * n; i++) switch (vt_distance_dtype(d)) {
        case VT_DTYPE_F32: out[i] = (double)((float *)raw)[i]; break;
        case VT_DTYPE_F64: out[i] = ((double *)raw)[i]; break;
        case VT_DTYPE_I32: out[i] = ((int32_t *)raw)[i]; break;
        default: out[i] = (double)((int64_t *)raw)[i];
        }
    free(raw);
    return out;
}

static double *random_weights(uint64_t *state, int64_t n) {
    double *w = case_block(n, sizeof *w);
    for (int64_t i = 0; i < n; i++) w[i] = (double)case_below(state, 4); /* zeros too */
    w[case_below(state, n)] = 1;
    return w;
}

/* ---- methods against each other and against the definition ---- */

static void fastpam1_is_pam(void **state) {
    (void)state;
    uint64_t random = 1;
    for (int round = 0; round < 1000; round++) {
        static const int64_t ranges[] = {2, 3, 10, 100000};
        const int64_t n = 1 + case_below(&random, 60), k = 1 + case_below(&random, round % 4 ? (n < 8 ? n : 8) : n);
        objects o = objects_make(case_word(&random), n, ranges[round % 4], round % 3 == 0);
        int64_t medoids[MOST];
        double *weights = round % 5 == 0 ? random_weights(&random, n) : NULL;
        vt_cluster_options opt = options(VT_CLUSTER_FASTPAM1, k);
        case_choose(&random, n, k, medoids);
        opt.medoids = medoids;
        opt.n_medoids = k;
        opt.weights = weights;
        const int kind = round % 2 ? MATRIX_I32 : round % 8 == 2 ? MATRIX_F32 : MATRIX_I64;
        vt_clustering *fast = cluster_kind(ctx, &o, kind, &opt);
        opt.method = VT_CLUSTER_PAM;
        vt_clustering *pam = cluster_kind(ctx, &o, kind, &opt);
        assert_same(fast, pam, "fastpam1 and pam", round);
        check_result(o.d, fast, weights, 0, "fastpam1");
        if (info_of(fast).n_iter < 100) check_no_better_swap(o.d, fast, weights, 0, "fastpam1");
        vt_clustering_release(fast);
        vt_clustering_release(pam);
        objects_free(&o);
        free(weights);
    }
}

static void no_improving_swap_is_left_after_fasterpam(void **state) {
    (void)state;
    uint64_t random = 2;
    for (int round = 0; round < 300; round++) {
        const int kind = round % N_KINDS, symmetric = kind >= N_ASYMMETRIC || round % 2;
        const int64_t n = 1 + case_below(&random, MOST - 4), k = 1 + case_below(&random, n < 10 ? n : 10);
        objects o = objects_make(case_word(&random), n, round % 3 ? 5 : 1000, symmetric);
        double *weights = round % 4 == 0 ? random_weights(&random, n) : NULL;
        vt_cluster_options opt = options(VT_CLUSTER_FASTERPAM, k);
        vt_distance *d = open_in(contexts[round % N_CONTEXTS], &o, kind);
        double *all = whole_matrix(d);
        opt.seed = (uint64_t)round;
        opt.flags = round % 7 == 0 ? VT_CLUSTER_SHUFFLE : 0;
        opt.init = round % 5;
        opt.weights = weights;
        opt.max_iter = 100000;
        vt_clustering *c = cluster(d, &opt);
        const double tolerance = kind < N_EXACT || kind_is_integer(kind) ? 0 : 1e-9 * (info_of(c).loss + 1);
        check_result(all, c, weights, tolerance, kind_label(kind));
        check_no_better_swap(all, c, weights, tolerance, kind_label(kind));
        vt_clustering_release(c);
        vt_distance_release(d);
        objects_free(&o);
        free(all);
        free(weights);
    }
}

/* Mean over the objects of 1 - d1 / d2, 1 where d1 is 0. */
static double medoid_silhouette_of(const double *d, int64_t n, const int64_t *medoids, int64_t k) {
    double sum = 0;
    for (int64_t o = 0; o < n; o++) {
        double nearest = (double)INFINITY, second = (double)INFINITY;
        for (int64_t i = 0; i < k; i++) {
            const double x = medoids[i] == o ? 0 : d[o * n + medoids[i]];
            if (x < nearest) {
                second = nearest;
                nearest = x;
            } else {
                second = fmin(second, x);
            }
        }
        sum += nearest > 0 ? 1 - nearest / second : 1;
    }
    return sum / (double)n;
}

static void no_improving_swap_is_left_after_fastermsc(void **state) {
    (void)state;
    static const int32_t methods[] = {VT_CLUSTER_FASTERMSC, VT_CLUSTER_FASTMSC, VT_CLUSTER_PAMMEDSIL, VT_CLUSTER_DYNMSC};
    uint64_t random = 3;
    for (int round = 0; round < 120; round++) {
        const int kind = round % N_KINDS, symmetric = kind >= N_ASYMMETRIC || round % 2;
        const int64_t n = 4 + case_below(&random, 30), k = 2 + case_below(&random, 5 < n - 3 ? 5 : n - 3);
        objects o = objects_make(case_word(&random), n, round % 3 ? 5 : 1000, symmetric);
        vt_distance *d = open_in(ctx, &o, kind);
        double *all = whole_matrix(d), mean = 0;
        int64_t trial[MOST];
        vt_cluster_options opt = options(methods[round % 4], k);
        opt.init = VT_INIT_FIRST;
        opt.max_iter = 100000;
        vt_clustering *c = cluster(d, &opt);
        const vt_clustering_info x = info_of(c);
        memcpy(trial, vt_clustering_medoids(c), (size_t)x.k * sizeof *trial);
        assert_int_equal(vt_medoid_silhouette(d, trial, x.k, NULL, NULL, &mean), VT_OK);
        if (fabs(mean - x.silhouette) > 1e-9 || fabs(mean - medoid_silhouette_of(all, n, trial, x.k)) > 1e-6)
            fail_msg("%s, method %d: silhouette %.17g, asked %.17g, defined %.17g", kind_label(kind), opt.method, x.silhouette, mean, medoid_silhouette_of(all, n, trial, x.k));
        for (int64_t slot = 0; slot < x.k; slot++)
            for (int64_t j = 0; j < n; j++) {
                if (is_medoid(vt_clustering_medoids(c), x.k, j)) continue;
                trial[slot] = j;
                const double better = medoid_silhouette_of(all, n, trial, x.k);
                if (better > mean + 1e-6) fail_msg("%s, method %d: a swap makes the silhouette %.17g of %.17g", kind_label(kind), opt.method, better, mean);
                trial[slot] = vt_clustering_medoids(c)[slot];
            }
        vt_clustering_release(c);
        vt_distance_release(d);
        objects_free(&o);
        free(all);
    }
}

/* ---- threads and kinds ---- */

static vt_cluster_options plain_options(int32_t method, int64_t k) {
    vt_cluster_options o = options(method, k);
    o.seed = 5;
    if (method == VT_CLUSTER_FASTERCLARA) o.sample_size = 2 * k + 20;
    if (method == VT_CLUSTER_DYNMSC) o.k_min = k - 3;
    if (method == VT_CLUSTER_PAM || method == VT_CLUSTER_PAMMEDSIL || method == VT_CLUSTER_FASTPAM1 || method == VT_CLUSTER_FASTMSC) o.max_iter = 3;
    if (method == VT_CLUSTER_PAMSIL) o.max_iter = 1;
    return o;
}

static void check_threads(objects *o, int kind, const vt_cluster_options *opt, int other) {
    vt_clustering *alone = cluster_kind(contexts[0], o, kind, opt), *together = cluster_kind(contexts[other], o, kind, opt);
    assert_same(alone, together, kind_label(kind), opt->method);
    vt_clustering_release(alone);
    vt_clustering_release(together);
}

/* Every method on every kind with another number of threads, each number with each method and each kind. */
static void threads_do_not_change_results(void **state) {
    (void)state;
    objects large = objects_make(11, 150, 1000, 1), skew = objects_make(12, 150, 1000, 0), small = objects_make(13, 40, 1000, 1);
    for (int kind = 0; kind < N_KINDS; kind++)
        for (int32_t method = 0; method <= VT_CLUSTER_PAMSIL; method++) {
            const vt_cluster_options opt = plain_options(method, method == VT_CLUSTER_PAMSIL ? 4 : 9);
            check_threads(method == VT_CLUSTER_PAMSIL ? &small : kind < N_ASYMMETRIC ? &skew : &large, kind, &opt, 1 + (kind + method) % (N_CONTEXTS - 1));
        }
    objects_free(&large);
    objects_free(&skew);
    objects_free(&small);
}

/* Large enough for several blocks of every loop. */
static void threads_do_not_change_large_results(void **state) {
    (void)state;
    static const int kinds[] = {MATRIX_F32, MATRIX_I64, TRIANGLE_F64, ROWS_L2, CSR_L2};
    objects o = objects_make(14, 1100, 100000, 1);
    for (int i = 0; i < (int)(sizeof kinds / sizeof *kinds); i++)
        for (int64_t k = 3; k < 80; k += 70) {
            vt_cluster_options opt = options(VT_CLUSTER_FASTERPAM, k);
            opt.init = VT_INIT_RANDOM;
            opt.max_iter = 2;
            check_threads(&o, kinds[i], &opt, 1 + (i + (k > 3)) % (N_CONTEXTS - 1));
        }
    objects_free(&o);
}

/* Whole numbers: every form of the same distance gives the same clustering, silhouettes apart, whose divisions know the type. */
static void kinds_do_not_change_results(void **state) {
    (void)state;
    static const int32_t methods[] = {VT_CLUSTER_FASTERPAM, VT_CLUSTER_FASTPAM1, VT_CLUSTER_PAM, VT_CLUSTER_ALTERNATING, VT_CLUSTER_INIT_ONLY, VT_CLUSTER_FASTERCLARA,
                                      VT_CLUSTER_FASTCLARANS};
    for (uint64_t seed = 0; seed < 6; seed++) {
        objects o = objects_make(20 + seed, 50 + (int64_t)seed * 13, seed % 2 ? 4 : 1000, seed % 3 != 0);
        const int last = o.symmetric ? N_EXACT : N_ASYMMETRIC;
        for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
            vt_cluster_options opt = plain_options(methods[m], 6);
            if (methods[m] != VT_CLUSTER_FASTCLARANS) opt.init = seed % 2 ? VT_INIT_LAB : VT_INIT_BUILD;
            vt_clustering *first = cluster_kind(ctx, &o, MATRIX_F64, &opt);
            check_result(o.d, first, NULL, 0, "matrix f64");
            for (int kind = 0; kind < last; kind++) {
                vt_clustering *c = cluster_kind(ctx, &o, kind, &opt);
                const vt_clustering_info x = info_of(first), y = info_of(c);
                if (x.n_iter != y.n_iter || x.n_swap != y.n_swap || x.loss != y.loss || x.k != y.k ||
                    memcmp(vt_clustering_medoids(first), vt_clustering_medoids(c), (size_t)x.k * 8) != 0 ||
                    memcmp(vt_clustering_labels(first), vt_clustering_labels(c), (size_t)x.n * 4) != 0)
                    fail_msg("method %d on %s is not that on a float64 matrix (loss %.17g, %.17g)", methods[m], kind_label(kind), y.loss, x.loss);
                assert_true(y.integer_loss == (kind_is_integer(kind) ? (int64_t)x.loss : 0));
                vt_clustering_release(c);
            }
            vt_clustering_release(first);
        }
        objects_free(&o);
    }
}

/* ---- invariances ---- */

/* o with its objects renumbered: object i becomes place[i]. */
static objects permuted(const objects *o, const int64_t *place) {
    objects p = {.n = o->n, .stride = o->stride, .symmetric = o->symmetric};
    objects_allocate(&p);
    for (int64_t i = 0; i < o->n; i++)
        for (int64_t j = 0; j < o->n; j++) objects_put(&p, place[i], place[j], o->d[i * o->n + j]);
    return p;
}

/* Best swaps do not depend on the order where none tie: numbers are drawn from a large range, and two objects do not see each other at one distance. */
static void renumbering_objects_keeps_the_loss(void **state) {
    (void)state;
    static const int32_t methods[] = {VT_CLUSTER_FASTPAM1, VT_CLUSTER_PAM, VT_CLUSTER_ALTERNATING, VT_CLUSTER_FASTMSC, VT_CLUSTER_INIT_ONLY};
    uint64_t random = 31;
    for (int round = 0; round < 40; round++) {
        const int64_t n = 5 + case_below(&random, MOST - 5), k = 2 + case_below(&random, 3);
        int64_t place[MOST], medoids[2][8];
        objects o = objects_make(case_word(&random), n, 100000000, 0);
        case_choose(&random, n, n, place);
        case_choose(&random, n, k, medoids[0]);
        for (int64_t i = 0; i < k; i++) medoids[1][i] = place[medoids[0][i]];
        objects p = permuted(&o, place);
        vt_clustering *c[2];
        for (int i = 0; i < 2; i++) {
            vt_cluster_options opt = options(methods[round % 5], k);
            opt.n_medoids = opt.method == VT_CLUSTER_INIT_ONLY ? 0 : k;
            opt.medoids = opt.n_medoids ? medoids[i] : NULL;
            if (opt.method == VT_CLUSTER_INIT_ONLY) opt.init = VT_INIT_BUILD;
            c[i] = cluster_kind(ctx, i ? &p : &o, MATRIX_I64, &opt);
        }
        assert_true(info_of(c[0]).integer_loss == info_of(c[1]).integer_loss && info_of(c[0]).n_swap == info_of(c[1]).n_swap);
        for (int64_t i = 0; i < k; i++) assert_int_equal(place[vt_clustering_medoids(c[0])[i]], vt_clustering_medoids(c[1])[i]);
        for (int i = 0; i < 2; i++) vt_clustering_release(c[i]);
        objects_free(&o);
        objects_free(&p);
    }
}

/* An object of weight w is w objects at one place. */
static void weights_are_duplicates(void **state) {
    (void)state;
    static const int32_t methods[] = {VT_CLUSTER_FASTERPAM, VT_CLUSTER_FASTPAM1, VT_CLUSTER_PAM};
    uint64_t random = 41;
    for (int round = 0; round < 60; round++) {
        const int64_t n = 4 + case_below(&random, 12), k = 1 + case_below(&random, 3);
        int64_t medoids[2][8], first[16], from[MOST], n_all = 0;
        double weights[16];
        objects o = objects_make(case_word(&random), n, 100000, round % 2);
        for (int64_t i = 0; i < n; i++) {
            weights[i] = (double)(1 + case_below(&random, 3));
            first[i] = n_all;
            for (int64_t w = 0; w < (int64_t)weights[i]; w++) from[n_all++] = i;
        }
        objects many = {.n = n_all, .stride = n_all};
        objects_allocate(&many);
        for (int64_t i = 0; i < n_all; i++)
            for (int64_t j = 0; j < n_all; j++) objects_put(&many, i, j, o.d[from[i] * n + from[j]]);
        case_choose(&random, n, k, medoids[0]);
        for (int64_t i = 0; i < k; i++) medoids[1][i] = first[medoids[0][i]];
        vt_cluster_options opt = options(methods[round % 3], k);
        opt.n_medoids = k;
        opt.medoids = medoids[1];
        vt_clustering *duplicated = cluster_kind(ctx, &many, MATRIX_I64, &opt);
        opt.medoids = medoids[0];
        opt.weights = weights;
        vt_clustering *weighted = cluster_kind(ctx, &o, round % 4 ? MATRIX_I64 : MATRIX_F64, &opt);
        check_result(o.d, weighted, weights, 0, "weighted");
        if (info_of(weighted).loss != info_of(duplicated).loss || info_of(weighted).n_swap != info_of(duplicated).n_swap)
            fail_msg("round %d, method %d: loss %.17g with weights, %.17g with duplicates", round, opt.method, info_of(weighted).loss, info_of(duplicated).loss);
        for (int64_t i = 0; i < k; i++) assert_int_equal(from[vt_clustering_medoids(duplicated)[i]], vt_clustering_medoids(weighted)[i]);
        vt_clustering_release(weighted);
        vt_clustering_release(duplicated);
        objects_free(&o);
        objects_free(&many);
    }
}

static void scaling_distances_scales_the_loss_alone(void **state) {
    (void)state;
    static const int kinds[] = {MATRIX_F32, MATRIX_F64, MATRIX_I64, TRIANGLE_F32, CALLBACK};
    objects o = objects_make(51, 60, 1000, 1);
    objects scaled = {.n = o.n, .stride = o.stride, .symmetric = 1};
    objects_allocate(&scaled);
    for (int64_t i = 0; i < o.n; i++)
        for (int64_t j = 0; j < o.n; j++) objects_put(&scaled, i, j, 1024 * o.d[i * o.n + j]);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (int32_t method = 0; method <= VT_CLUSTER_PAMSIL; method++) {
            const vt_cluster_options opt = plain_options(method, 5);
            vt_clustering *a = cluster_kind(ctx, &o, kinds[i], &opt), *b = cluster_kind(ctx, &scaled, kinds[i], &opt);
            const vt_clustering_info x = info_of(a), y = info_of(b);
            if (x.loss * 1024 != y.loss || x.integer_loss * 1024 != y.integer_loss || x.n_iter != y.n_iter || x.n_swap != y.n_swap || x.silhouette != y.silhouette ||
                memcmp(vt_clustering_medoids(a), vt_clustering_medoids(b), (size_t)x.k * 8) != 0)
                fail_msg("method %d on %s: scaling changes more than the scale", method, kind_label(kinds[i]));
            vt_clustering_release(a);
            vt_clustering_release(b);
        }
    objects_free(&o);
    objects_free(&scaled);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fastpam1_is_pam),
        cmocka_unit_test(no_improving_swap_is_left_after_fasterpam),
        cmocka_unit_test(no_improving_swap_is_left_after_fastermsc),
        cmocka_unit_test(threads_do_not_change_results),
        cmocka_unit_test(threads_do_not_change_large_results),
        cmocka_unit_test(kinds_do_not_change_results),
        cmocka_unit_test(renumbering_objects_keeps_the_loss),
        cmocka_unit_test(weights_are_duplicates),
        cmocka_unit_test(scaling_distances_scales_the_loss_alone),
    };
    return cmocka_run_group_tests(tests, make_contexts, drop_contexts);
}
