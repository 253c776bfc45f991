"""Counts the cases in a log of `meson test` (testlog.json): prints "PASSED FAILED SKIPPED".

A program that speaks TAP counts by its cases, any other as one. A program that failed without a failed case (it crashed, or ran
out of time) counts as one failure; a log without a test does too: a suite that ran nothing has shown nothing.
"""
import json
import os
import re
import sys

CASE = re.compile(r"^(not )?ok\b(.*)$", re.M)


def count(test):
    """Counts of one test program."""
    cases = CASE.findall(test.get("stdout") or "")
    skip = sum(1 for _, rest in cases if re.search(r"#\s*SKIP", rest, re.I))
    bad = sum(1 for no, rest in cases if no and not re.search(r"#\s*SKIP", rest, re.I))
    good = len(cases) - bad - skip
    result = test["result"]
    if result in ("OK", "EXPECTEDFAIL"):
        return (good, 0, skip) if cases else (1, 0, 0)
    if result == "SKIP":
        return (good, 0, max(skip, 1))
    return (good, max(bad, 1), skip)


def main():
    tests = []
    if os.path.exists(sys.argv[1]):  # meson writes no log when it finds no test
        with open(sys.argv[1], encoding="utf-8") as log:
            tests = [json.loads(line) for line in log if line.strip()]
    counts = [count(t) for t in tests]
    passed, failed, skipped = (sum(c[i] for c in counts) for i in range(3)) if counts else (0, 1, 0)
    for test, c in zip(tests, counts):
        if c[1]:
            print("failed:", test["name"], test["result"], file=sys.stderr)
    if not counts:
        print("failed: the suite holds no test", file=sys.stderr)
    print(passed, failed, skipped)


main()
