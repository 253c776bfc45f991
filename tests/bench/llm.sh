#!/bin/sh
# Language models against llama.cpp: builds the peer's programs once into the cache, then runs tests/bench/llm.lua.
# usage: llm.sh BUILD_DIR CACHE_DIR [CASE...]        (called by ./dev bench llm; a case is a part of a row's name)
# needs: fetch bench peers
# models: SmolLM2-135M-Instruct.Q4_1.gguf gemma-3-270m-q4_k_m.gguf
# documents: faq
set -eu

build=$1 cache=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
version=0.3.36
sha256=832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e
peer=$cache/peers/llama-cpp-python-$version
programs="llama-bench llama-batched-bench llama-perplexity"

need=""
for pair in cmake:cmake ninja:ninja-build g++:g++ taskset:util-linux; do
    command -v "${pair%%:*}" >/dev/null || need="$need ${pair#*:}"
done
if [ -n "$need" ]; then
    echo "bench llm: install first:$need" >&2
    exit 1
fi

# The source package carries llama.cpp; only the programs that measure are built.
missing=""
for program in $programs; do [ -x "$peer/$program" ] || missing="$missing $program"; done
if [ -n "$missing" ]; then
    echo "bench llm: building llama.cpp as llama-cpp-python $version carries it (once, about 15 minutes)" >&2
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    python3 -m pip download -q --no-deps --no-binary :all: -d "$work" "llama-cpp-python==$version"
    tarball=$work/llama_cpp_python-$version.tar.gz
    echo "$sha256  $tarball" | sha256sum -c - >&2
    tar xzf "$tarball" -C "$work"
    cmake -S "$work/llama_cpp_python-$version/vendor/llama.cpp" -B "$work/b" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON \
        -DBUILD_SHARED_LIBS=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAMA_CURL=OFF \
        -DLLAMA_BUILD_TOOLS=ON >/dev/null
    # shellcheck disable=SC2086 # a list of words
    ninja -C "$work/b" $programs >&2
    mkdir -p "$peer"
    for program in $programs; do
        cp "$work/b/bin/$program" "$peer/$program.new"
        mv "$peer/$program.new" "$peer/$program"
    done
fi

ninja -C "$build" tests/bench/llm_speed >/dev/null
mkdir -p "$build/bench"
# What -march=native means to the compiler that built the peer, of the sets that matter here.
isa=$(gcc -march=native -dM -E - </dev/null | sed -n 's/^#define __\(AVX2\|FMA\|F16C\|AVX512F\|AVX512VNNI\|AVX512BF16\|AVXVNNI\)__ 1$/\1/p' | sort | tr '\n' ' ' | tr '[:upper:]' '[:lower:]')
PEER_VERSION="llama-cpp-python $version" PEER_ISA="native: ${isa% }" exec "$build/lua/venturi" run "$here/llm.lua" \
    "$build" "$peer" "$cache" "$@"
