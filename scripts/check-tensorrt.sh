#!/usr/bin/env bash
# Compiles native/tensorrt against the headers of every supported TensorRT, then runs it, and the whole addon in node, on
# stand-ins of TensorRT and the CUDA runtime. Needs a git checkout of NVIDIA's TensorRT repository and CUDA's headers, no GPU.
#   TENSORRT_REPO=DIR scripts/check-tensorrt.sh [matrix|native|addon]...      default: all three
set -euo pipefail
cd "$(dirname "$0")/.."

readonly repo=${TENSORRT_REPO:?expected TENSORRT_REPO, a git checkout of https://github.com/NVIDIA/TensorRT}
readonly cuda=${CUDA_HOME:-/usr/local/cuda}/include
readonly versions=(release/8.5 release/8.6 release/10.3 v10.13.3 v10.16 v11.1)
# From here on NvOnnxParser.h is part of the repository; it fits the older headers too.
readonly parser=v10.16
# What runs on stand-ins: the oldest, the newest for Jetson, the newest.
readonly standins=(release/8.5 v10.16 v11.1)
readonly headers=build/tensorrt-headers
[ -f "$cuda/cuda_runtime_api.h" ] || { echo "check-tensorrt: no cuda_runtime_api.h in $cuda; set CUDA_HOME" >&2; exit 1; }

folder_of() { echo "$PWD/$headers/${1//\//-}"; }

extract() {
  local version
  rm -rf "$headers"
  for version in "${versions[@]}"; do
    mkdir -p "$(folder_of "$version")"
    git -C "$repo" archive "$version" include | tar -x -C "$(folder_of "$version")" --strip-components=1
    [ -f "$(folder_of "$version")/NvOnnxParser.h" ] ||
      git -C "$repo" show "$parser:include/NvOnnxParser.h" >"$(folder_of "$version")/NvOnnxParser.h"
  done
}

matrix() {
  local version source status failed=0 node_addon_api
  local node_headers=${NODE_HEADERS:-$(node -p 'require("path").resolve(process.execPath, "../../include/node")')}
  node_addon_api=$(node -p 'require("node-addon-api").include_dir')
  printf '%-14s %-40s %s\n' TensorRT file 'g++ -Wall -Wextra -Werror'
  for version in "${versions[@]}"; do
    for source in native/tensorrt/*.cc native/cuda/*.cc native/binding/tensorrt.cc native/binding/native_context.cc; do
      status=ok
      ${CXX:-g++} -std=c++17 -S -o /dev/null -Wall -Wextra -Werror -Wno-deprecated-declarations -Inative \
        -DNAPI_VERSION=9 -DNODE_ADDON_API_CPP_EXCEPTIONS_ALL -isystem "$(folder_of "$version")" -isystem "$cuda" \
        -isystem "$node_headers" -isystem "${node_addon_api//\"/}" "$source" || { status=FAILED; failed=1; }
      printf '%-14s %-40s %s\n' "${version#release/}" "$source" "$status"
    done
  done
  return "$failed"
}

# native SANITIZERS VERSION
native() {
  local build="build/tensorrt-${1//,/-}-${2//\//-}"
  printf '\n== native tests, TensorRT %s, -fsanitize=%s\n' "${2#release/}" "$1"
  cmake -S native -B "$build" -DSANITIZE="$1" -DTENSORRT_INCLUDE_DIR="$(folder_of "$2")" -DCUDA_INCLUDE_DIR="$cuda" >"$build.log"
  cmake --build "$build" -j2 --target tensorrt_test >>"$build.log" 2>&1 || { tail -20 "$build.log"; return 1; }
  "$build/tensorrt_test" --gtest_brief=1
}

# A package of its own in build/standin, whose addon is the one on stand-ins.
addon() {
  local node_headers
  node_headers=${NODE_HEADERS:-$(node -p 'require("path").resolve(process.execPath, "../../include/node")')}
  printf '\n== the addon in node, TensorRT %s\n' "$parser"
  cmake -S native -B build/tensorrt-addon -DTENSORRT_INCLUDE_DIR="$(folder_of "$parser")" -DCUDA_INCLUDE_DIR="$cuda" \
    -DNODE_INCLUDE_DIR="$node_headers" >build/tensorrt-addon.log
  cmake --build build/tensorrt-addon -j2 --target fastsamd_addon >>build/tensorrt-addon.log 2>&1 ||
    { tail -20 build/tensorrt-addon.log; return 1; }
  rm -rf build/standin
  mkdir -p build/standin/build/Release
  cp -r bin dist package.json config models build/standin/
  ln -s ../../node_modules build/standin/node_modules
  # The source maps of dist point there.
  ln -s ../../src build/standin/src
  # The stand-ins lie beside the addon under the names of NVIDIA's libraries, where the loader looks for them.
  cp -P build/tensorrt-addon/fastsamd.node build/tensorrt-addon/lib*.so* build/standin/build/Release/
  npx vitest run test/tensorrt
}

steps=("$@")
[ $# -gt 0 ] || steps=(matrix native addon)
extract
for step in "${steps[@]}"; do
  case $step in
    matrix) matrix ;;
    native)
      for version in "${standins[@]}"; do native address,undefined "$version"; done
      native thread "$parser"
      ;;
    addon) addon ;;
    *) echo 'usage: check-tensorrt.sh [matrix|native|addon]...' >&2; exit 2 ;;
  esac
done
