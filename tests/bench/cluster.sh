#!/bin/sh
# Clustering against the kmedoids package and scikit-learn: installs the peers once into the cache, then runs tests/bench/cluster.lua.
# usage: cluster.sh BUILD_DIR CACHE_DIR [CASE...]        (called by ./dev bench cluster; a case is a part of a row's name)
# needs: fetch bench
set -eu

build=$1 cache=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
python=$(python3 -c 'import sys; print("py%d%d" % sys.version_info[:2])')
peer=$cache/peers/kmedoids-0.5.5-$python

if [ ! -d "$peer" ]; then
    echo "bench cluster: fetching the kmedoids package and scikit-learn (once)" >&2
    mkdir -p "$cache/peers"
    work=$(mktemp -d "$cache/peers/.fetch.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    python3 -m pip install -q --disable-pip-version-check --root-user-action ignore --require-hashes --only-binary :all: \
        --target "$work/peer" -r "$here/cluster_requirements.txt"
    mv "$work/peer" "$peer"
    rm -rf "$work"
    trap - EXIT
fi

ninja -C "$build" tests/bench/cluster_speed >/dev/null
mkdir -p "$build/bench"
# Matrices of some hundred megabytes live here while their rows are measured.
data=$(mktemp -d "$build/bench/data.XXXXXX")
trap 'rm -rf "$data"' EXIT
trap 'exit 130' INT TERM
PYTHONPATH=$peer "$build/lua/venturi" run "$here/cluster.lua" "$build/tests/bench/cluster_speed" "python3 '$here/cluster_peer.py'" "$data" "$build/bench" "$@"
