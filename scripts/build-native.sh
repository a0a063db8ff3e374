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

# npm's configuration (nodedir) says where the headers are; else those beside this Node, before a download is tried.
if [ -z "${npm_config_nodedir:-}" ]; then
  prefix=$(node -p 'require("path").resolve(process.execPath, "../..")')
  version=$(node -p 'process.versions.node.split(".")[0]')
  if grep -qs "define NODE_MAJOR_VERSION $version\$" "$prefix/include/node/node_version.h"; then
    export npm_config_nodedir="$prefix"
  fi
fi

node-gyp --loglevel=warn configure build --jobs max
# Up to date even when no object had to be compiled.
touch build/Release/fastsamd.node
