#!/bin/sh
# A foreign host against an installed copy: builds bindings/LANGUAGE and runs it with a tiny model, with a real one, to cluster, or with saved graphs.
# usage: run.sh LANGUAGE tiny|real|kmedoids|graph SOURCE-ROOT BUILD-ROOT        (77 tells meson: skipped, the language or the model is not there)
set -eu
language=$1 what=$2 root=$3 build=$4
case $what in
kmedoids) host=kmedoids smoke=kmedoids go=kmedoids/kmedoids ;;
graph) host=graph smoke=graph ;;
*) host=host smoke=smoke go=smoke ;;
esac
tiny=$root/tests/golden/tiny_llama.gguf
real=${VENTURI_MODELS:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/venturi/models}/SmolLM2-135M-Instruct.Q4_1.gguf
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

[ "$what" != real ] || [ -f "$real" ] || exit 77
case $language in
go) command -v go >/dev/null || exit 77 ;;
rust) command -v rustc >/dev/null || exit 77 ;;
esac

DESTDIR=$work/stage meson install -C "$build" --no-rebuild --quiet >/dev/null
pc=$(find "$work/stage" -name venturi.pc)
PKG_CONFIG_PATH=$(dirname "$pc")
lib=$(dirname "$PKG_CONFIG_PATH")
export PKG_CONFIG_PATH
export LD_LIBRARY_PATH="$lib"

case $language in
c)
    cp -r "$root/bindings/c" "$work/c"
    make -s -C "$work/c"
    set -- "$work/c/$host"
    ;;
c-static)
    # Everything but scripts is in the archive.
    # shellcheck disable=SC2046 # flags
    gcc -std=c11 $(pkg-config --cflags venturi) -o "$work/host" "$root/bindings/c/$host.c" -L"$lib" -Wl,-Bstatic -lventuri -Wl,-Bdynamic \
        $(pkg-config --static --libs venturi | sed 's/-lventuri//') -lm
    unset LD_LIBRARY_PATH
    set -- "$work/host"
    ;;
python) set -- python3 "$root/bindings/python/$smoke.py" ;;
go)
    # No module proxy, no module file: one file and the standard library. A cache of its own: Go does not see that headers changed.
    GO111MODULE=off GOFLAGS='' GOPROXY=off GOCACHE=$work/go-cache GOPATH=$work/go go build -o "$work/smoke" "$root/bindings/go/$go.go"
    set -- "$work/smoke"
    ;;
rust)
    rustc --edition 2021 -L "native=$lib" -o "$work/smoke" "$root/bindings/rust/$smoke.rs"
    set -- "$work/smoke"
    ;;
esac

if [ "$language" != c ] && [ "$language" != c-static ]; then
    "$@" --sizes >"$work/sizes"
    [ -s "$work/sizes" ]
    while read -r line; do
        grep -qxF "$line" "$root/tests/abi/constants.txt" || { echo "not C's size: $line"; exit 1; }
    done <"$work/sizes"
fi
if [ "$what" = kmedoids ]; then
    "$@" | tee "$work/out"
    grep -qxF 'loss: 4, medoids: 0 3, labels: 0 0 0 1 1' "$work/out"
    grep -qxF 'loss: 4, medoids: 3 1, labels: 1 1 1 0 0' "$work/out"
    grep -q '^error: .*row 0' "$work/out"
    exit 0
fi
if [ "$what" = graph ]; then
    # The files and what Lua gets of them; a host must print the same numbers, and train the same weights.
    "$build/lua/venturi" run "$root/tests/bindings/graph.lua" "$work"
    "$@" run "$work/net.graph" "$work/x.npy" | diff "$work/net.txt" -
    "$@" train "$work/step.graph" "$work/after.graph" 9 12 "$work/x.npy" "$work/y.npy" | diff "$work/step.txt" -
    cmp "$work/step_after.graph" "$work/after.graph"
    exit 0
fi
if [ "$what" = real ]; then
    "$@" "$real" | tee "$work/out"
    grep -q Paris "$work/out"
else
    "$@" "$tiny" | tee "$work/out"
    [ "$(grep -c '^token: ' "$work/out")" = 8 ]
fi
grep -q '^error: .*/nowhere/model.gguf' "$work/out"
grep -q '^cancelled: ' "$work/out"
