"""Venturi from Python with ctypes: clusters five objects around two medoids, from a matrix and from a Python function.
usage: kmedoids.py, with libventuri.so.0 where the loader finds it; kmedoids.py --sizes prints the structs it declares."""
import ctypes as c
import sys

u32, i32, i64, u64, f64, p = c.c_uint32, c.c_int32, c.c_int64, c.c_uint64, c.c_double, c.c_void_p
OK, NUMERIC, F64, I64, SYMMETRIC = 0, -12, 28, 27, 1


class cluster_options(c.Structure):
    _fields_ = [("struct_size", u32), ("flags", u32), ("method", i32), ("init", i32), ("k", i64), ("k_min", i64), ("max_iter", i64), ("seed", u64),
                ("medoids", c.POINTER(i64)), ("n_medoids", i64), ("weights", c.POINTER(f64)), ("sample_size", i64), ("n_samples", i64), ("n_local", i64),
                ("rate", f64), ("cancel", p), ("progress", p), ("progress_user", p)]


class clustering_info(c.Structure):
    _fields_ = [("struct_size", u32), ("dtype", i32), ("n", i64), ("k", i64), ("n_iter", i64), ("n_swap", i64), ("loss", f64), ("integer_loss", i64),
                ("silhouette", f64), ("dim", i64)]


if sys.argv[1:] == ["--sizes"]:
    for t in (cluster_options, clustering_info):
        print("struct vt_%s %d" % (t.__name__, c.sizeof(t)))
    sys.exit(0)

vt = c.CDLL("libventuri.so.0")
vt.vt_error_message.restype = c.c_char_p
vt.vt_clustering_medoids.restype = c.POINTER(i64)
vt.vt_clustering_labels.restype = c.POINTER(i32)
distance_fn = c.CFUNCTYPE(i32, p, i64, i64, c.POINTER(f64))


def call(name, *args):
    """A fallible call whose last argument is the handle that comes out."""
    out = p()
    status = getattr(vt, name)(*args, c.byref(out))
    if status != OK:
        raise RuntimeError(status, vt.vt_error_message().decode())
    return out


def print_clusters(distance):
    start = (i64 * 2)(0, 1)
    options = cluster_options(c.sizeof(cluster_options), medoids=start, n_medoids=2)
    clustering = call("vt_cluster_kmedoids", distance, c.byref(options))
    info = clustering_info(c.sizeof(clustering_info))
    assert vt.vt_clustering_get_info(clustering, c.byref(info)) == OK, vt.vt_error_message()
    medoids = vt.vt_clustering_medoids(clustering)[:info.k]
    labels = vt.vt_clustering_labels(clustering)[:info.n]
    print("loss: %g, medoids: %s, labels: %s" % (info.loss, " ".join(map(str, medoids)), " ".join(map(str, labels))))
    vt.vt_clustering_release(clustering)
    vt.vt_distance_release(distance)


def main():
    rows = [[0, 1, 2, 4, 7], [1, 0, 3, 5, 8], [2, 3, 0, 6, 9], [4, 5, 6, 0, 1], [7, 8, 9, 1, 0]]
    place = [1, 2, 4, 30, 31]

    def gap(_user, i, j, out):
        out[0] = abs(place[i] - place[j])
        return OK

    context = call("vt_context_create", None)
    matrix = (i64 * 25)(*[d for row in rows for d in row])  # alive as long as the distance
    print_clusters(call("vt_distance_from_matrix", context, matrix, i32(I64), i64(5), i64(0), u32(SYMMETRIC)))
    function = distance_fn(gap)  # likewise
    print_clusters(call("vt_distance_from_callback", context, i64(5), function, None, u32(SYMMETRIC)))
    try:
        call("vt_distance_from_matrix", context, (f64 * 1)(float("nan")), i32(F64), i64(1), i64(0), u32(0))
        sys.exit("a NaN was taken for a distance")
    except RuntimeError as e:
        assert e.args[0] == NUMERIC, e.args
        print("error:", e.args[1])
    vt.vt_context_release(context)


main()
