#!/usr/bin/env bash
# Checks the GPU side on a real NVIDIA GPU, in less than 8 minutes, and prints a table: the kernels against native/core bit
# for bit, alone and under compute-sanitizer; CUDA graphs, contexts and a lost device on the real CUDA runtime, with a
# stand-in for TensorRT; what errors of the runtime become; mapped against copied memory; bandwidths; NVML.
#   scripts/check-gpu.sh                    build in build/gpu, and run
#   scripts/check-gpu.sh --build DIR        only build, for a machine without nvcc; needs no GPU
#   scripts/check-gpu.sh --prebuilt DIR     only run what was built there; needs the driver alone
# TENSORRT_REPO (a git checkout of NVIDIA's TensorRT repository) or TENSORRT_INCLUDE_DIR adds the checks of native/tensorrt.
# The table goes to stdout and to OUT/check-gpu.txt when OUT is set. Exit code 0 when nothing failed.
set -uo pipefail
cd "$(dirname "$0")/.."

readonly programs=(kernels_check memory_check errors_check sensors_check engine_check)
folder=build/gpu
build=yes
run=yes
case ${1:-} in
  '') ;;
  --build) folder=${2:?expected a folder}; run=no ;;
  --prebuilt) folder=${2:?expected a folder}; build=no ;;
  *) echo 'usage: check-gpu.sh [--build DIR | --prebuilt DIR]' >&2; exit 2 ;;
esac

build_programs() {
  PATH="$PATH:${CUDA_HOME:-/usr/local/cuda}/bin"
  command -v nvcc >/dev/null || { echo 'check-gpu: nvcc is missing; install the CUDA toolkit, set CUDA_HOME, or use --prebuilt' >&2; exit 1; }
  command -v cmake >/dev/null || { echo 'check-gpu: cmake is missing' >&2; exit 1; }
  local headers=${TENSORRT_INCLUDE_DIR:-} version=v10.16
  if [ -z "$headers" ] && [ -n "${TENSORRT_REPO:-}" ]; then
    headers=$PWD/build/gpu-headers
    mkdir -p "$headers"
    git -C "$TENSORRT_REPO" archive "$version" include | tar -x -C "$headers" --strip-components=1 || exit 1
  fi
  mkdir -p "$folder"
  local options=(-DTENSORRT_INCLUDE_DIR="$headers")
  [ -z "${GPU_ARCHITECTURES:-}" ] || options+=(-DCMAKE_CUDA_ARCHITECTURES="$GPU_ARCHITECTURES")
  echo "check-gpu: building in $folder"
  { cmake -S native/test/gpu -B "$folder-work" "${options[@]}" && cmake --build "$folder-work" -j"$(nproc)"; } >"$folder/build.log" 2>&1 ||
    { tail -30 "$folder/build.log" >&2; exit 1; }
  for program in "${programs[@]}"; do
    if [ -x "$folder-work/$program" ]; then cp "$folder-work/$program" "$folder/"; fi
  done
  find "$folder-work" -maxdepth 1 -name 'libnvinfer.so.*' -exec cp {} "$folder/" \;
}

table=$(mktemp)
trap 'rm -f "$table"' EXIT
failed=0

row() { printf '%-7s %-58s %s\n' "$1" "$2" "${3:-}" | tee -a "$table"; }

# A program's own rows, or one that says how it ended. step SECONDS NAME COMMAND…
step() {
  local seconds=$1 name=$2 status begin=$SECONDS
  shift 2
  printf '\n== %s\n' "$name" | tee -a "$table"
  timeout -k 5 "$seconds" "$@" 2>&1 | tee -a "$table"
  status=${PIPESTATUS[0]}
  if [ "$status" = 0 ]; then
    printf '   %d s\n' $((SECONDS - begin))
  else
    failed=$((failed + 1))
    row FAILED "$name" "exit code $status after $((SECONDS - begin)) s"
  fi
}

# One row per tool of compute-sanitizer. sanitize TOOL PROGRAM ARGUMENTS…
sanitize() {
  local tool=$1 log begin=$SECONDS
  shift
  log=$(mktemp)
  if timeout -k 5 60 "$sanitizer" --tool "$tool" --error-exitcode 99 "$@" >"$log" 2>&1; then
    row ok "compute-sanitizer $tool: ${1##*/}" "$(grep -ohE '(ERROR SUMMARY|RACECHECK SUMMARY).*' "$log" | tail -1), $((SECONDS - begin)) s"
  else
    row FAILED "compute-sanitizer $tool: ${1##*/}" "exit code $? after $((SECONDS - begin)) s"
    grep -vE '^ok ' "$log" | head -30 | tee -a "$table"
    failed=$((failed + 1))
  fi
  rm -f "$log"
}

