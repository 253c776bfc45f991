/* Arguments and options that the public calls refuse: nothing at all, types and strides, sparse rows out of order, options that do not fit. */
#include "calls.h"

static void empty_input_is_refused(void **state) {
    (void)state;
    const float one[4] = {0};
    const int64_t offsets[2] = {0, 0};
    const int32_t columns[1] = {0};
    vt_distance *d = NULL;
    vt_clustering *c = NULL;
    vt_kmeans_options o = VT_STRUCT_INIT(vt_kmeans_options);
    o.k = 1;
    assert_refused(vt_distance_from_matrix(ctx, one, VT_DTYPE_F32, 0, 0, 0, &d), VT_ERR_SHAPE, d, "0", "matrix of nothing");
    assert_refused(vt_distance_from_matrix(ctx, one, VT_DTYPE_F32, -1, 0, 0, &d), VT_ERR_SHAPE, d, "-1", "matrix of less than nothing");
    assert_refused(vt_distance_from_triangle(ctx, one, VT_DTYPE_F32, 0, 0, &d), VT_ERR_SHAPE, d, NULL, "triangle of nothing");
    assert_refused(vt_distance_from_rows(ctx, one, VT_DTYPE_F32, 0, 2, 0, 0, 0, &d), VT_ERR_SHAPE, d, NULL, "no rows");
    assert_refused(vt_distance_from_rows(ctx, one, VT_DTYPE_F32, 2, 0, 0, 0, 0, &d), VT_ERR_SHAPE, d, NULL, "rows of nothing");
    assert_refused(vt_distance_from_csr(ctx, offsets, columns, one, 0, 3, 0, 0, &d), VT_ERR_SHAPE, d, NULL, "no sparse rows");
    assert_refused(vt_distance_from_callback(ctx, 0, objects_ask, NULL, 0, &d), VT_ERR_SHAPE, d, NULL, "callback on nothing");
    assert_refused(vt_distance_from_callback(ctx, (int64_t)1 << 31, objects_ask, NULL, 0, &d), VT_ERR_SHAPE, d, NULL, "too many objects");
    assert_refused(vt_cluster_kmeans(ctx, one, VT_DTYPE_F32, 0, 2, 0, &o, &c), VT_ERR_SHAPE, c, NULL, "k-means of nothing");
    assert_refused(vt_cluster_kmeans(ctx, one, VT_DTYPE_F32, 2, 0, 0, &o, &c), VT_ERR_SHAPE, c, NULL, "k-means of empty rows");
    o.k = 3;
    assert_refused(vt_cluster_kmeans(ctx, one, VT_DTYPE_F32, 2, 2, 0, &o, &c), VT_ERR_SHAPE, c, "3", "k-means of fewer rows than clusters");
    /* A single object, and sparse rows without an element, are something. */
    assert_int_equal(vt_distance_from_triangle(ctx, NULL, VT_DTYPE_F64, 1, 0, &d), VT_OK);
    vt_distance_release(d);
    assert_int_equal(vt_distance_from_csr(ctx, offsets, columns, one, 1, 3, VT_METRIC_COSINE, 0, &d), VT_OK);
    vt_distance_release(d);
}

