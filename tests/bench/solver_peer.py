"""One step of diffusers' schedulers without the model, as tests/bench/solver_speed.c does it:   solver_peer.py SOLVER THREADS"""
import json
import statistics
import sys
import time

import diffusers
import numpy
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler

STEPS, RUNS, SHAPE, PROBES = 20, 20, (8, 4, 64, 64), 4
KINDS = {"dpm++2m": DPMSolverMultistepScheduler, "ddim": DDIMScheduler, "euler": EulerDiscreteScheduler}


def numbers(seed):
    n = int(numpy.prod(SHAPE))
    bits = ((numpy.arange(1, n + 1, dtype=numpy.uint64) * 2654435761 + seed * 40503) & 0xFFFFFFFF).astype(numpy.uint32)
    bits ^= bits >> numpy.uint32(15)
    bits = (bits.astype(numpy.uint64) * 2246822519 & 0xFFFFFFFF).astype(numpy.uint32)
    return torch.from_numpy(((bits >> numpy.uint32(8)).astype(numpy.float32) * numpy.float32(2**-24) - numpy.float32(0.5)).reshape(SHAPE))


def main():
    name, threads = sys.argv[1], int(sys.argv[2])
    diffusers.utils.logging.set_verbosity_error()
    torch.set_num_threads(threads)
    scheduler = KINDS[name](num_train_timesteps=1000, beta_start=1e-4, beta_end=0.02, beta_schedule="linear")
    start, prediction, seconds = numbers(1), numbers(2), []
    with torch.no_grad():
        for _ in range(RUNS):
            scheduler.set_timesteps(STEPS)
            x = start.clone()
            for i, t in enumerate(scheduler.timesteps):
                begin = time.perf_counter()
                x = scheduler.step(prediction, t, x, return_dict=False)[0]
                if 2 <= i < STEPS - 1:
                    seconds.append(time.perf_counter() - begin)
    flat = x.flatten()
    print(json.dumps({"us": statistics.median(seconds) * 1e6, "probes": [round(float(flat[k * 30011]), 6) for k in range(PROBES)]}))


main()
