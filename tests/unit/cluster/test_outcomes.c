/* What the headers say about odd input, through the public calls: bad numbers, infinities, duplicates, every k, sums that overflow, callbacks that
 * misbehave, cancelling. */
#include "calls.h"

/* ---- numbers ---- */

static void not_numbers_are_refused_with_their_place(void **state) {
    (void)state;
    const double bad[] = {NAN, -INFINITY};
    for (int form = 0; form < 5; form++)
        for (size_t b = 0; b < COUNT(bad); b++) {
            objects o = objects_make(1, 40, 10, 1);
            vt_distance *d = NULL;
            objects_put(&o, 37, 23, bad[b]);
            o.rows32[37 * CASE_DIM + 3] = (float)bad[b];
            o.rows64[37 * CASE_DIM + 3] = bad[b];
            if (o.offsets[37] < o.offsets[38]) o.values[o.offsets[37]] = (float)bad[b];
            static const int kinds[] = {MATRIX_F32, MATRIX_F64, MATRIX_STRIDED, ROWS_L2, ROWS64_L1};
            const vt_status st = open_kind(ctx, &o, kinds[form], &d);
            assert_refused(st, VT_ERR_NUMERIC, d, "37", kind_label(kinds[form]));
            if (form < 3 && !strstr(vt_error_message(), "23")) fail_msg("\"%s\" does not name column 23", vt_error_message());
            if (form == 0) {
                assert_refused(open_kind(ctx, &o, TRIANGLE_F32, &d), VT_ERR_NUMERIC, d, "37", "triangle");
                assert_refused(open_kind(ctx, &o, MATRIX_VOUCHED, &d), VT_ERR_NUMERIC, d, "37", "vouched matrix");
                assert_refused(open_kind(ctx, &o, CALLBACK_STORED, &d), VT_ERR_NUMERIC, d, NULL, "stored callback");
                assert_refused(open_kind(ctx, &o, CSR_L1, &d), VT_ERR_NUMERIC, d, "37", "sparse rows");
            }
            objects_free(&o);
        }
}

static void rows_farther_apart_than_memory_is_long_are_refused(void **state) {
    (void)state;
    const float x[4] = {0};
    vt_distance *d = NULL;
    vt_clustering *c = NULL;
    vt_kmeans_options o = VT_STRUCT_INIT(vt_kmeans_options);
    o.k = 1;
    const int64_t far = INT64_MAX / 4;
    assert_refused(vt_distance_from_matrix(ctx, x, VT_DTYPE_F32, 2, far, 0, &d), VT_ERR_SHAPE, d, "apart", "matrix");
    assert_refused(vt_distance_from_rows(ctx, x, VT_DTYPE_F32, 2, 2, far, VT_METRIC_L2, 0, &d), VT_ERR_SHAPE, d, "apart", "rows");
    assert_refused(vt_distance_from_rows(ctx, x, VT_DTYPE_F32, 8, far, 0, VT_METRIC_L2, 0, &d), VT_ERR_SHAPE, d, "apart", "long rows");
    assert_int_equal(vt_cluster_kmeans(ctx, x, VT_DTYPE_F32, 2, 2, far, &o, &c), VT_ERR_SHAPE);
    assert_null(c);
}

static void infinite_rows_are_refused(void **state) {
    (void)state;
    objects o = objects_make(2, 9, 10, 1);
    vt_distance *d = NULL;
    o.rows32[4 * CASE_DIM] = INFINITY;
    assert_refused(open_kind(ctx, &o, ROWS_L2, &d), VT_ERR_NUMERIC, d, "4", "infinite row");
    /* Finite rows whose distance is not. */
    o.rows32[4 * CASE_DIM] = 3e38f;
    o.rows32[5 * CASE_DIM] = -3e38f;
    assert_refused(open_kind(ctx, &o, ROWS_SQUARED, &d), VT_ERR_NUMERIC, d, NULL, "rows far apart");
    assert_refused(open_kind(ctx, &o, ROWS_L1, &d), VT_ERR_NUMERIC, d, NULL, "rows far apart");
    objects_free(&o);
}

/* Two islands of n / 2 objects that do not reach each other. */
static objects islands(int64_t n) {
    objects o = objects_make(3, n, 1000, 1);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            if ((i < n / 2) != (j < n / 2)) {
                o.f64[i * n + j] = o.d[i * n + j] = (double)INFINITY;
                o.f32[i * n + j] = INFINITY;
            }
    return o;
}

