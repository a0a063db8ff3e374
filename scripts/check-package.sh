#!/usr/bin/env bash
# Packs fastsamd, installs the package into an empty folder as a user would, and runs the demo from there; `make check-package`.
set -euo pipefail

cd "$(dirname "$0")/.."
readonly frames=3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

say() { printf 'check-package: %s\n' "$*"; }
die() { printf 'check-package: %s\n' "$*" >&2; exit 1; }

mkdir "$folder/packed" "$folder/project"
npm pack --silent --pack-destination "$folder/packed" > "$folder/pack.log" 2>&1 || { cat "$folder/pack.log" >&2; die 'npm pack failed'; }
package=$(find "$folder/packed" -name '*.tgz')
say "packed $(basename "$package"), $(du --block-size=1K "$package" | cut -f 1) KiB"

cd "$folder/project"
started=$SECONDS
npm install --no-audit --no-fund "$package" > "$folder/install.log" 2>&1 || { cat "$folder/install.log" >&2; die 'npm install failed'; }
say "installed in $((SECONDS - started)) s, $(du --summarize --block-size=1M node_modules | cut -f 1) MiB"

npx --no-install fastsamd demo --frames "$frames" --out demo.jpg > "$folder/demo.log" 2>&1 || { cat "$folder/demo.log" >&2; die 'the demo failed'; }
[ "$(head -c 2 demo.jpg | od -An -tx1 | tr -d ' ')" = ffd8 ] || { cat "$folder/demo.log" >&2; die 'the demo wrote no picture'; }
npx --no-install fastsamd segment demo.jpg --json > objects.json 2> "$folder/segment.log" || { cat "$folder/segment.log" >&2; die 'segment failed'; }
node -e '
  const { objects } = JSON.parse(require("node:fs").readFileSync("objects.json", "utf8"));
  process.exit(objects.length > 0 ? 0 : 1);' || die 'segment found no objects in the picture of the demo'
node --input-type=module -e 'await import("fastsamd")' || die 'the library cannot be imported'
say "the demo ran for $frames frames; segment and the library work"
