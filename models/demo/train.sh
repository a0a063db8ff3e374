#!/usr/bin/env bash
# Trains models/demo.onnx from nothing: scenes, network, export, evaluation. Resumes where it was interrupted.
#   models/demo/train.sh [FOLDER]     FOLDER (default models/demo/build) keeps the environment and the checkpoints
# About an hour and a half on one CPU core with AVX-512. PYTHON names an interpreter that has requirements.txt.
set -euo pipefail
cd "$(dirname "$0")"
readonly folder=$(realpath -m "${1:-build}")
mkdir -p "$folder"

if [ -z "${PYTHON:-}" ]; then
  [ -x "$folder/venv/bin/python" ] || python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet -r requirements.txt
fi

# The flags are those of the product's own build: the pictures are the same.
export FASTSAMD_RENDERER=$folder/librenderer.so
g++ -std=c++17 -O3 -ffp-contract=off -fno-math-errno -fno-trapping-math -shared -fPIC -I../../native \
  -o "$FASTSAMD_RENDERER" renderer.cc ../../native/core/conveyor*.cc

"$PYTHON" train.py --out "$folder/crops.pt" --iterations 5000 --side 320 --batch 8 --bf16
"$PYTHON" train.py --out "$folder/demo.pt" --init "$folder/crops.pt" --iterations 1200 --side 640 --batch 2 \
  --rate 3e-4 --first-seed 500000 --bf16
"$PYTHON" export.py "$folder/demo.pt" "$folder/demo.onnx"
make -C ../.. build
"$PYTHON" evaluate.py "$folder/demo.onnx" --conveyor 200 --wide 200
printf 'train: %s is ready; copy it to models/demo.onnx to ship it\n' "$folder/demo.onnx"