static void medoids_spread_over_islands(void **state) {
    (void)state;
    static const int32_t methods[] = {VT_CLUSTER_FASTERPAM, VT_CLUSTER_FASTPAM1, VT_CLUSTER_PAM};
    static const int kinds[] = {MATRIX_F32, MATRIX_F64, CALLBACK_STORED};
    objects o = islands(30);
    for (size_t m = 0; m < COUNT(methods); m++)
        for (size_t i = 0; i < COUNT(kinds); i++)
            for (int64_t k = 1; k <= 4; k++) {
                vt_distance *d = NULL;
                vt_clustering *c = NULL;
                vt_cluster_options opt = options(methods[m], k);
                opt.init = VT_INIT_FIRST; /* all on one island */
                assert_int_equal(open_kind(ctx, &o, kinds[i], &d), VT_OK);
                assert_int_equal(vt_cluster_kmedoids(d, &opt, &c), VT_OK);
                int64_t stranded = 0;
                for (int64_t v = 0; v < 30; v++) stranded += isinf(vt_clustering_nearest(c)[v]) != 0;
                assert_int_equal(stranded, k == 1 ? 15 : 0);
                assert_true(!isinf(info_of(c).loss) == (k > 1));
                vt_clustering_release(c);
                vt_distance_release(d);
            }
    objects_free(&o);
}

/* One island of weight 0 is left to itself: what counts is at home. */
static void what_weighs_nothing_may_be_stranded(void **state) {
    (void)state;
    static const int32_t methods[] = {VT_CLUSTER_FASTERPAM, VT_CLUSTER_FASTPAM1, VT_CLUSTER_PAM, VT_CLUSTER_ALTERNATING, VT_CLUSTER_FASTERCLARA, VT_CLUSTER_FASTCLARANS};
    objects o = islands(30);
    double weights[30] = {0};
    for (int64_t i = 0; i < 15; i++) weights[i] = 1;
    for (size_t m = 0; m < COUNT(methods); m++)
        for (int kind = 0; kind < 2; kind++) {
            vt_distance *d = NULL;
            vt_clustering *c = NULL;
            vt_cluster_options opt = options(methods[m], 1);
            opt.weights = weights;
            assert_int_equal(open_kind(ctx, &o, kind ? MATRIX_F64 : MATRIX_F32, &d), VT_OK);
            assert_int_equal(vt_cluster_kmedoids(d, &opt, &c), VT_OK);
            double loss = 0;
            for (int64_t v = 0; v < 15; v++) loss += vt_clustering_nearest(c)[v];
            for (int64_t v = 15; v < 30; v++) assert_true(isinf(vt_clustering_nearest(c)[v]));
            if (fabs(info_of(c).loss - loss) > 1e-9 * loss) fail_msg("method %d: loss %g, not %g", methods[m], info_of(c).loss, loss);
            vt_clustering_release(c);
            vt_distance_release(d);
        }
    objects_free(&o);
}

/* Other methods take infinities too, whatever they make of them. */
static void no_method_stumbles_over_infinities(void **state) {
    (void)state;
    objects o = islands(24);
    for (int32_t method = 0; method <= VT_CLUSTER_PAMSIL; method++)
        for (int64_t k = 2; k <= 3; k++) {
            vt_distance *d = NULL;
            vt_clustering *c = NULL;
            vt_cluster_options opt = options(method, k);
            assert_int_equal(open_kind(ctx, &o, k == 2 ? MATRIX_F32 : MATRIX_F64, &d), VT_OK);
            if (vt_cluster_kmedoids(d, &opt, &c) != VT_OK) fail_msg("method %d: %s", method, vt_error_message());
            const vt_clustering_info x = info_of(c);
            if (isnan(x.loss) || isnan(x.silhouette)) fail_msg("method %d: loss %g, silhouette %g", method, x.loss, x.silhouette);
            for (int64_t v = 0; v < x.n; v++)
                if (isnan(vt_clustering_nearest(c)[v]) || isnan(vt_clustering_second(c)[v])) fail_msg("method %d: not a number for object %d", method, (int)v);
            double mean = NAN, samples[24];
            if (vt_silhouette(d, vt_clustering_labels(c), x.k, NULL, samples, &mean) != VT_OK) fail_msg("silhouette: %s", vt_error_message());
            for (int v = 0; v < 24; v++) assert_true(samples[v] >= -1 && samples[v] <= 1);
            assert_int_equal(vt_medoid_silhouette(d, vt_clustering_medoids(c), x.k, NULL, samples, &mean), VT_OK);
            for (int v = 0; v < 24; v++) assert_true(samples[v] >= -1 && samples[v] <= 1);
            vt_clustering_release(c);
            vt_distance_release(d);
        }
    objects_free(&o);
}

