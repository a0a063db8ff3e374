#!/bin/sh
# Prints the folder below which the C headers of this Node lie (as include/node), for npm_config_nodedir. Prints nothing
# where they are not installed: node-gyp downloads them then. A folder named in npm's configuration comes first.
set -eu
if [ -n "${npm_config_nodedir:-}" ]; then
  echo "$npm_config_nodedir"
  exit
fi
prefix=$(node -p 'require("path").resolve(process.execPath, "../..")')
version=$(node -p 'process.versions.node.split(".")[0]')
if grep -qs "define NODE_MAJOR_VERSION $version\$" "$prefix/include/node/node_version.h"; then
  echo "$prefix"
fi
