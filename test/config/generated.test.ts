import { readFileSync } from 'node:fs';
import os from 'node:os';
import { expect, it } from 'vitest';
import { configJsonSchema, type JsonSchema, recipeJsonSchema } from '../../src/config/json-schema.js';
import { parseConfig } from '../../src/config/load.js';
import { configReference } from '../../src/config/reference.js';

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const schema = configJsonSchema();

/** Last names of all keys that a file may hold. */
function keyNames(node: JsonSchema): string[] {
  const below = [
    ...(node.anyOf ?? []),
    ...(node.oneOf ?? []),
    ...(node.items ? [node.items] : []),
    ...Object.values(node.properties ?? {}),
  ];
  return [...Object.keys(node.properties ?? {}), ...below.flatMap(keyNames)];
}

/** Keys with a value of their own (no mapping) that have no description. */
function undescribed(node: JsonSchema, key: string): string[] {
  const below = [
    ...(node.oneOf ?? []).flatMap((option) => undescribed(option, key)),
    ...(node.items ? undescribed(node.items, `${key}[]`).filter((found) => found !== `${key}[]`) : []),
    ...Object.entries(node.properties ?? {}).flatMap(([name, property]) => undescribed(property, `${key}.${name}`)),
  ];
  return node.properties || node.oneOf || node.description !== undefined ? below : [key, ...below];
}

it('config/config.schema.json is up to date (make generate)', () => {
  expect(read('config/config.schema.json')).toBe(`${JSON.stringify(schema, null, 2)}\n`);
});

it('config/recipe.schema.json is up to date (make generate)', () => {
  expect(read('config/recipe.schema.json')).toBe(`${JSON.stringify(recipeJsonSchema(), null, 2)}\n`);
});

it('docs/config.md is up to date (make generate)', () => {
  expect(read('docs/config.md')).toBe(configReference(schema));
});

it('nothing of this machine is in the schema', () => {
  expect(schema.properties?.node).not.toHaveProperty('default');
  expect(JSON.stringify(schema)).not.toContain(`"${os.hostname()}"`);
});

it('every key is described', () => {
  expect(undescribed(schema, '')).toEqual([]);
});

it('config/default.yaml holds the defaults of the schema', () => {
  const file = 'config/default.yaml';
  const written = parseConfig(read(file), file);
  const defaults = parseConfig('model: { path: fastsam-s }\ncameras: [{ id: cam, source: test:conveyor }]\n', file);
  expect(written).toEqual(defaults);
});

it('config/default.yaml mentions every key', () => {
  const words = new Set(read('config/default.yaml').match(/[A-Za-z]+(?=:)/g));
  expect(keyNames(schema).filter((name) => !words.has(name))).toEqual([]);
});

it('config/default.yaml spells every default out', () => {
  // Were a default to change, a file that leaves the key out would still pass the comparison above.
  const text = read('config/default.yaml');
  const withDefault = (node: JsonSchema): string[] =>
    Object.entries(node.properties ?? {}).flatMap(([name, property]) =>
      property.properties ? withDefault(property) : property.default !== undefined ? [name] : [],
    );
  const camera = schema.properties?.cameras?.items as JsonSchema;
  for (const name of [...withDefault(schema), ...withDefault(camera)]) expect(text).toMatch(new RegExp(`^ *${name}:`, 'm'));
});

it('config/default.yaml tells editors its schema', () => {
  expect(read('config/default.yaml').split('\n')[0]).toBe('# yaml-language-server: $schema=config.schema.json');
});
