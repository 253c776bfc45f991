#!/bin/sh
# Coded caches: size and quality on real texts, speed of the codec: tests/bench/kv.lua.
# usage: kv.sh BUILD_DIR CACHE_DIR [CASE...]        (called by ./dev bench kv; a case is a part of a row's name)
# needs: fetch bench
# models: SmolLM2-135M-Instruct.Q4_1.gguf
# documents: faq
set -eu

build=$1 cache=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$build/bench"
exec "$build/lua/venturi" run "$here/kv.lua" "$build" "$cache" "$@"