static void wrong_types_and_strides_are_refused(void **state) {
    (void)state;
    static const int32_t dtypes[] = {VT_DTYPE_F16, VT_DTYPE_BF16, VT_DTYPE_U8, VT_DTYPE_Q8_0, -1, 12345};
    double data[16] = {0};
    vt_distance *d = NULL;
    vt_clustering *c = NULL;
    vt_kmeans_options o = VT_STRUCT_INIT(vt_kmeans_options);
    o.k = 1;
    for (size_t i = 0; i < COUNT(dtypes); i++) {
        assert_refused(vt_distance_from_matrix(ctx, data, dtypes[i], 4, 0, 0, &d), VT_ERR_DTYPE, d, NULL, "matrix");
        assert_refused(vt_distance_from_triangle(ctx, data, dtypes[i], 4, 0, &d), VT_ERR_DTYPE, d, NULL, "triangle");
        assert_refused(vt_distance_from_rows(ctx, data, dtypes[i], 4, 4, 0, VT_METRIC_L2, 0, &d), VT_ERR_DTYPE, d, NULL, "rows");
        assert_refused(vt_cluster_kmeans(ctx, data, dtypes[i], 4, 4, 0, &o, &c), VT_ERR_DTYPE, c, NULL, "k-means");
    }
    assert_refused(vt_distance_from_rows(ctx, data, VT_DTYPE_I32, 4, 4, 0, VT_METRIC_L2, 0, &d), VT_ERR_DTYPE, d, NULL, "integer rows");
    assert_refused(vt_distance_from_rows(ctx, data, VT_DTYPE_F32, 4, 4, 0, VT_METRIC_HAMMING, 0, &d), VT_ERR_DTYPE, d, NULL, "bits of floats");
    assert_refused(vt_distance_from_rows(ctx, data, VT_DTYPE_F32, 4, 4, 3, VT_METRIC_L2, 0, &d), VT_ERR_SHAPE, d, "3", "stride");
    assert_refused(vt_distance_from_matrix(ctx, data, VT_DTYPE_F64, 4, 3, 0, &d), VT_ERR_SHAPE, d, "3", "stride");
    assert_refused(vt_distance_from_matrix(ctx, data, VT_DTYPE_F64, 4, INT64_MIN, 0, &d), VT_ERR_SHAPE, d, NULL, "stride");
    assert_refused(vt_distance_from_matrix(ctx, data, VT_DTYPE_F64, 4, 0, VT_DISTANCE_STORE, &d), VT_ERR_INVALID, d, NULL, "flag of another");
    assert_refused(vt_distance_from_rows(ctx, data, VT_DTYPE_F64, 4, 4, 0, 6, 0, &d), VT_ERR_INVALID, d, "6", "metric");
    assert_refused(vt_distance_from_rows(ctx, data, VT_DTYPE_F64, 4, 4, 0, VT_METRIC_L2, VT_DISTANCE_SYMMETRIC, &d), VT_ERR_INVALID, d, NULL, "flag of another");
}

static void broken_sparse_rows_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int64_t offsets[4];
        int32_t columns[4];
    } cases[] = {
        {"first offset", {1, 1, 2, 3}, {0, 1, 2, 0}},    {"descending offsets", {0, 2, 1, 3}, {0, 1, 2, 0}}, {"column too large", {0, 1, 2, 3}, {0, 5, 2, 0}},
        {"column negative", {0, 1, 2, 3}, {0, -1, 2, 0}}, {"column twice", {0, 2, 2, 3}, {1, 1, 2, 0}},       {"columns descend", {0, 2, 2, 3}, {2, 1, 2, 0}},
        {"negative offset", {0, -1, 2, 3}, {0, 1, 2, 0}}, {"huge offset", {0, 1, INT64_MAX, 3}, {0, 1, 2, 0}},
    };
    const float values[4] = {1, 2, 3, 4};
    for (size_t i = 0; i < COUNT(cases); i++) {
        vt_distance *d = NULL;
        assert_refused(vt_distance_from_csr(ctx, cases[i].offsets, cases[i].columns, values, 3, 5, VT_METRIC_L2, 0, &d), VT_ERR_INVALID, d, NULL, cases[i].name);
    }
}

/* ---- options ---- */

