#!/bin/sh
# Steps of diffusion solvers against diffusers' schedulers: installs the peer once into the cache, then runs tests/bench/solver.lua.
# usage: solver.sh BUILD_DIR CACHE_DIR [CASE...]        (called by ./dev bench solver; a case is a part of a row's name)
# needs: fetch bench
set -eu

build=$1 cache=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
python=$(python3 -c 'import sys; print("py%d%d" % sys.version_info[:2])' 2>/dev/null || echo none)
torch=$("$here/fetch_torch" solver "$cache")
peer=$cache/peers/diffusers-0.42.1-$python

if [ -n "$torch" ] && [ ! -d "$peer" ]; then
    echo "bench solver: fetching diffusers (once)" >&2
    work=$(mktemp -d "$cache/peers/.fetch.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    if python3 -m pip install -q --disable-pip-version-check --root-user-action ignore --no-deps --require-hashes --only-binary :all: \
        --target "$work/peer" -r "$here/solver_requirements.txt" >&2; then
        mv "$work/peer" "$peer"
    else
        echo "bench solver: diffusers is left out: it does not install here" >&2
        torch=
    fi
    rm -rf "$work"
    trap - EXIT
fi
command=
[ -z "$torch" ] || command="env PYTHONPATH='$peer:$torch' python3 '$here/solver_peer.py'"

ninja -C "$build" tests/bench/solver_speed >/dev/null
"$build/lua/venturi" run "$here/solver.lua" "$build/tests/bench/solver_speed" "$command" "$@"
