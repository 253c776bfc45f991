/* Venturi from C: clusters five objects around two medoids, from a matrix and from a function.   usage: kmedoids */
#include <math.h>
#include <stdio.h>

#include <venturi.h>

enum { N = 5 };

static int give_up(const char *what) {
    fprintf(stderr, "%s: %s\n", what, vt_error_message());
    return 1;
}

static vt_status gap(void *user, int64_t i, int64_t j, double *out) {
    const double *place = user;
    *out = fabs(place[i] - place[j]);
    return VT_OK;
}

static int print_clusters(vt_distance *distance) {
    static const int64_t start[] = {0, 1};
    vt_clustering *c;
    vt_clustering_info info = VT_STRUCT_INIT(vt_clustering_info);
    vt_cluster_options opt = VT_STRUCT_INIT(vt_cluster_options);
    opt.medoids = start;
    opt.n_medoids = 2;
    if (vt_cluster_kmedoids(distance, &opt, &c) != VT_OK) return give_up("kmedoids");
    if (vt_clustering_get_info(c, &info) != VT_OK) return give_up("info");
    printf("loss: %g, medoids:", info.loss);
    for (int64_t i = 0; i < info.k; i++) printf(" %d", (int)vt_clustering_medoids(c)[i]);
    printf(", labels:");
    for (int64_t i = 0; i < info.n; i++) printf(" %d", (int)vt_clustering_labels(c)[i]);
    putchar('\n');
    vt_clustering_release(c);
    return 0;
}

int main(void) {
    static const int64_t matrix[N * N] = {0, 1, 2, 4, 7, 1, 0, 3, 5, 8, 2, 3, 0, 6, 9, 4, 5, 6, 0, 1, 7, 8, 9, 1, 0};
    static double place[N] = {1, 2, 4, 30, 31};
    double bad[1] = {NAN};
    vt_context *ctx;
    vt_distance *distance;

    if (vt_context_create(NULL, &ctx) != VT_OK) return give_up("context");
    if (vt_distance_from_matrix(ctx, matrix, VT_DTYPE_I64, N, 0, VT_DISTANCE_SYMMETRIC, &distance) != VT_OK) return give_up("matrix");
    if (print_clusters(distance)) return 1;
    vt_distance_release(distance);
    if (vt_distance_from_callback(ctx, N, gap, place, VT_DISTANCE_SYMMETRIC, &distance) != VT_OK) return give_up("callback");
    if (print_clusters(distance)) return 1;
    vt_distance_release(distance);
    if (vt_distance_from_matrix(ctx, bad, VT_DTYPE_F64, 1, 0, 0, &distance) != VT_ERR_NUMERIC) return give_up("a NaN");
    printf("error: %s\n", vt_error_message());
    vt_context_release(ctx);
    return 0;
}
