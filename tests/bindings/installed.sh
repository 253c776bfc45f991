#!/bin/sh
# The installed program and the installed Lua module run outside of the build.   usage: installed.sh BUILD-ROOT
set -eu
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
DESTDIR=$work meson install -C "$build" --no-rebuild --quiet >/dev/null
prefix=$(dirname "$(dirname "$(find "$work" -path '*/bin/venturi')")")
LD_LIBRARY_PATH=$(dirname "$(find "$work" -name libventuri.so.0)")
export LD_LIBRARY_PATH
cd /
"$prefix/bin/venturi" version
LUA_CPATH="$prefix/lib/lua/5.4/?.so" LUA_PATH='' lua5.4 -e 'print(require "venturi".version)'
pkg-config --with-path="$LD_LIBRARY_PATH/pkgconfig" --modversion venturi
