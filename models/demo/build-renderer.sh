#!/usr/bin/env bash
# Builds the drawn conveyor for Python: models/demo/build-renderer.sh FILE.so
# The flags are those of the product's own build: the pictures are the same.
set -euo pipefail
readonly out=$(realpath -m "${1:?usage: build-renderer.sh FILE.so}")
cd "$(dirname "$0")"
g++ -std=c++17 -O3 -ffp-contract=off -fno-math-errno -fno-trapping-math -shared -fPIC -Wl,-z,defs -I../../native \
  -o "$out" renderer.cc ../../native/scenes/*.cc
