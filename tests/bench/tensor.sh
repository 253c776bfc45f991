#!/bin/sh
# Tensors against PyTorch on the CPU, OpenBLAS and FFTW: installs PyTorch once into the cache, then runs tests/bench/tensor.lua.
# usage: tensor.sh BUILD_DIR CACHE_DIR [CASE...]        (called by ./dev bench tensor; a case is a part of a row's name)
# needs: bench
# wants: fetch tensor-peers
set -eu

build=$1 cache=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
python=$(python3 -c 'import sys; print("py%d%d" % sys.version_info[:2])' 2>/dev/null || echo none)
peer=$cache/peers/torch-2.15.0-$python
least_gb=12

# The package is built for CUDA and loads only with its libraries beside it: 7 GB that few disks have to spare for a comparison.
fetch_torch() {
    mkdir -p "$cache/peers"
    free_kb=$(df -Pk "$cache/peers" | awk 'NR == 2 { print $4 }')
    if [ "$free_kb" -lt $((least_gb * 1000000)) ]; then
        echo "bench tensor: PyTorch is left out: its package with libraries takes 7 GB, and under $least_gb GB of the disk are free" >&2
        return 0
    fi
    echo "bench tensor: fetching PyTorch (once, 3 GB)" >&2
    work=$(mktemp -d "$cache/peers/.fetch.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    if TMPDIR=$work python3 -m pip install -q --disable-pip-version-check --root-user-action ignore --no-cache-dir --require-hashes \
        --only-binary :all: --no-deps --target "$work/peer" -r "$here/tensor_requirements.txt"; then
        mv "$work/peer" "$peer"
    else
        echo "bench tensor: PyTorch is left out: it could not be fetched" >&2
    fi
    rm -rf "$work"
    trap - EXIT
}

[ -d "$peer" ] || [ "$python" = none ] || fetch_torch
command=
[ ! -d "$peer" ] || command="python3 '$here/tensor_peer.py'"

# Peers choose their kernels and threads themselves, whatever the environment says.
for name in $(env | sed -n 's/^\(\(OPENBLAS\|MKL\|OMP\|GOMP\|KMP\|ATEN\|DNNL\|ONEDNN\)_[A-Z0-9_]*\)=.*/\1/p'); do unset "$name"; done

ninja -C "$build" tests/bench/tensor_speed tests/bench/tensor_native >/dev/null
mkdir -p "$build/bench"
PYTHONPATH=$peer "$build/lua/venturi" run "$here/tensor.lua" "$build/tests/bench/tensor_speed" "$build/tests/bench/tensor_native" "$command" \
    "$build/bench" "$@"
