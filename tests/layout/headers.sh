#!/bin/sh
# Each public header compiles alone, as plain C11 and as C++17, with every warning.   usage: headers.sh SOURCE-ROOT CC [CXX]
set -eu
root=$1 cc=$2 cxx=${3:-}
status=0
for header in "$root"/abi/*.h "$root"/abi/venturi/*.h; do
    printf '#define VT_EXPERIMENTAL\n#include "%s"\n#include "%s"\nint vt_test_unit;\n' "$header" "$header" |
        "$cc" -std=c11 -Wall -Wextra -Wpedantic -Wconversion -Wundef -Wstrict-prototypes -Werror -fsyntax-only -I "$root/abi" -x c - || status=1
    [ -z "$cxx" ] || printf '#define VT_EXPERIMENTAL\n#include "%s"\nint vt_test_unit;\n' "$header" |
        "$cxx" -std=c++17 -Wall -Wextra -Wpedantic -Wconversion -Werror -fsyntax-only -I "$root/abi" -x c++ - || status=1
done
exit "$status"
