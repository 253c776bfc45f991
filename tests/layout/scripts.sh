#!/bin/sh
# Shell scripts pass shellcheck, Lua files luacheck, where these are installed (77 tells meson: skipped).   usage: scripts.sh shell|lua SOURCE-ROOT
set -eu
cd "$2"
case $1 in
shell)
    command -v shellcheck >/dev/null || exit 77
    # shellcheck disable=SC2046 # a list of files
    shellcheck -x dev .ci/run $(find tests bindings -name '*.sh' 2>/dev/null)
    ;;
lua)
    command -v luacheck >/dev/null || exit 77
    # shellcheck disable=SC2046 # a list of folders
    luacheck -q --no-color $(for d in lua scripts tests; do [ -d "$d" ] && echo "$d"; done)
    ;;
esac