static void options_that_a_method_does_not_use_are_refused(void **state) {
    (void)state;
    enum { FASTERPAM, FASTPAM1, PAM, ALTERNATING, INIT_ONLY, CLARA, CLARANS, FASTERCLARANS, FASTERMSC, FASTMSC, DYNMSC, PAMMEDSIL, PAMSIL, N_METHODS };
#define M(x) (1u << (x))
    static const int64_t medoids[] = {3, 1};
    static const double weights[10] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    static const struct {
        const char *name;
        vt_cluster_options o;
        unsigned users;
    } cases[] = {
        {"shuffle", {.flags = VT_CLUSTER_SHUFFLE}, M(FASTERPAM) | M(CLARA) | M(FASTERMSC) | M(DYNMSC)},
        {"k_min", {.k_min = 2}, M(DYNMSC)},
        {"max_iter", {.max_iter = 5}, (M(N_METHODS) - 1) & ~(M(INIT_ONLY) | M(CLARANS) | M(FASTERCLARANS))},
        {"medoids", {.medoids = medoids, .n_medoids = 2}, (M(N_METHODS) - 1) & ~(M(CLARANS) | M(FASTERCLARANS))},
        {"weights", {.weights = weights}, (M(FASTERMSC) - 1)},
        {"sample_size", {.sample_size = 8}, M(CLARA)},
        {"n_samples", {.n_samples = 2}, M(CLARA)},
        {"n_local", {.n_local = 2}, M(CLARANS) | M(FASTERCLARANS)},
        {"rate", {.rate = 0.5}, M(CLARANS) | M(FASTERCLARANS)},
        {"init", {.init = VT_INIT_BUILD}, (M(N_METHODS) - 1) & ~(M(CLARANS) | M(FASTERCLARANS))},
    };
    objects o = objects_make(7, 10, 100, 1);
    vt_distance *d = NULL;
    assert_int_equal(open_kind(ctx, &o, MATRIX_I32, &d), VT_OK);
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int32_t method = 0; method < N_METHODS; method++) {
            vt_cluster_options opt = cases[i].o;
            vt_clustering *c = NULL;
            opt.struct_size = (uint32_t)sizeof opt;
            opt.method = method;
            opt.k = 2;
            const vt_status st = vt_cluster_kmedoids(d, &opt, &c);
            if (st != (cases[i].users & M(method) ? VT_OK : VT_ERR_INVALID)) fail_msg("%s with method %d: %s", cases[i].name, method, vt_status_name(st));
            if (st != VT_OK && !strstr(vt_error_message(), cases[i].name)) fail_msg("\"%s\" does not name %s", vt_error_message(), cases[i].name);
            vt_clustering_release(c);
        }
    vt_distance_release(d);
    objects_free(&o);
#undef M
}

static void wrong_options_are_refused(void **state) {
    (void)state;
    static const int64_t twice[] = {3, 3}, outside[] = {0, 10}, negative[] = {-1, 2}, good[] = {4, 2};
    static const double none[10] = {0}, minus[10] = {1, -1}, not_a_number[10] = {NAN}, infinite[10] = {INFINITY}, half[10] = {0.5}, heavy[10] = {2147483649.0};
    static const struct {
        const char *name;
        vt_cluster_options o;
        vt_status want;
    } cases[] = {
        {"no k", {.k = 0}, VT_ERR_SHAPE},
        {"k negative", {.k = -1}, VT_ERR_SHAPE},
        {"k least", {.k = INT64_MIN}, VT_ERR_SHAPE},
        {"k largest", {.k = INT64_MAX}, VT_ERR_SHAPE},
        {"flags", {.k = 2, .flags = 2}, VT_ERR_INVALID},
        {"method", {.k = 2, .method = 13}, VT_ERR_INVALID},
        {"method negative", {.k = 2, .method = -1}, VT_ERR_INVALID},
        {"init", {.k = 2, .init = 5}, VT_ERR_INVALID},
        {"init negative", {.k = 2, .init = -1}, VT_ERR_INVALID},
        {"max_iter", {.k = 2, .max_iter = -1}, VT_ERR_INVALID},
        {"medoid twice", {.medoids = twice, .n_medoids = 2}, VT_ERR_INVALID},
        {"medoid outside", {.medoids = outside, .n_medoids = 2}, VT_ERR_INVALID},
        {"medoid negative", {.medoids = negative, .n_medoids = 2}, VT_ERR_INVALID},
        {"medoids are not k", {.k = 3, .medoids = good, .n_medoids = 2}, VT_ERR_SHAPE},
        {"medoids without a number", {.k = 2, .medoids = good}, VT_ERR_INVALID},
        {"a number without medoids", {.k = 2, .n_medoids = 2}, VT_ERR_INVALID},
        {"medoids and init", {.medoids = good, .n_medoids = 2, .init = VT_INIT_LAB}, VT_ERR_INVALID},
        {"weights of nothing", {.k = 2, .weights = none}, VT_ERR_INVALID},
        {"weight negative", {.k = 2, .weights = minus}, VT_ERR_INVALID},
        {"weight not a number", {.k = 2, .weights = not_a_number}, VT_ERR_INVALID},
        {"weight infinite", {.k = 2, .weights = infinite}, VT_ERR_INVALID},
        {"half a weight", {.k = 2, .weights = half}, VT_ERR_INVALID},
        {"weight of more than 2^31", {.k = 2, .weights = heavy}, VT_ERR_INVALID},
        {"rate not a number", {.k = 2, .method = VT_CLUSTER_FASTCLARANS, .rate = NAN}, VT_ERR_INVALID},
        {"rate above one", {.k = 2, .method = VT_CLUSTER_FASTCLARANS, .rate = 1.5}, VT_ERR_INVALID},
        {"n_local", {.k = 2, .method = VT_CLUSTER_FASTCLARANS, .n_local = -1}, VT_ERR_INVALID},
        {"n_samples", {.k = 2, .method = VT_CLUSTER_FASTERCLARA, .n_samples = -1}, VT_ERR_INVALID},
        {"sample of k", {.k = 2, .method = VT_CLUSTER_FASTERCLARA, .sample_size = 2}, VT_ERR_SHAPE},
        {"k_min above k", {.k = 3, .method = VT_CLUSTER_DYNMSC, .k_min = 4}, VT_ERR_SHAPE},
        {"k_min one", {.k = 3, .method = VT_CLUSTER_DYNMSC, .k_min = 1}, VT_ERR_SHAPE},
        {"one silhouette", {.k = 1, .method = VT_CLUSTER_FASTERMSC}, VT_ERR_SHAPE},
    };
    objects o = objects_make(8, 10, 100, 1);
    vt_distance *d = NULL;
    assert_int_equal(open_kind(ctx, &o, MATRIX_I64, &d), VT_OK);
    for (size_t i = 0; i < COUNT(cases); i++) {
        vt_cluster_options opt = cases[i].o;
        vt_clustering *c = NULL;
        opt.struct_size = (uint32_t)sizeof opt;
        assert_refused(vt_cluster_kmedoids(d, &opt, &c), cases[i].want, c, NULL, cases[i].name);
    }
    vt_distance_release(d);
    objects_free(&o);
}

