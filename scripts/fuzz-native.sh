#!/usr/bin/env bash
# Coverage-guided fuzzing of what native code reads from outside: fuzz-native.sh [SECONDS]. Needs clang with libFuzzer (Debian:
# clang, libclang-rt-14-dev). Inputs that reach new code are kept in build/fuzz/corpus; one that fails is named and kept.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly seconds=${1:-180}
clang=$(command -v clang++ || command -v clang++-14 || true)
if [ -z "$clang" ]; then
  echo 'fuzz-native: clang++ is missing; install clang and libclang-rt-14-dev' >&2
  exit 1
fi
mkdir -p build/fuzz
"$clang" -std=c++17 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -ffp-contract=off -Inative \
  native/fuzz/core_fuzz.cc native/tensorrt/engine_file.cc \
  native/core/{color,contour,geometry,jpeg_markers,letterbox,resample,rle,segments,simplify,taps,yuv}.cc native/eval/{detection_list,json_text}.cc -o build/fuzz/core_fuzz
# Each target for as long.
target=0
for name in rle contour jpeg letterbox engine detections; do
  corpus=build/fuzz/corpus/$name
  mkdir -p "$corpus"
  echo "fuzz-native: $name"
  FUZZ_TARGET=$target build/fuzz/core_fuzz -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="build/fuzz/$name-" "$corpus" native/fuzz/seeds/"$name" |&
    tee "build/fuzz/$name.log" | grep -E 'stat::|ERROR|SUMMARY|Test unit written|DONE' || true
  if grep -qE '^(==[0-9]+==ERROR|SUMMARY)' "build/fuzz/$name.log"; then exit 1; fi
  target=$((target + 1))
done