/* Nothing but duplicates: every distance is 0. */
static void duplicates_are_clustered(void **state) {
    (void)state;
    objects o = objects_make(4, 20, 1, 1);
    for (int kind = 0; kind < N_KINDS; kind++)
        for (int32_t method = 0; method <= VT_CLUSTER_PAMSIL; method++)
            for (int64_t k = 2; k <= 20; k += 18) {
                if (kind == BITS_HAMMING || kind == BITS_JACCARD) continue; /* these rows are not duplicates */
                vt_distance *d = NULL;
                vt_clustering *c = NULL;
                vt_cluster_options opt = options(method, k);
                assert_int_equal(open_kind(ctx, &o, kind, &d), VT_OK);
                if (vt_cluster_kmedoids(d, &opt, &c) != VT_OK) fail_msg("method %d, %s: %s", method, kind_label(kind), vt_error_message());
                const vt_clustering_info x = info_of(c);
                assert_true(x.loss == 0 && x.k >= 1 && x.k <= k);
                for (int64_t i = 0; i < x.k; i++) assert_int_equal(vt_clustering_labels(c)[vt_clustering_medoids(c)[i]], i);
                vt_clustering_release(c);
                vt_distance_release(d);
            }
    objects_free(&o);
}

/* BUILD finds no second medoid among them, and silhouettes need one. */
static void silhouettes_of_one_medoid_are_refused(void **state) {
    (void)state;
    objects o = objects_make(4, 20, 1, 1);
    vt_distance *d = NULL;
    assert_int_equal(open_kind(ctx, &o, MATRIX_F32, &d), VT_OK);
    for (int32_t method = VT_CLUSTER_FASTERMSC; method <= VT_CLUSTER_PAMSIL; method++) {
        vt_clustering *c = NULL;
        vt_cluster_options opt = options(method, 3);
        opt.init = VT_INIT_BUILD;
        assert_refused(vt_cluster_kmedoids(d, &opt, &c), VT_ERR_SHAPE, c, "1", "silhouettes of one medoid");
    }
    vt_distance_release(d);
    objects_free(&o);
}

static vt_status ask_at_random(void *user, int64_t i, int64_t j, double *out) {
    (void)i, (void)j;
    *out = (double)(case_word(user) % 1000);
    return VT_OK;
}

/* A function that says something else each time has no good clustering, but an end. */
static void a_callback_that_contradicts_itself_is_survived(void **state) {
    (void)state;
    for (int32_t method = 0; method <= VT_CLUSTER_PAMSIL; method++) {
        vt_distance *d = NULL;
        vt_clustering *c = NULL;
        uint64_t word = (uint64_t)method;
        vt_cluster_options opt = options(method, 4);
        assert_int_equal(vt_distance_from_callback(ctx, 40, ask_at_random, &word, 0, &d), VT_OK);
        assert_int_equal(vt_cluster_kmedoids(d, &opt, &c), VT_OK);
        for (int64_t i = 0; i < info_of(c).k; i++) assert_int_equal(vt_clustering_labels(c)[vt_clustering_medoids(c)[i]], i);
        vt_clustering_release(c);
        vt_distance_release(d);
    }
}

/* Whatever the diagonal says, and where rounding has made distances negative. */
static void a_medoid_is_at_zero_of_itself(void **state) {
    (void)state;
    objects o = objects_make(8, 30, 3, 1);
    for (int64_t i = 0; i < 30; i++)
        for (int64_t j = 0; j < 30; j++) objects_put(&o, i, j, i == j ? 5 : o.d[i * 30 + j] - 1);
    for (int kind = MATRIX_F32; kind <= MATRIX_I64; kind++)
        for (int32_t method = 0; method <= VT_CLUSTER_PAMSIL; method++) {
            vt_distance *d = NULL;
            vt_clustering *c = NULL;
            const vt_cluster_options opt = options(method, 5);
            assert_int_equal(open_kind(ctx, &o, kind, &d), VT_OK);
            assert_int_equal(vt_cluster_kmedoids(d, &opt, &c), VT_OK);
            for (int64_t i = 0; i < info_of(c).k; i++) {
                const int64_t m = vt_clustering_medoids(c)[i];
                if (vt_clustering_labels(c)[m] != i || vt_clustering_nearest(c)[m] != 0)
                    fail_msg("method %d on %s: medoid %d has label %d at %g", method, kind_label(kind), (int)m, vt_clustering_labels(c)[m], vt_clustering_nearest(c)[m]);
            }
            vt_clustering_release(c);
            vt_distance_release(d);
        }
    objects_free(&o);
}

