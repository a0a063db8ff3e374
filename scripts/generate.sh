#!/bin/sh
# Writes what is generated from src/config/schema.ts. A test compares the results with the schema.
set -eu
cd "$(dirname "$0")/.."

write() {
  target=$1
  shift
  "$@" >"$target.new"
  mv "$target.new" "$target"
  echo "generate: $target"
}

write config/config.schema.json node bin/fastsamd config schema
write docs/config.md node --input-type=module -e "
  import { configJsonSchema } from './dist/config/json-schema.js';
  import { configReference } from './dist/config/reference.js';
  process.stdout.write(configReference(configJsonSchema()));
"
