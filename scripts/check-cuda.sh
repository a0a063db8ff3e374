#!/usr/bin/env bash
# Compiles the CUDA kernels for the GPUs that matter and prints registers and spills. Needs nvcc, no GPU.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PATH:${CUDA_HOME:-/usr/local/cuda}/bin"

command -v nvcc >/dev/null || { echo 'check-cuda: nvcc is missing; install the CUDA toolkit or set CUDA_HOME' >&2; exit 1; }
known=$(nvcc --list-gpu-code)
architectures=()
# Orin; Thor, whose number changed with CUDA 13; Hopper.
for architecture in sm_87 sm_101 sm_110 sm_90; do
  if grep -qx "$architecture" <<<"$known"; then architectures+=("$architecture"); fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
printf '%-8s %-44s %9s %6s %7s\n' GPU kernel registers stack spills
for architecture in "${architectures[@]}"; do
  nvcc -std=c++17 -O3 -fmad=false -Werror all-warnings -arch="$architecture" -Xptxas -v -Inative \
    -c native/cuda/kernels.cu -o "$work/kernels.o" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
  # One line per kernel: name, registers, stack bytes, spilled bytes.
  awk '
    /Compiling entry function/ { match($0, /\047[^\047]+\047/); name = substr($0, RSTART + 1, RLENGTH - 2) }
    /bytes stack frame/ { stack = $1; spills = $5 + $9 }
    /Used [0-9]+ registers/ { match($0, /Used [0-9]+/); print name, substr($0, RSTART + 5, RLENGTH - 5), stack, spills }
  ' "$work/log" >"$work/kernels"
  [ -s "$work/kernels" ] || { echo "check-cuda: ptxas reported no kernels for $architecture" >&2; exit 1; }
  while read -r name registers stack spills; do
    short=$(c++filt "$name" | sed -E 's/.*::([A-Za-z]+Kernel<)/\1/; s/fastsamd::(cuda::)?//g; s/>\(.*/>/')
    printf '%-8s %-44s %9s %6s %7s\n' "$architecture" "$short" "$registers" "$stack" "$spills"
    if [ "$spills" != 0 ]; then failed=1; fi
  done <"$work/kernels"
done
if [ "$failed" != 0 ]; then echo 'check-cuda: a kernel spills registers' >&2; exit 1; fi