# First contact with a device node that cannot be opened: in a mount namespace of its own another file lies over it.
without_node() {
  local node=$1 how=$2
  if [ ! -e "$node" ]; then row skip "first contact: $node $how" 'no such node'; return; fi
  if ! unshare -m true 2>/dev/null; then row skip "first contact: $node $how" 'needs root (unshare -m)'; return; fi
  local over=/dev/null place
  if [ "$how" = 'not allowed' ]; then
    place=$(mktemp -d)
    chmod 755 "$place"
    cp "$folder/errors_check" "$place/"
    over=$place/node
    mknod -m 000 "$over" c "$((16#$(stat -c %t "$node")))" "$((16#$(stat -c %T "$node")))" || { row skip "first contact: $node $how" 'mknod is refused'; return; }
    timeout 60 unshare -m sh -c 'mount --bind "$1" "$2" && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$3" contact "$4"' \
      sh "$over" "$node" "$place/errors_check" "$node $how" 2>&1 | tee -a "$table"
  else
    timeout 60 unshare -m sh -c 'mount --bind "$1" "$2" && exec "$3" contact "$4"' \
      sh "$over" "$node" "$folder/errors_check" "$node $how" 2>&1 | tee -a "$table"
  fi
  if [ "${PIPESTATUS[0]}" != 0 ]; then failed=$((failed + 1)); fi
  if [ -n "${place:-}" ]; then rm -rf "$place"; fi
}

[ "$build" = no ] || build_programs
[ "$run" = yes ] || { ls -l "$folder" | awk 'NR > 1 && $1 ~ /x/ && $1 !~ /^d/ { print "check-gpu: built " $NF }'; exit 0; }

{
  printf 'check-gpu, %s\n' "$(date -u '+%Y-%m-%d %H:%M UTC')"
  nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv,noheader 2>/dev/null || echo 'no nvidia-smi'
  command -v nvcc >/dev/null && nvcc --version | grep release
  printf '%s, %s cores\n' "$(uname -rm)" "$(nproc)"
} | tee -a "$table"
for program in "${programs[@]}"; do
  if [ ! -x "$folder/$program" ]; then row skip "$program" "was not built$([ "$program" = engine_check ] && echo ': needs TensorRT headers (TENSORRT_REPO)')"; fi
done

printf '\n== the GPU\n' | tee -a "$table"
"$folder/errors_check" device 2>&1 | tee -a "$table"
if [ "${PIPESTATUS[0]}" != 0 ]; then
  printf '\ncheck-gpu: no GPU can be used here; nothing else was tried\n' | tee -a "$table"
  exit 1
fi
step 60 'sensors' "$folder/sensors_check"
step 120 'kernels against native/core, and their speed' "$folder/kernels_check"
step 60 'mapped against copied memory' "$folder/memory_check"
if [ -x "$folder/engine_check" ]; then
  step 120 'native/tensorrt on the CUDA runtime' "$folder/engine_check"
  step 60 'a lost device' "$folder/engine_check" lost
fi
step 120 'errors of the runtime' "$folder/errors_check"
for node in /dev/nvidiactl /dev/nvidia0 /dev/nvidia-uvm; do
  without_node "$node" 'hidden'
  without_node "$node" 'not allowed'
done

printf '\n== compute-sanitizer\n' | tee -a "$table"
sanitizer=$(PATH="$PATH:${CUDA_HOME:-/usr/local/cuda}/bin" command -v compute-sanitizer || true)
if [ -z "$sanitizer" ]; then
  row skip 'compute-sanitizer' 'not installed'
else
  for tool in memcheck racecheck initcheck synccheck; do
    sanitize "$tool" "$folder/kernels_check" quick
    if [ -x "$folder/engine_check" ]; then sanitize "$tool" "$folder/engine_check" quick; fi
  done
fi

printf '\ncheck-gpu: %d ok, %d failed, %d skipped, %d s\n' "$(grep -c '^ok ' "$table")" "$(grep -c '^FAILED ' "$table")" \
  "$(grep -c '^skip ' "$table")" "$SECONDS" | tee -a "$table"
if [ -n "${OUT:-}" ]; then cp "$table" "$OUT/check-gpu.txt"; fi
[ "$failed" = 0 ]
