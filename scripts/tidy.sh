#!/usr/bin/env bash
# clang-tidy over native/ by native/.clang-tidy, what CMake builds: a file again only when it, a header or the list has changed.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly build=build/tidy
cmake -S native -B "$build" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DCMAKE_BUILD_TYPE=Release >"$build.log" || { cat "$build.log" >&2; exit 1; }
newest_header=$(find native -name '*.h' -printf '%T@ %p\n' | sort -n | tail -1 | cut -d ' ' -f 2-)

stale() {
  local file stamp
  for file in native/{core,eval,gpio,jpeg,measure,process,scenes}/*.cc; do
    stamp=$build/stamps/$file
    if [ "$file" -nt "$stamp" ] || [ "$newest_header" -nt "$stamp" ] || [ native/.clang-tidy -nt "$stamp" ]; then printf '%s\0' "$file"; fi
  done
}

tidy() {
  printf 'tidy: %s\n' "$1"
  clang-tidy --quiet -p "$build" "$1" 2>"$build/messages.$$" || { cat "$build/messages.$$" >&2; return 1; }
  rm -f "$build/messages.$$"
  mkdir -p "$build/stamps/${1%/*}"
  touch "$build/stamps/$1"
}
export -f tidy
export build

stale | xargs -0 -r -P "$(nproc)" -I {} bash -c 'tidy "$1"' tidy {}
