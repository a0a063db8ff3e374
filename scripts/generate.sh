#!/bin/sh
# Writes what is generated from src/config/schema.ts, src/contract and the imports of src. A test compares the results with their sources.
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
write config/recipe.schema.json node --input-type=module -e "
  import { recipeJsonSchema } from './dist/config/json-schema.js';
  console.log(JSON.stringify(recipeJsonSchema(), null, 2));
"
write docs/config.md node --input-type=module -e "
  import { configJsonSchema } from './dist/config/json-schema.js';
  import { configReference } from './dist/config/reference.js';
  process.stdout.write(configReference(configJsonSchema()));
"
node --input-type=module -e "
  import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
  import { jsonSchemaOf, SCHEMA_NAMES } from './dist/contract/schemas.js';
  rmSync('docs/schemas', { recursive: true, force: true });
  mkdirSync('docs/schemas');
  for (const name of SCHEMA_NAMES) writeFileSync(\`docs/schemas/\${name}.json\`, JSON.stringify(jsonSchemaOf(name), null, 2) + '\n');
"
echo 'generate: docs/schemas'
node scripts/list-contract.mjs
echo 'generate: docs/mqtt.md (lists)'
node scripts/draw-floors.mjs
echo 'generate: docs/architecture.md (floors)'