static void sizes_of_other_releases_are_understood(void **state) {
    (void)state;
    struct {
        vt_cluster_options o;
        unsigned char tail[16];
    } later = {{.struct_size = 0}, {0}};
    struct {
        vt_clustering_info info;
        unsigned char tail[16];
    } result;
    objects o = objects_make(9, 10, 100, 1);
    vt_distance *d = NULL;
    vt_clustering *c = NULL;
    later.o.k = 2;
    assert_int_equal(open_kind(ctx, &o, MATRIX_I64, &d), VT_OK);
    assert_refused(vt_cluster_kmedoids(d, &later.o, &c), VT_ERR_INVALID, c, "struct_size", "no size");
    later.o.struct_size = (uint32_t)sizeof later.o - 1;
    assert_refused(vt_cluster_kmedoids(d, &later.o, &c), VT_ERR_INVALID, c, "struct_size", "less than the first release");
    later.o.struct_size = UINT32_MAX;
    assert_refused(vt_cluster_kmedoids(d, &later.o, &c), VT_ERR_INVALID, c, "struct_size", "garbage");
    later.o.struct_size = (uint32_t)sizeof later;
    later.tail[9] = 1;
    assert_refused(vt_cluster_kmedoids(d, &later.o, &c), VT_ERR_UNSUPPORTED, c, NULL, "an option of a later release");
    later.tail[9] = 0;
    assert_int_equal(vt_cluster_kmedoids(d, &later.o, &c), VT_OK);
    memset(&result, 0xff, sizeof result);
    result.info.struct_size = (uint32_t)sizeof result;
    assert_int_equal(vt_clustering_get_info(c, &result.info), VT_OK);
    for (size_t i = sizeof result.info; i < sizeof result; i++) assert_int_equal(((unsigned char *)&result)[i], 0);
    result.info.struct_size = 8;
    assert_int_equal(vt_clustering_get_info(c, &result.info), VT_ERR_INVALID);
    assert_int_equal(vt_clustering_get_info(c, NULL), VT_ERR_INVALID);
    vt_clustering_release(c);
    vt_distance_release(d);
    objects_free(&o);
}

