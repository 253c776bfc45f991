#!/bin/sh
# Tensors against PyTorch on the CPU, OpenBLAS and FFTW: installs PyTorch once into the cache, then runs tests/bench/tensor.lua.
# usage: tensor.sh BUILD_DIR CACHE_DIR [CASE...]        (called by ./dev bench tensor; a case is a part of a row's name)
# needs: bench
# wants: fetch tensor-peers
set -eu

build=$1 cache=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
peer=$("$here/fetch_torch" tensor "$cache")
command=
[ -z "$peer" ] || command="python3 '$here/tensor_peer.py'"

# Peers choose their kernels and threads themselves, whatever the environment says.
for name in $(env | sed -n 's/^\(\(OPENBLAS\|MKL\|OMP\|GOMP\|KMP\|ATEN\|DNNL\|ONEDNN\)_[A-Z0-9_]*\)=.*/\1/p'); do unset "$name"; done

ninja -C "$build" tests/bench/tensor_speed tests/bench/tensor_native >/dev/null
mkdir -p "$build/bench"
PYTHONPATH=$peer "$build/lua/venturi" run "$here/tensor.lua" "$build/tests/bench/tensor_speed" "$build/tests/bench/tensor_native" "$command" \
    "$build/bench" "$@"