static void every_k_up_to_n_is_taken(void **state) {
    (void)state;
    for (int64_t n = 1; n <= 6; n++) {
        objects o = objects_make((uint64_t)n, n, 1000, 1);
        for (int kind = 0; kind < N_KINDS; kind++)
            for (int32_t method = 0; method <= VT_CLUSTER_PAMSIL; method++)
                for (int64_t k = 0; k <= n + 1; k++) {
                    const int is_silhouette = method >= VT_CLUSTER_FASTERMSC;
                    vt_distance *d = NULL;
                    vt_clustering *c = NULL;
                    vt_cluster_options opt = options(method, k);
                    assert_int_equal(open_kind(ctx, &o, kind, &d), VT_OK);
                    const vt_status st = vt_cluster_kmedoids(d, &opt, &c);
                    const int fits = k >= (is_silhouette ? 2 : 1) && k <= n;
                    if (st != (fits ? VT_OK : VT_ERR_SHAPE)) fail_msg("n=%d k=%d method %d on %s: %s %s", (int)n, (int)k, method, kind_label(kind), vt_status_name(st), vt_error_message());
                    if (st == VT_OK && k == n && info_of(c).loss != 0) fail_msg("k = n = %d, method %d on %s: loss %g", (int)n, method, kind_label(kind), info_of(c).loss);
                    vt_clustering_release(c);
                    vt_distance_release(d);
                }
        objects_free(&o);
    }
}

/* ---- sums ---- */

static void sums_that_overflow_are_refused(void **state) {
    (void)state;
    enum { N = 4 };
    static const int64_t limits[] = {INT64_MAX, INT64_MIN, INT64_MAX / 2, -INT64_MAX / 2};
    for (size_t i = 0; i < COUNT(limits); i++) {
        int64_t m[N * N] = {0};
        double f[N * N] = {0};
        vt_distance *d = NULL;
        m[1] = m[4] = m[14] = m[11] = limits[i];
        f[1] = f[4] = f[14] = f[11] = limits[i] < 0 ? -1.7e308 : 1.7e308;
        assert_refused(vt_distance_from_matrix(ctx, m, VT_DTYPE_I64, N, 0, 0, &d), VT_ERR_NUMERIC, d, NULL, "int64 matrix");
        assert_refused(vt_distance_from_matrix(ctx, f, VT_DTYPE_F64, N, 0, 0, &d), VT_ERR_NUMERIC, d, NULL, "float64 matrix");
        const int64_t triangle[6] = {limits[i], 0, 0, 0, 0, limits[i]};
        assert_refused(vt_distance_from_triangle(ctx, triangle, VT_DTYPE_I64, N, 0, &d), VT_ERR_NUMERIC, d, NULL, "int64 triangle");
    }
}

/* The largest int32 distances add up in int64; weights can still be too much for it. */
static void large_integer_sums_are_exact_or_refused(void **state) {
    (void)state;
    enum { N = 64 };
    static int32_t m[N * N];
    static int64_t wide[N * N];
    double weights[N];
    vt_distance *d = NULL;
    vt_clustering *c = NULL;
    vt_cluster_options o = options(VT_CLUSTER_FASTERPAM, 1);
    for (int i = 0; i < N * N; i++) {
        m[i] = i / N == i % N ? 0 : INT32_MAX;
        wide[i] = i / N == i % N ? 0 : (int64_t)1 << 50;
    }
    for (int i = 0; i < N; i++) weights[i] = 2147483648.0;
    assert_int_equal(vt_distance_from_matrix(ctx, m, VT_DTYPE_I32, N, 0, 0, &d), VT_OK);
    assert_int_equal(vt_cluster_kmedoids(d, &o, &c), VT_OK);
    assert_true(info_of(c).integer_loss == (int64_t)(N - 1) * INT32_MAX);
    vt_clustering_release(c);
    vt_distance_release(d);
    assert_int_equal(vt_distance_from_matrix(ctx, wide, VT_DTYPE_I64, N, 0, 0, &d), VT_OK);
    assert_int_equal(vt_cluster_kmedoids(d, &o, &c), VT_OK);
    assert_true(info_of(c).integer_loss == (int64_t)(N - 1) << 50);
    vt_clustering_release(c);
    c = NULL;
    o.weights = weights;
    for (int32_t method = 0; method < VT_CLUSTER_FASTERMSC; method++) {
        o.method = method;
        assert_refused(vt_cluster_kmedoids(d, &o, &c), VT_ERR_NUMERIC, c, NULL, "heavy objects");
    }
    vt_distance_release(d);
}

