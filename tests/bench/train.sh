#!/bin/sh
# Steps of training against PyTorch on the CPU: installs it once into the cache, then runs tests/bench/train.lua.
# usage: train.sh BUILD_DIR CACHE_DIR [CASE...]        (called by ./dev bench train; a case is a part of a row's name)
# needs: bench
# wants: fetch
set -eu

build=$1 cache=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
peer=$("$here/fetch_torch" train "$cache")
command=
[ -z "$peer" ] || command="python3 '$here/train_peer.py'"

# The peer chooses its kernels and threads itself, whatever the environment says.
for name in $(env | sed -n 's/^\(\(OPENBLAS\|MKL\|OMP\|GOMP\|KMP\|ATEN\|DNNL\|ONEDNN\)_[A-Z0-9_]*\)=.*/\1/p'); do unset "$name"; done

mkdir -p "$build/bench"
PYTHONPATH=$peer "$build/lua/venturi" run "$here/train.lua" "$build/lua/venturi" "$command" "$build/bench" "$@"
