#!/usr/bin/env bash
# Trains models/demo.onnx from nothing: scenes, network, export, evaluation. Resumes where it was interrupted.
#   models/demo/train.sh [FOLDER]     FOLDER (default models/demo/build) keeps the environment and the checkpoints
# About three hours on two CPU cores with AVX-512. PYTHON names an interpreter that has requirements.txt.
set -euo pipefail
cd "$(dirname "$0")"
readonly folder=$(realpath -m "${1:-build}")
mkdir -p "$folder"

if [ -z "${PYTHON:-}" ]; then
  [ -x "$folder/venv/bin/python" ] || python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet -r requirements.txt
fi

export FASTSAMD_RENDERER=$folder/librenderer.so
./build-renderer.sh "$FASTSAMD_RENDERER"

"$PYTHON" train.py --out "$folder/crops.pt" --iterations 5000 --side 320 --batch 8 --bf16
"$PYTHON" train.py --out "$folder/whole.pt" --init "$folder/crops.pt" --iterations 1200 --side 640 --batch 2 \
  --rate 3e-4 --first-seed 500000 --bf16
"$PYTHON" train.py --out "$folder/demo.pt" --init "$folder/whole.pt" --iterations 10000 --side 640 --batch 3 \
  --rate 5e-4 --decay 0.998 --first-seed 600000 --threads 2 --bf16
"$PYTHON" export.py "$folder/demo.pt" "$folder/demo.onnx"
make -C ../.. build
"$PYTHON" evaluate.py "$folder/demo.onnx" --conveyor 200 --wide 200
printf 'train: %s is ready; copy it to models/demo.onnx to ship it\n' "$folder/demo.onnx"