static void float_sums_that_overflow_are_refused(void **state) {
    (void)state;
    objects o = objects_make(5, 12, 100, 1);
    double weights[12];
    vt_distance *d = NULL;
    vt_clustering *c = NULL;
    for (int i = 0; i < 12; i++) weights[i] = 1e305;
    for (int32_t method = 0; method < VT_CLUSTER_FASTERMSC; method++)
        for (int kind = MATRIX_F32; kind <= MATRIX_F64; kind++) {
            vt_cluster_options opt = options(method, 2);
            opt.weights = weights;
            assert_int_equal(open_kind(ctx, &o, kind, &d), VT_OK);
            assert_refused(vt_cluster_kmedoids(d, &opt, &c), VT_ERR_NUMERIC, c, NULL, "heavy objects");
            vt_distance_release(d);
        }
    for (int64_t i = 0; i < 144; i++) o.d[i] *= 1e305;
    for (int32_t method = 0; method <= VT_CLUSTER_PAMSIL; method++) {
        const vt_cluster_options opt = options(method, 2);
        assert_int_equal(open_kind(ctx, &o, CALLBACK, &d), VT_OK);
        assert_refused(vt_cluster_kmedoids(d, &opt, &c), VT_ERR_NUMERIC, c, NULL, "callback of huge distances");
        vt_distance_release(d);
    }
    for (int32_t method = VT_KMEANS_LLOYD; method <= VT_KMEANS_MINI_BATCH; method++) {
        vt_kmeans_options opt = VT_STRUCT_INIT(vt_kmeans_options);
        opt.method = method;
        opt.k = 2;
        opt.weights = weights;
        assert_refused(vt_cluster_kmeans(ctx, o.rows64, VT_DTYPE_F64, 12, CASE_DIM, 0, &opt, &c), VT_ERR_NUMERIC, c, "overflow", "heavy rows");
    }
    objects_free(&o);
}

/* ---- callbacks ---- */

typedef struct moody {
    int calls, fail_at;
    vt_status status;
    double value;
    vt_cancel *cancel;
} moody;

static vt_status ask_moody(void *user, int64_t i, int64_t j, double *out) {
    moody *m = user;
    *out = (double)(i > j ? i - j : j - i);
    if (++m->calls < m->fail_at) return VT_OK;
    if (m->cancel) vt_cancel_raise(m->cancel);
    else *out = m->value;
    return m->status;
}

static void a_failing_callback_stops_every_method(void **state) {
    (void)state;
    static const moody moods[] = {{.status = VT_ERR_NOT_FOUND}, {.status = VT_ERR_CANCELLED}, {.value = NAN}, {.value = INFINITY}, {.value = -INFINITY}, {.status = -777}};
    static const uint32_t flags[] = {0, VT_DISTANCE_SYMMETRIC, VT_DISTANCE_STORE, VT_DISTANCE_STORE | VT_DISTANCE_SYMMETRIC};
    for (size_t i = 0; i < COUNT(moods); i++)
        for (size_t f = 0; f < COUNT(flags); f++)
            for (int32_t method = 0; method <= VT_CLUSTER_PAMSIL; method++) {
                moody m = moods[i];
                vt_distance *d = NULL;
                vt_clustering *c = NULL;
                const vt_cluster_options o = options(method, 3);
                const vt_status want = m.status ? m.status : VT_ERR_NUMERIC;
                m.fail_at = 25;
                vt_status st = vt_distance_from_callback(ctx, 20, ask_moody, &m, flags[f], &d);
                if ((flags[f] & VT_DISTANCE_STORE) && m.value == (double)INFINITY) {
                    assert_int_equal(st, VT_OK); /* as in a matrix */
                    vt_distance_release(d);
                    continue;
                }
                if (st == VT_OK) st = vt_cluster_kmedoids(d, &o, &c);
                if (st != want || c) fail_msg("mood %d, flags %u, method %d: %s", (int)i, flags[f], method, vt_status_name(st));
                vt_distance_release(d);
            }
}

