#!/usr/bin/env bash
# Everything that must hold: build, static checks, native tests under sanitizers, TypeScript tests. Goes on after a
# failure, and ends with one line of totals: N passed, N failed[, N skipped]. Each static check counts as one test.
set -uo pipefail
cd "$(dirname "$0")/.."

readonly reports=build/reports
readonly native_build=build/native
readonly files_run_again=5
PATH="$PWD/node_modules/.bin:$PATH:/usr/sbin:/sbin"
passed=0 failed=0 skipped=0
failures=()

totals() {
  local line="$passed passed, $failed failed"
  [ "$skipped" -gt 0 ] && line+=", $skipped skipped"
  for failure in ${failures[@]+"${failures[@]}"}; do printf 'failed: %s\n' "$failure"; done
  cat "$reports/first-failures" "$reports/failures" 2>/dev/null
  printf '%s\n' "$line" | tee "$reports/totals"
}

fail() {
  failed=$((failed + 1))
  failures+=("$1")
}

# check NAME COMMAND…: one test.
check() {
  local name=$1
  shift
  printf '\n== %s\n' "$name"
  if "$@"; then passed=$((passed + 1)); else fail "$name"; fi
}

# must NAME COMMAND…: a step that the rest depends on; counted only when it fails.
must() {
  local name=$1
  shift
  printf '\n== %s\n' "$name"
  "$@" && return
  fail "$name"
  totals
  exit 1
}

# count KIND STATUS NAME REPORT…: adds a report's numbers; a run that failed without a failed test counts as one failure.
count() {
  local kind=$1 status=$2 name=$3 numbers p f s
  if ! numbers=$(node scripts/count-tests.mjs "$kind" "${@:4}"); then
    fail "$name (no report)"
    return
  fi
  read -r p f s <<<"$numbers"
  if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  if [ "$f" -gt 0 ]; then failures+=("$name ($f)"); fi
}

# typescript_tests REPORT [FILE…]
typescript_tests() {
  vitest run --project quick --project full --project mocking --reporter=default --reporter=test/helpers/failures.ts \
    --reporter=json --outputFile.json="$1" "${@:2}"
}

clang_format() {
  find native -name '*.cc' -o -name '*.h' | sort | xargs clang-format --dry-run -Werror
}

native_tests() {
  { cmake -S native -B "$native_build" -DSANITIZE=address,undefined && cmake --build "$native_build" -j2; } \
    >"$reports/native-build.log" 2>&1 || { cat "$reports/native-build.log"; return 1; }
  ctest --test-dir "$native_build" -j2 --output-on-failure --no-tests=error --output-junit "$PWD/$reports/native.xml"
}

mkdir -p "$reports"
rm -f "$reports"/*

must 'system packages' scripts/setup.sh test
must 'build' make --no-print-directory build

# Static checks keep one core busy, and the TypeScript tests wait for half of their time: native tests of low priority use what is left.
native_tests >"$reports/native.log" 2>&1 &
readonly native=$!
renice -n 19 "$native" >/dev/null

check 'biome (lint and format)' biome check .
check 'clang-format' clang_format
check 'dependency-cruiser (layers)' depcruise --config .dependency-cruiser.cjs src web/src
check 'includes of native/ (layers)' node scripts/check-native-layers.mjs
check 'tsc (types)' tsc -p tsconfig.json
check 'tsc (types of the console page)' tsc -p web/tsconfig.json
check 'knip (unused files, exports and packages)' knip --no-progress --cache

if PATH="$PATH:${CUDA_HOME:-/usr/local/cuda}/bin" command -v nvcc >/dev/null; then
  check 'CUDA kernels (compiled, no spills)' scripts/check-cuda.sh
else
  printf '\n== CUDA kernels\nskipped: no nvcc here\n'
  skipped=$((skipped + 1))
fi

printf '\n== TypeScript tests\n'
typescript_tests "$reports/vitest.json"
status=$?
reports_of_tests=("$reports/vitest.json")
# On a machine that is shared with strangers a few files with failed tests run once more, in new
# processes and by themselves. Their first failures stay named at the end: each is a race to be found.
if [ "$status" -ne 0 ] && [ -n "${CI:-}" ]; then
  mapfile -t again < <(node scripts/count-tests.mjs failed-files "$reports/vitest.json")
  if [ "${#again[@]}" -gt 0 ] && [ "${#again[@]}" -le "$files_run_again" ]; then
    sed 's/^failed/failed at the first attempt/' "$reports/failures" >"$reports/first-failures"
    printf '\n== TypeScript tests, the failed files once more\n'
    typescript_tests "$reports/vitest-again.json" "${again[@]}"
    status=$?
    reports_of_tests+=("$reports/vitest-again.json")
  fi
fi
count vitest "$status" 'TypeScript tests' "${reports_of_tests[@]}"

printf '\n== native tests (address and undefined behaviour sanitizers)\n'
wait "$native"
status=$?
cat "$reports/native.log"
count junit "$status" 'native tests' "$reports/native.xml"

printf '\n'
totals
[ "$failed" -eq 0 ]
