"""One clustering case of the peers (the kmedoids package, scikit-learn), or the data for one:

    cluster_peer.py KEY=VALUE...               the arguments of cluster_speed.c; prints the same line of JSON
    cluster_peer.py make=KIND out=PREFIX n=N dim=D dtype=f32|f64 ks=K,K...
    cluster_peer.py versions

KIND is uniform, gauss (both: Euclidean matrix of n points in D dimensions), digits (the same of scikit-learn's digits) or blobs (rows).
Writes PREFIX.data and for each K: PREFIX.K.medoids, for a matrix PREFIX.K.labels, for rows PREFIX.K.centroids.
"""
import json
import platform
import sys
import time

import numpy as np

DTYPES = {"f32": np.float32, "f64": np.float64}
MOST_RUNS, ENOUGH_S = 3, 0.5


def make(a):
    from scipy.spatial.distance import cdist
    n, dtype, rng = int(a["n"]), DTYPES[a["dtype"]], np.random.default_rng(20260101)
    if a["make"] == "digits":
        from sklearn.datasets import load_digits
        x = load_digits().data
    elif a["make"] == "uniform":
        x = rng.random((n, int(a["dim"])))
    elif a["make"] == "gauss":
        x = rng.standard_normal((n, int(a["dim"])))
    else:
        x = rng.standard_normal((n, int(a["dim"]))) + 1.5 * rng.standard_normal((100, int(a["dim"])))[rng.integers(100, size=n)]
    is_rows = a["make"] == "blobs"
    data = (x if is_rows else cdist(x, x)).astype(dtype)
    data.tofile(a["out"] + ".data")
    for k in map(int, a["ks"].split(",")):
        medoids = np.random.default_rng(k).choice(n, k, replace=False)
        medoids.astype(np.int64).tofile(f"{a['out']}.{k}.medoids")
        if is_rows:
            data[medoids].tofile(f"{a['out']}.{k}.centroids")
        else:
            data[:, medoids].argmin(1).astype(np.int32).tofile(f"{a['out']}.{k}.labels")


def fnv1a(numbers):
    value = 14695981039346656037
    for byte in np.asarray(numbers, dtype="<i8").tobytes():
        value = (value ^ byte) * 1099511628211 % 2**64
    return f"{value:016x}"


def kmedoids_run(a, data):
    import kmedoids
    k, threads, method = int(a["k"]), int(a.get("threads", 1)), a["method"]
    passes = {"max_iter": int(a["max_iter"])} if "max_iter" in a else {}
    if method == "silhouette":
        labels = np.fromfile(a["init"], np.int32).astype(np.uintp)
        return lambda: {"silhouette": float(kmedoids.silhouette(data, labels, False, threads)[0])}
    init = np.fromfile(a["init"], np.int64)

    def result():
        if method == "fasterpam":
            r = kmedoids.fasterpam(data, init.copy(), n_cpu=threads, **passes)
        elif method == "dynmsc":
            r = kmedoids.dynmsc(data, init.copy(), **passes)
            return {"k": int(r.bestk), "silhouette": float(np.max(r.losses)), "medoids": r.medoids, "n_iter": int(r.n_iter), "n_swap": int(r.n_swap)}
        else:
            r = getattr(kmedoids, method)(data, init.copy(), **passes)
        out = {"loss": float(r.loss), "n_iter": int(r.n_iter), "n_swap": int(r.n_swap or 0), "medoids": r.medoids, "k": k}
        if method in ("fastermsc", "fastmsc"):
            out["silhouette"] = float(r.loss)
        return out
    return result


def kmeans_run(a, data):
    from sklearn.cluster import KMeans, MiniBatchKMeans
    k = int(a["k"])
    init = np.fromfile(a["init"], data.dtype).reshape(k, -1)
    if a["method"] == "minibatch":
        model = MiniBatchKMeans(k, init=init, n_init=1, max_iter=int(a["max_iter"]), batch_size=1024, tol=0.0, max_no_improvement=None,
                                compute_labels=True, reassignment_ratio=0.0, random_state=1)
    else:
        model = KMeans(k, init=init, n_init=1, max_iter=int(a.get("max_iter", 300)), tol=1e-4, algorithm="lloyd")

    def result():
        model.fit(data)
        return {"loss": float(model.inertia_), "n_iter": int(model.n_iter_), "k": k}
    return result


def run(a):
    n, dtype = int(a["n"]), DTYPES[a["dtype"]]
    data = np.fromfile(a["data"], dtype).reshape(n, -1)
    once = (kmeans_run if a["method"] in ("kmeans", "minibatch") else kmedoids_run)(a, data)
    ms, cpu, begin = [], [], time.perf_counter()
    while not ms or (len(ms) < MOST_RUNS and time.perf_counter() - begin < ENOUGH_S):
        t0, cpu0 = time.perf_counter(), time.process_time()
        out = once()
        cpu.append(1e3 * (time.process_time() - cpu0))
        ms.append(1e3 * (time.perf_counter() - t0))
    medoids = out.pop("medoids", None)
    if medoids is not None:
        out["medoids"] = fnv1a(medoids)
        out["loss64"] = float(np.min(data[:, np.asarray(medoids, dtype=np.int64)], axis=1).astype(np.float64).sum())
    print(json.dumps({"ms": ms, "cpu": cpu, **out}))


def versions():
    import kmedoids
    import scipy
    import sklearn
    from importlib.metadata import version
    print(json.dumps({"python": platform.python_version(), "kmedoids": version("kmedoids"), "numpy": np.__version__, "scipy": scipy.__version__,
                      "scikit-learn": sklearn.__version__}))


if __name__ == "__main__":
    if sys.argv[1:] == ["versions"]:
        versions()
    else:
        arguments = dict(word.split("=", 1) for word in sys.argv[1:])
        make(arguments) if "make" in arguments else run(arguments)
