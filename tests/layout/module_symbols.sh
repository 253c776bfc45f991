#!/bin/sh
# A loadable module exports exactly the names given.   usage: module_symbols.sh MODULE.SO NAME...
set -eu
module=$1
shift
want=$(printf '%s\n' "$@" | sort)
have=$(LC_ALL=C nm -D --defined-only "$module" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort)
[ "$have" = "$want" ] && exit 0
printf 'exports:\n%s\nshould export:\n%s\n' "$have" "$want"
exit 1
