#!/bin/sh
# What the library exports is what the public headers declare, under one version node.   usage: symbols.sh SOURCE-ROOT LIBVENTURI.SO
set -eu
root=$1 lib=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

LC_ALL=C nm -D --defined-only --with-symbol-versions "$lib" | awk '$2 != "A" { print $3 }' | sort >"$work/exported"
cat "$root"/abi/*.h "$root"/abi/venturi/*.h | grep -E '^VT_API' | grep -oE 'vt_[a-z0-9_]+ *\(' | tr -d ' (' | sort | uniq >"$work/declared"
sed 's/@@VENTURI_0$//' "$work/exported" >"$work/names"

if grep '@' "$work/names"; then echo "exported under another version node than VENTURI_0"; status=1; fi
if grep -v '^vt_' "$work/names"; then echo "exported, but not called vt_*"; status=1; fi
if ! diff "$work/declared" "$work/names" >"$work/diff"; then
    sed -n 's/^< /declared in a header, not exported: /p; s/^> /exported, not declared in a header: /p' "$work/diff"
    status=1
fi
echo "$(wc -l <"$work/names") symbols checked"
exit "$status"
