#!/usr/bin/env bash
# Coverage-guided fuzzing of the native core: fuzz-native.sh [SECONDS]. Needs clang with libFuzzer (Debian: clang,
# libclang-rt-14-dev). Inputs that reach new code are kept in build/fuzz/corpus; one that fails is named and kept.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly seconds=${1:-180}
clang=$(command -v clang++ || command -v clang++-14 || true)
if [ -z "$clang" ]; then
  echo 'fuzz-native: clang++ is missing; install clang and libclang-rt-14-dev' >&2
  exit 1
fi
mkdir -p build/fuzz/corpus
"$clang" -std=c++17 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -ffp-contract=off -Inative \
  native/fuzz/core_fuzz.cc native/core/{contour,jpeg_markers,rle,segments,simplify}.cc -o build/fuzz/core_fuzz
build/fuzz/core_fuzz -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
  -artifact_prefix=build/fuzz/ build/fuzz/corpus native/fuzz/seeds
