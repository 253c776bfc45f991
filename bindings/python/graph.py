"""Venturi from Python with ctypes: runs a saved graph once, or trains on with a saved training step.
usage: graph.py run NET.graph INPUT.npy...
       graph.py train STEP.graph AFTER.graph FIRST LAST INPUT.npy...     steps FIRST to LAST on the same batch; AFTER.graph is what is trained then
with libventuri.so.0 where the loader finds it; graph.py --sizes prints the structs it declares."""
import ctypes as c
import sys

u32, i32, i64, u64, p = c.c_uint32, c.c_int32, c.c_int64, c.c_uint64, c.c_void_p
OK, NOT_FOUND, CPU, MAX_DIMS = 0, -7, 0, 8


class graph_cost_info(c.Structure):
    _fields_ = [("struct_size", u32), ("reserved", u32)] + [(name, u64) for name in (
        "peak_bytes", "arena_bytes", "least_bytes", "scratch_bytes", "result_bytes", "input_bytes", "kept_bytes")] + [("flops", c.c_double), ("n_steps", i64)]


if sys.argv[1:] == ["--sizes"]:
    print("struct vt_graph_cost_info %d" % c.sizeof(graph_cost_info))
    sys.exit(0)

vt = c.CDLL("libventuri.so.0")
vt.vt_error_message.restype = vt.vt_dtype_name.restype = c.c_char_p
vt.vt_graph_result.restype = p
vt.vt_tensor_count.restype = i64


def check(status):
    if status != OK:
        raise RuntimeError(status, vt.vt_error_message().decode())


def make(name, *args):
    """A call whose last argument is the handle that comes out."""
    out = p()
    check(getattr(vt, name)(*args, c.byref(out)))
    return out


def print_inputs(graph):
    """What a run takes, known before it."""
    cost = graph_cost_info(c.sizeof(graph_cost_info))
    check(vt.vt_graph_cost(graph, c.byref(cost)))
    print("%d steps, %.0f FLOPs, %d bytes of weights" % (cost.n_steps, cost.flops, cost.kept_bytes))
    for i in range(vt.vt_graph_n_inputs(graph)):
        shape, dtype, n_dims = (i64 * MAX_DIMS)(), i32(), i32()
        check(vt.vt_graph_input(graph, i32(i), c.byref(dtype), shape, c.byref(n_dims)))
        print("input %d:" % (i + 1), vt.vt_dtype_name(dtype).decode(), *shape[:n_dims.value])


def run(graph, inputs):
    """Prints all numbers of the results, with as many digits as tell floats apart."""
    check(vt.vt_graph_run(graph, (p * len(inputs))(*inputs), i32(len(inputs))))
    for i in range(vt.vt_graph_n_results(graph)):
        tensor = p(vt.vt_graph_result(graph, i32(i)))
        values = (c.c_float * vt.vt_tensor_count(tensor))()
        check(vt.vt_tensor_read(tensor, values, c.c_size_t(c.sizeof(values))))
        print("result %d:" % (i + 1), *("%.9g" % x for x in values))
        vt.vt_tensor_release(tensor)


def train(graph, inputs, first, last, after):
    """Weights and the optimizer's state are the graph's own: each run is a step."""
    for i in range(first, last + 1):
        check(vt.vt_graph_set_int(graph, b"step", i64(i)))
        run(graph, inputs)
    check(vt.vt_graph_save(graph, after.encode(), u32(0)))


def main(what, path, *rest):
    context = make("vt_context_create", None)
    try:
        make("vt_graph_open", context, b"/nowhere/net.graph", i32(CPU))
        sys.exit("a missing file was opened")
    except RuntimeError as e:
        status, message = e.args
        assert status == NOT_FOUND and "/nowhere/net.graph" in message, e.args
        print("error:", message, file=sys.stderr)
    graph = make("vt_graph_open", context, path.encode(), i32(CPU))
    inputs = [make("vt_tensor_open_npy", context, name.encode()) for name in (rest[3:] if what == "train" else rest)]
    print_inputs(graph)
    if what == "train":
        train(graph, inputs, int(rest[1]), int(rest[2]), rest[0])
    else:
        run(graph, inputs)
    for tensor in inputs:
        vt.vt_tensor_release(tensor)
    vt.vt_graph_release(graph)
    vt.vt_context_release(context)


main(*sys.argv[1:])
