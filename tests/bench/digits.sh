#!/bin/sh
# Accuracy of the nets of scripts/examples/digits.lua against the same nets in PyTorch: five seeds each, 95 % intervals.
# usage: digits.sh BUILD_DIR CACHE_DIR [mlp | cnn | vit]...        (called by ./dev bench digits)
# needs: bench
# wants: fetch
set -eu

build=$1 cache=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
peer=$("$here/fetch_torch" train "$cache")
[ -n "$peer" ] || { echo "digits: PyTorch was left out, there is nothing to compare with" >&2; exit 0; }
PYTHONPATH=$peer "$build/lua/venturi" run "$here/digits.lua" "$build/lua/venturi" "python3 '$here/digits_peer.py'" "$@"