static void kmeans_refuses_what_does_not_fit(void **state) {
    (void)state;
    static const float centroids[4] = {0, 1, 2, 3}, bad_centroids[4] = {0, NAN, 2, 3};
    static const double none[4] = {0}, minus[4] = {-1, 1, 1, 1};
    static const struct {
        const char *name;
        vt_kmeans_options o;
        vt_status want;
    } cases[] = {
        {"no k", {.k = 0}, VT_ERR_SHAPE},
        {"k above n", {.k = 5}, VT_ERR_SHAPE},
        {"flags", {.k = 2, .flags = 1}, VT_ERR_INVALID},
        {"method", {.k = 2, .method = 2}, VT_ERR_INVALID},
        {"init", {.k = 2, .init = 3}, VT_ERR_INVALID},
        {"batch without batches", {.k = 2, .batch_size = 2}, VT_ERR_INVALID},
        {"tolerance", {.k = 2, .tolerance = NAN}, VT_ERR_INVALID},
        {"centroids and init", {.k = 2, .centroids = centroids, .init = VT_KMEANS_INIT_RANDOM}, VT_ERR_INVALID},
        {"centroids and starts", {.k = 2, .centroids = centroids, .n_init = 3}, VT_ERR_INVALID},
        {"centroids not numbers", {.k = 2, .centroids = bad_centroids}, VT_ERR_NUMERIC},
        {"max_iter", {.k = 2, .max_iter = -1}, VT_ERR_INVALID},
        {"no weight", {.k = 2, .weights = none}, VT_ERR_INVALID},
        {"negative weight", {.k = 2, .weights = minus}, VT_ERR_INVALID},
    };
    const float rows[8] = {0, 1, 2, 3, 4, 5, 6, 7}, bad[8] = {0, 1, 2, 3, 4, INFINITY, 6, 7};
    vt_clustering *c = NULL;
    vt_kmeans_options o = VT_STRUCT_INIT(vt_kmeans_options);
    for (size_t i = 0; i < COUNT(cases); i++) {
        o = cases[i].o;
        o.struct_size = (uint32_t)sizeof o;
        assert_refused(vt_cluster_kmeans(ctx, rows, VT_DTYPE_F32, 4, 2, 0, &o, &c), cases[i].want, c, NULL, cases[i].name);
    }
    o = (vt_kmeans_options)VT_STRUCT_INIT(vt_kmeans_options);
    o.k = 2;
    assert_refused(vt_cluster_kmeans(ctx, bad, VT_DTYPE_F32, 4, 2, 0, &o, &c), VT_ERR_NUMERIC, c, "2", "an infinite row");
    assert_refused(vt_cluster_kmeans(ctx, rows, VT_DTYPE_F32, 4, 2, 1, &o, &c), VT_ERR_SHAPE, c, NULL, "stride");
    assert_refused(vt_cluster_kmeans(ctx, NULL, VT_DTYPE_F32, 4, 2, 0, &o, &c), VT_ERR_INVALID, c, NULL, "no rows");
}

static void silhouettes_refuse_bad_partitions(void **state) {
    (void)state;
    objects o = objects_make(10, 5, 100, 1);
    static const int32_t above[5] = {0, 1, 2, 0, 1}, below[5] = {0, -1, 1, 0, 1};
    static const int64_t twice[2] = {1, 1}, outside[2] = {1, 5};
    vt_distance *d = NULL;
    double mean = 0;
    assert_int_equal(open_kind(ctx, &o, MATRIX_I64, &d), VT_OK);
    assert_int_equal(vt_silhouette(d, above, 2, NULL, NULL, &mean), VT_ERR_INVALID);
    assert_int_equal(vt_silhouette(d, below, 2, NULL, NULL, &mean), VT_ERR_INVALID);
    assert_int_equal(vt_silhouette(d, above, 0, NULL, NULL, &mean), VT_ERR_INVALID);
    assert_int_equal(vt_silhouette(d, above, 1000, NULL, NULL, &mean), VT_OK); /* most clusters are empty */
    assert_int_equal(vt_medoid_silhouette(d, twice, 2, NULL, NULL, &mean), VT_ERR_INVALID);
    assert_int_equal(vt_medoid_silhouette(d, outside, 2, NULL, NULL, &mean), VT_ERR_INVALID);
    assert_int_equal(vt_medoid_silhouette(d, outside, 1, NULL, NULL, &mean), VT_ERR_SHAPE);
    vt_distance_release(d);
    objects_free(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_input_is_refused),
        cmocka_unit_test(wrong_types_and_strides_are_refused),
        cmocka_unit_test(broken_sparse_rows_are_refused),
        cmocka_unit_test(options_that_a_method_does_not_use_are_refused),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(sizes_of_other_releases_are_understood),
        cmocka_unit_test(kmeans_refuses_what_does_not_fit),
        cmocka_unit_test(silhouettes_refuse_bad_partitions),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
