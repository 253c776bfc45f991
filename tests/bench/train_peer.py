"""Steps of training by PyTorch on the CPU, as ./dev bench train asks for them:

    train_peer.py NET THREADS CORES FILE       reads lines and answers as tests/bench/train_ours.lua does; CORES 0,1 to bind to
    train_peer.py versions

FILE holds the weights and the batch, under the names of our modules. The nets are written in PyTorch's own functions, a call for each of ours. Eager:
torch.compile needs a compiler when it runs.
"""
import json
import os
import platform
import statistics
import struct
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

DTYPES = {"F32": np.float32, "I64": np.int64, "I32": np.int32}


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    size, = struct.unpack("<Q", data[:8])
    tensors = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            numbers = np.frombuffer(data[8 + size + begin:8 + size + end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
            tensors[name] = torch.from_numpy(numbers.copy())
    return tensors


class Weights:
    """Functions by the path of a module."""

    def __init__(self, w):
        self.w = w

    def linear(self, path, x):
        return F.linear(x, self.w[path + ".weight"], self.w.get(path + ".bias"))

    def conv(self, path, x, **more):
        return F.conv2d(x, self.w[path + ".weight"], self.w.get(path + ".bias"), **more)

    def layer_norm(self, path, x, eps=1e-5):
        return F.layer_norm(x, x.shape[-1:], self.w.get(path + ".weight"), self.w.get(path + ".bias"), eps)

    def group_norm(self, path, x, groups=8):
        return F.group_norm(x, groups, self.w[path + ".weight"], self.w[path + ".bias"])

    def attention(self, path, x, heads, causal=False):
        n, rows, width = x.shape
        q, k, v = (part.view(n, rows, heads, width // heads).transpose(1, 2) for part in self.linear(path + ".qkv", x).split(width, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return self.linear(path + ".out", y.transpose(1, 2).reshape(n, rows, width))

    def mlp(self, path, x):
        return self.linear(path + ".down", F.gelu(self.linear(path + ".up", x), approximate="tanh"))

    def time(self, path, t):
        angles = t.unsqueeze(-1) * self.w[path + ".frequencies"]
        return self.linear(path + ".outer", F.silu(self.linear(path + ".inner", torch.cat((angles.cos(), angles.sin()), -1))))

    def count(self, path):
        n = 0
        while any(name.startswith(f"{path}.{n}.") for name in self.w):
            n += 1
        return n


def mlp(net, x, y):
    for path in ("0", "2"):
        x = F.relu(net.linear(path, x))
    return F.cross_entropy(net.linear("4", x), y)


def gpt(net, ids, next_ids):
    tokens = net.w["tokens.weight"]
    x = F.embedding(ids, tokens) + net.w["positions.weight"][:ids.shape[1]]
    for i in range(net.count("blocks")):
        path = f"blocks.{i}"
        x = x + net.attention(path + ".attn", net.layer_norm(path + ".norm1", x), 4, causal=True)
        x = x + net.mlp(path + ".mlp", net.layer_norm(path + ".norm2", x))
    return F.cross_entropy(F.linear(net.layer_norm("norm", x), tokens).view(-1, len(tokens)), next_ids)


def modulate(x, shift, scale):
    return x * (scale + 1) + shift


def dit(net, x, t, target, labels):
    vector = F.silu(net.time("time", t) + F.embedding(labels, net.w["labels.weight"]))
    h = net.conv("patches.conv", x, stride=2).flatten(2).transpose(1, 2) + net.w["positions"]
    for i in range(net.count("blocks")):
        path = f"blocks.{i}"
        a, b, c, d, e, f = net.linear(path + ".modulation", vector).unsqueeze(1).chunk(6, -1)
        h = h + c * net.attention(path + ".attn", modulate(net.layer_norm(path + ".norm1", h, 1e-6), a, b), 4)
        h = h + f * net.mlp(path + ".mlp", modulate(net.layer_norm(path + ".norm2", h, 1e-6), d, e))
    a, b = net.linear("modulation", vector).unsqueeze(1).chunk(2, -1)
    h = net.linear("last", modulate(net.layer_norm("norm", h, 1e-6), a, b))
    n = len(x)
    return F.mse_loss(h.view(n, 4, 4, 2, 2, 1).permute(0, 5, 1, 3, 2, 4).reshape(n, 1, 8, 8), target)


def res_block(net, path, x, vector):
    h = net.group_norm(path + ".norm2", net.conv(path + ".conv1", F.silu(net.group_norm(path + ".norm1", x)), padding=1))
    scale, shift = net.linear(path + ".embed", F.silu(vector))[:, :, None, None].chunk(2, 1)
    h = F.silu(h * (scale + 1) + shift)
    skip = net.conv(path + ".skip", x) if path + ".skip.weight" in net.w else x
    return skip + net.conv(path + ".conv2", h, padding=1)


def pixel_attention(net, path, x):
    rows = net.group_norm(path + ".norm", x).flatten(2).transpose(1, 2)
    return x + net.attention(path + ".attn", rows, x.shape[1] // 16).transpose(1, 2).reshape(x.shape)


def unet(net, x, t, target):
    """Levels are told by their weights: a block, or one convolution that halves (3 x 3) or follows a doubling (1 x 1)."""
    def level(path, h):
        h = res_block(net, path + ".0", h, vector)
        return pixel_attention(net, path + ".1", h) if path + ".1.norm.weight" in net.w else h
    vector = net.time("time", t)
    h = net.conv("first", x, padding=1)
    skips = [h]
    for i in range(net.count("down")):
        h = level(f"down.{i}", h) if f"down.{i}.0.norm1.weight" in net.w else net.conv(f"down.{i}.0", h, stride=2, padding=1)
        skips.append(h)
    for i in range(net.count("middle")):
        h = level(f"middle.{i}", h)
    for i in range(net.count("up")):
        if f"up.{i}.0.norm1.weight" in net.w:
            h = level(f"up.{i}", torch.cat((h, skips.pop()), 1))
        else:
            h = net.conv(f"up.{i}.0", F.interpolate(h, scale_factor=2))
    return F.mse_loss(net.conv("last", F.silu(net.group_norm("norm", h)), padding=1), target)


NETS = {"mlp": mlp, "gpt-tiny": gpt, "dit-tiny": dit, "unet": unet}
BUFFERS = {"positions", "time.frequencies"}


def fastest_adamw(params):
    """AdamW in the form that is fastest on copies of these parameters."""
    best = None
    for options in ({}, {"foreach": True}, {"fused": True}):
        copies = [p.detach().clone() for p in params]
        for p in copies:
            p.grad = torch.zeros_like(p)
        optimizer = torch.optim.AdamW(copies, lr=1e-3, weight_decay=0.01, **options)
        times = []
        for _ in range(6):
            begin = time.perf_counter()
            optimizer.step()
            times.append(time.perf_counter() - begin)
        if best is None or min(times) < best[0]:
            best = min(times), options
    return torch.optim.AdamW(params, lr=1e-3, weight_decay=0.01, **best[1]), best[1]


def status(key):
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(key + ":"))


def serve(name, path):
    w = read(path)
    inputs = [w.pop(f"input.{i + 1}") for i in range(sum(key.startswith("input.") for key in w))]
    params = [t.requires_grad_(True) for key, t in w.items() if key not in BUFFERS]
    net, loss_of = Weights(w), NETS[name]
    optimizer, form = fastest_adamw(params)
    before = status("VmRSS")
    try:  # the peak is counted from here on
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        pass

    def step():
        loss = loss_of(net, *inputs)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    for line in sys.stdin:
        if line == "end\n":
            break
        how, amount = line.split()
        times, losses, start = [], [], time.perf_counter()
        while len(times) < float(amount) if how == "steps" else time.perf_counter() - start < float(amount) or len(times) < 3:
            begin = time.perf_counter()
            losses.append(step())
            times.append((time.perf_counter() - begin) * 1e3)
        print(json.dumps({"ms": statistics.median(times), "steps": len(times), "losses": losses[:3], "before": before, "peak": status("VmHWM"),
                          "weights": sum(p.numel() for p in params), "adamw": form}), flush=True)


if sys.argv[1] == "versions":
    print(f"PyTorch {torch.__version__} ({torch.backends.cpu.get_cpu_capability()}), Python {platform.python_version()}")
else:
    os.sched_setaffinity(0, {int(core) for core in sys.argv[3].split(",")})
    torch.set_num_threads(int(sys.argv[2]))
    serve(sys.argv[1], sys.argv[4])