static void a_bad_value_is_named_with_its_pair(void **state) {
    (void)state;
    moody m = {.value = NAN, .fail_at = 1};
    vt_distance *d = NULL;
    double out = 0;
    const int64_t row = 17, column = 4;
    assert_int_equal(vt_distance_from_callback(ctx, 20, ask_moody, &m, 0, &d), VT_OK);
    assert_int_equal(vt_distance_compute(d, &row, 1, &column, 1, NULL, &out), VT_ERR_NUMERIC);
    assert_non_null(strstr(vt_error_message(), "17"));
    assert_non_null(strstr(vt_error_message(), "4"));
    vt_distance_release(d);
}

/* The token is raised from within; every method notices. */
static void every_method_can_be_cancelled(void **state) {
    (void)state;
    for (int32_t method = 0; method <= VT_CLUSTER_PAMSIL; method++)
        for (int fail_at = 1; fail_at < 4000; fail_at += 1777) {
            moody m = {.fail_at = fail_at};
            vt_distance *d = NULL;
            vt_clustering *c = NULL;
            vt_cluster_options o = options(method, 4);
            assert_int_equal(vt_cancel_create(ctx, &m.cancel), VT_OK);
            o.cancel = m.cancel;
            assert_int_equal(vt_distance_from_callback(ctx, 300, ask_moody, &m, 0, &d), VT_OK);
            const vt_status st = vt_cluster_kmedoids(d, &o, &c);
            /* INIT_ONLY and what is over early may be done before they look again. */
            if (st != VT_ERR_CANCELLED && (fail_at == 1 || st != VT_OK)) fail_msg("method %d from call %d on: %s", method, fail_at, vt_status_name(st));
            if ((st == VT_OK) != (c != NULL)) fail_msg("method %d: a handle does not fit %s", method, vt_status_name(st));
            vt_clustering_release(c);
            vt_distance_release(d);
            vt_cancel_release(m.cancel);
        }
}

static int32_t refuse(void *user, double fraction, const char *message) {
    assert_true(message && !isnan(fraction) && fraction <= 1);
    ++*(int *)user;
    return 1;
}

static void progress_can_cancel_every_method(void **state) {
    (void)state;
    objects o = objects_make(6, 60, 1000, 1);
    for (int32_t method = 0; method <= VT_CLUSTER_PAMSIL; method++) {
        int calls = 0;
        vt_distance *d = NULL;
        vt_clustering *c = NULL;
        vt_cluster_options opt = options(method, 4);
        opt.progress = refuse;
        opt.progress_user = &calls;
        assert_int_equal(open_kind(ctx, &o, MATRIX_F32, &d), VT_OK);
        const vt_status st = vt_cluster_kmedoids(d, &opt, &c);
        if (calls != 1 || st != VT_ERR_CANCELLED || c) fail_msg("method %d: %s after %d reports", method, vt_status_name(st), calls);
        vt_distance_release(d);
    }
    objects_free(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(not_numbers_are_refused_with_their_place),
        cmocka_unit_test(infinite_rows_are_refused), cmocka_unit_test(rows_farther_apart_than_memory_is_long_are_refused),
        cmocka_unit_test(medoids_spread_over_islands),
        cmocka_unit_test(what_weighs_nothing_may_be_stranded), cmocka_unit_test(no_method_stumbles_over_infinities),
        cmocka_unit_test(duplicates_are_clustered),
        cmocka_unit_test(silhouettes_of_one_medoid_are_refused),
        cmocka_unit_test(a_callback_that_contradicts_itself_is_survived),
        cmocka_unit_test(a_medoid_is_at_zero_of_itself),
        cmocka_unit_test(every_k_up_to_n_is_taken),
        cmocka_unit_test(sums_that_overflow_are_refused),
        cmocka_unit_test(large_integer_sums_are_exact_or_refused),
        cmocka_unit_test(float_sums_that_overflow_are_refused),
        cmocka_unit_test(a_failing_callback_stops_every_method),
        cmocka_unit_test(a_bad_value_is_named_with_its_pair),
        cmocka_unit_test(every_method_can_be_cancelled),
        cmocka_unit_test(progress_can_cancel_every_method),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
