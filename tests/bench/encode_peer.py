"""One encoding case of ONNX Runtime, or the graphs for them:

    encode_peer.py make MODEL_FOLDER OUT_FOLDER
    encode_peer.py run GRAPHS IDS OUT N_TEXTS N_TOKENS THREADS f32|int8
    encode_peer.py versions

make builds the model as ONNX graphs from model.safetensors, in two forms: of standard operators (which the runtime's optimiser fuses by itself),
and of the runtime's own fused ones (Attention, SkipLayerNormalization, BiasGelu), and quantises both dynamically per channel. run measures
the faster of the two and prints a line of JSON; OUT gets the vectors, float32.
"""
import json
import platform
import sys
import time

import numpy as np

MOST_RUNS, FEWEST_RUNS, ENOUGH_S = 30, 3, 1.0
FORMS = ("plain", "fused")


def read_safetensors(path):
    with open(path, "rb") as f:
        data = f.read()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    return {name: np.frombuffer(data[8 + size + t["data_offsets"][0]:8 + size + t["data_offsets"][1]], np.float32).reshape(t["shape"])
            for name, t in header.items() if name != "__metadata__" and t["dtype"] == "F32"}


class Graph:
    """Nodes and weights as they come; every node has one output, whose name is returned."""

    def __init__(self):
        self.nodes, self.weights = [], []

    def add(self, op, inputs, domain="", n_out=1, **attributes):
        from onnx import helper
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name] + [""] * (n_out - 1), domain=domain, **attributes))
        return name

    def constant(self, array):
        from onnx import numpy_helper
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name


def bert(w, config, fused):
    """MiniLM: ids [n, t] -> vectors [n, dim] of length 1."""
    g = Graph()
    heads, dim, eps = config["num_attention_heads"], config["hidden_size"], config["layer_norm_eps"]

    def dense(x, name):
        y = g.add("MatMul", [x, g.constant(w[name + ".weight"].T)])
        return g.add("Add", [y, g.constant(w[name + ".bias"])])

    def norm_of_sum(x, y, name):
        gamma, beta = g.constant(w[name + ".weight"]), g.constant(w[name + ".bias"])
        if fused:
            return g.add("SkipLayerNormalization", [x, y, gamma, beta], domain="com.microsoft", epsilon=eps)
        return g.add("LayerNormalization", [g.add("Add", [x, y]), gamma, beta], axis=-1, epsilon=eps)

    def attend(x, at):
        names = [at + "attention.self." + part for part in ("query", "key", "value")]
        if fused:
            weights = g.constant(np.concatenate([w[n + ".weight"].T for n in names], axis=1))
            bias = g.constant(np.concatenate([w[n + ".bias"] for n in names]))
            return g.add("Attention", [x, weights, bias], domain="com.microsoft", num_heads=heads)
        split = g.constant(np.array([0, 0, heads, dim // heads], np.int64))
        q, k, v = (g.add("Reshape", [dense(x, n), split]) for n in names)
        q, v = (g.add("Transpose", [y], perm=[0, 2, 1, 3]) for y in (q, v))
        scores = g.add("MatMul", [q, g.add("Transpose", [k], perm=[0, 2, 3, 1])])
        scores = g.add("Mul", [scores, g.constant(np.float32(1 / np.sqrt(dim / heads)))])
        mixed = g.add("MatMul", [g.add("Softmax", [scores], axis=-1), v])
        return g.add("Reshape", [g.add("Transpose", [mixed], perm=[0, 2, 1, 3]), g.constant(np.array([0, 0, dim], np.int64))])

    def up(x, name):
        if fused:
            y = g.add("MatMul", [x, g.constant(w[name + ".weight"].T)])
            return g.add("BiasGelu", [y, g.constant(w[name + ".bias"])], domain="com.microsoft")
        return g.add("Gelu", [dense(x, name)])

    embeddings = w["embeddings.position_embeddings.weight"] + w["embeddings.token_type_embeddings.weight"][0]
    x = g.add("Gather", [g.constant(w["embeddings.word_embeddings.weight"]), "ids"])
    length = g.add("Slice", [g.add("Shape", ["ids"]), g.constant(np.array([1])), g.constant(np.array([2]))])
    places = g.add("Slice", [g.constant(embeddings), g.constant(np.array([0])), length, g.constant(np.array([0]))])
    x = g.add("Add", [x, places])
    x = g.add("LayerNormalization", [x, g.constant(w["embeddings.LayerNorm.weight"]), g.constant(w["embeddings.LayerNorm.bias"])], axis=-1, epsilon=eps)
    for layer in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{layer}."
        x = norm_of_sum(dense(attend(x, at), at + "attention.output.dense"), x, at + "attention.output.LayerNorm")
        x = norm_of_sum(dense(up(x, at + "intermediate.dense"), at + "output.dense"), x, at + "output.LayerNorm")
    mean = g.add("ReduceMean", [x, g.constant(np.array([1]))], keepdims=0)
    length = g.add("ReduceL2", [mean, g.constant(np.array([1]))], keepdims=1)
    return g, g.add("Div", [mean, length])


def make(model, out):
    import onnx
    from onnx import TensorProto, helper
    from onnxruntime.quantization import QuantType, quantize_dynamic
    weights = read_safetensors(model + "/model.safetensors")
    with open(model + "/config.json") as f:
        config = json.load(f)
    for form in FORMS:
        g, result = bert(weights, config, form == "fused")
        graph = helper.make_graph(g.nodes, "encoder", [helper.make_tensor_value_info("ids", TensorProto.INT64, ["n", "t"])],
                                  [helper.make_tensor_value_info(result, TensorProto.FLOAT, ["n", config["hidden_size"]])], g.weights)
        opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
        path = f"{out}/{form}.f32.onnx"
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
        quantize_dynamic(path, f"{out}/{form}.int8.onnx", per_channel=True, weight_type=QuantType.QInt8,
                         extra_options={"DefaultTensorType": TensorProto.FLOAT})


def open_session(path, threads):
    import onnxruntime as ort
    ort.set_default_logger_severity(3)
    o = ort.SessionOptions()
    o.intra_op_num_threads, o.inter_op_num_threads = threads, 1
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    return ort.InferenceSession(path, o, providers=["CPUExecutionProvider"])


def measure(session, ids, enough_s):
    times, start = [], None
    for run in range(-1, MOST_RUNS):  # the first one warms up
        begin = time.perf_counter()
        if run == 0:
            start = begin
        result = session.run(None, {"ids": ids})[0]
        if run >= 0:
            times.append((time.perf_counter() - begin) * 1e3)
        if run >= FEWEST_RUNS - 1 and time.perf_counter() - start > enough_s:
            break
    return float(np.median(times)), result


def run(graphs, ids_file, out, n_texts, n_tokens, threads, numerics):
    ids = np.fromfile(ids_file, np.int32)[:int(n_texts) * int(n_tokens)].reshape(int(n_texts), int(n_tokens)).astype(np.int64)
    best = None
    for form in FORMS:
        ms, result = measure(open_session(f"{graphs}/{form}.{numerics}.onnx", int(threads)), ids, ENOUGH_S / len(FORMS))
        if best is None or ms < best[0]:
            best = ms, form, result
    best[2].astype(np.float32).tofile(out)
    print(json.dumps({"ms": best[0], "form": best[1]}))


if __name__ == "__main__":
    if sys.argv[1] == "versions":
        import onnxruntime
        print(f"onnxruntime {onnxruntime.__version__}, Python {platform.python_version()}")
    else:
        {"make": make, "run": run}[sys.argv[1]](*sys.argv[2:])
