#!/bin/sh
# Text encoders against ONNX Runtime: installs the peer once into the cache, then runs tests/bench/encode.lua.
# usage: encode.sh BUILD_DIR CACHE_DIR [CASE...]        (called by ./dev bench encode; a case is a part of a row's name)
# needs: fetch bench
# encoders: all-MiniLM-L6-v2
set -eu

build=$1 cache=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
python=$(python3 -c 'import sys; print("py%d%d" % sys.version_info[:2])')
peer=$cache/peers/onnxruntime-1.32.0-$python
model=$cache/models/all-MiniLM-L6-v2

[ -f "$model/model.safetensors" ] || { echo "bench encode: all-MiniLM-L6-v2 is not in the cache" >&2; exit 1; }
if [ ! -d "$peer" ]; then
    echo "bench encode: fetching ONNX Runtime (once)" >&2
    mkdir -p "$cache/peers"
    work=$(mktemp -d "$cache/peers/.fetch.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    python3 -m pip install -q --disable-pip-version-check --root-user-action ignore --require-hashes --only-binary :all: --no-deps \
        --target "$work/peer" -r "$here/encode_requirements.txt"
    mv "$work/peer" "$peer"
    rm -rf "$work"
    trap - EXIT
fi

ninja -C "$build" tests/bench/encode_speed >/dev/null
mkdir -p "$build/bench"
data=$(mktemp -d "$build/bench/data.XXXXXX")
trap 'rm -rf "$data"' EXIT
trap 'exit 130' INT TERM
PYTHONPATH=$peer "$build/lua/venturi" run "$here/encode.lua" "$build/tests/bench/encode_speed" "python3 '$here/encode_peer.py'" "$model" "$data" \
    "$here/../.." "$@"
