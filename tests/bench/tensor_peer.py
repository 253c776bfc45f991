"""Cases of tensors by PyTorch on the CPU:

    tensor_peer.py serve       reads lines KIND VARIANT SIZE THREADS CORES, as tests/bench/tensor_case.h describes cases; CORES 0,1 to bind to
    tensor_peer.py versions

Answers each with a line of JSON: the median time of a call in ms and some numbers of the result, or what went wrong. Results go into tensors that are there where
the function can. One process for all, since loading the package takes longer than most cases.
"""
import functools
import json
import os
import platform
import statistics
import sys
import time

import numpy as np
import torch

MOST_RUNS, FEWEST_RUNS, ENOUGH_S, N_PROBES = 200, 3, 0.5, 8
HEADS, HEAD_DIM, IMAGES, IMAGE, ALL_POINTS, ROW = 8, 64, 8, 56, 1 << 20, 4096


def numbers(shape, seed, dtype=torch.float32):
    count = int(np.prod(shape))
    bits = ((np.arange(1, count + 1, dtype=np.uint64) * 2654435761 + seed * 40503) & 0xffffffff).astype(np.uint32)
    bits ^= bits >> np.uint32(15)
    bits *= np.uint32(2246822519)
    x = (bits >> np.uint32(8)).astype(np.float32) * np.float32(2.0 ** -24) - np.float32(0.5)
    return torch.from_numpy(x.reshape(shape)).to(dtype)


def gemm(variant, n):
    dtype = {"f32": torch.float32, "f64": torch.float64, "bf16": torch.bfloat16}[variant]
    a, b, out = numbers((n, n), 0, dtype), numbers((n, n), 1, dtype), torch.empty(n, n, dtype=dtype)
    return lambda: torch.mm(a, b, out=out)


def with_gradients(forward, inputs):
    for x in inputs:
        x.requires_grad_(True)
    with torch.no_grad():
        grad = numbers(tuple(forward().shape), 7)
    return lambda: torch.autograd.grad(forward(), inputs, grad)[0]


def attention(variant, n):
    q, k, v = (numbers((1, HEADS, n, HEAD_DIM), seed) for seed in range(3))
    def forward():
        return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=variant == "causal")
    return with_gradients(forward, (q, k, v)) if variant == "fwdbwd" else forward


def conv(variant, channels):
    groups = channels if variant == "depthwise" else 1
    x, w = numbers((IMAGES, channels, IMAGE, IMAGE), 0), numbers((channels, channels // groups, 3, 3), 1)
    def forward():
        return torch.nn.functional.conv2d(x, w, padding=1, groups=groups)
    return with_gradients(forward, (x, w)) if variant == "bwd" else forward


def fft(variant, n):
    if variant == "2d":
        x = torch.view_as_complex(numbers((ALL_POINTS // n // n, n, n, 2), 0))
        return lambda: torch.fft.fft2(x)
    x = torch.view_as_complex(numbers((ALL_POINTS // n, n, 2), 0))
    return lambda: torch.fft.fft(x)


def stream(variant, rows):
    x = numbers((rows, ROW), 0)
    y = torch.zeros_like(x)
    if variant == "chain":
        b = numbers((rows, ROW), 1)
        def chain():
            torch.mul(x, b, out=y)
            torch.add(y, x, out=y)
            return torch.relu_(y)
        return chain
    if variant == "softmax":
        return lambda: torch.softmax(x, -1, out=y)
    return lambda: torch.nn.functional.layer_norm(x, [ROW])


def measure(run):
    times, start, result = [], None, None
    for i in range(-1, MOST_RUNS):  # the first one warms up
        begin = time.perf_counter()
        if i == 0:
            start = begin
        result = run()
        if i >= 0:
            times.append((time.perf_counter() - begin) * 1e3)
        if i >= FEWEST_RUNS - 1 and time.perf_counter() - start > ENOUGH_S:
            break
    return statistics.median(times), len(times), result


@functools.lru_cache(maxsize=1)  # inputs of 256 MiB take a while to make
def prepared(kind, variant, size):
    return {"gemm": gemm, "attention": attention, "conv": conv, "fft": fft, "stream": stream}[kind](variant, size)


def answer(kind, variant, size, threads, cores):
    for thread in os.listdir("/proc/self/task"):
        os.sched_setaffinity(int(thread), {int(core) for core in cores.split(",")})
    torch.set_num_threads(int(threads))
    with torch.set_grad_enabled(variant in ("fwdbwd", "bwd")):
        ms, n, result = measure(prepared(kind, variant, int(size)))
    flat = torch.view_as_real(result).reshape(-1) if result.is_complex() else result.detach().reshape(-1)
    probes = [float(flat[i * (flat.numel() - 1) // (N_PROBES - 1)]) for i in range(N_PROBES)]
    return {"ms": ms, "runs": n, "probes": probes}


def serve():
    for line in sys.stdin:
        try:
            result = answer(*line.split())
        except RuntimeError as error:
            result = {"error": str(error)}
        print(json.dumps(result), flush=True)


if sys.argv[1] == "versions":
    print(f"PyTorch {torch.__version__} ({torch.backends.cpu.get_cpu_capability()}), Python {platform.python_version()}")
else:
    serve()
