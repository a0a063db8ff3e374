#!/bin/sh
# Builds build/Release/fastsamd.node, as far as it is out of date. npm runs this as the package's install step, "make
# build" when a native source is newer; both do the same, so nothing is compiled twice.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/node_modules/.bin:$PATH"

if ! command -v g++ >/dev/null || ! command -v make >/dev/null; then
  echo 'fastsamd: the native addon needs g++ and make; in a checkout, "make setup" installs them' >&2
  exit 1
fi

headers=$(sh scripts/node-headers.sh)
if [ -n "$headers" ]; then
  export npm_config_nodedir="$headers"
fi

node-gyp --loglevel=warn configure build --jobs max
# Up to date even when no object had to be compiled.
touch build/Release/fastsamd.node
