import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { jsonSchemaOf, SCHEMA_NAMES } from '../../src/contract/schemas.js';

const folder = new URL('../../docs/schemas/', import.meta.url);

describe('docs/schemas', () => {
  it('has a file for each schema and no other (make generate)', () => {
    expect(readdirSync(folder).sort()).toEqual(SCHEMA_NAMES.map((name) => `${name}.json`).sort());
  });

  it.each(SCHEMA_NAMES)('%s is up to date (make generate)', (name) => {
    expect(readFileSync(new URL(`${name}.json`, folder), 'utf8')).toBe(`${JSON.stringify(jsonSchemaOf(name), null, 2)}\n`);
  });

  it('take real messages, those of later versions with more keys, and no wrong ones', () => {
    const check = (name: string, message: unknown) =>
      z.fromJSONSchema(jsonSchemaOf(name) as Parameters<typeof z.fromJSONSchema>[0]).safeParse(message).success;
    const box = { type: 'box', id: 'p1', box: [1, 2, 3, 4], space: 'pixel', minIou: 0.1 };
    const prompts = { v: 1, camera: 'belt', revision: 2, since: '2026-11-22T10:00:00.000Z', prompts: [box] };
    expect(check('fastsam.v1.prompts', prompts)).toBe(true);
    expect(check('fastsam.v1.prompts', { ...prompts, later: 1 })).toBe(true);
    expect(check('fastsam.v1.prompts', { ...prompts, revision: -1 })).toBe(false);
    const bootId = '5f0c8f9e-8a43-4a43-9d0b-0d2f0f1f2f3f';
    const event = {
      v: 1,
      node: 'n',
      camera: 'belt',
      bootId,
      eventId: bootId,
      ts: '2026-11-22T10:00:00.000Z',
      replayed: false,
      type: 'camera-lost',
    };
    expect(check('fastsam.v1.event', event)).toBe(true);
    expect(check('fastsam.v1.event', { ...event, type: 'prompt-matched' })).toBe(false);
    expect(check('fastsam.v1.request.prompt.set', { prompts: [{ type: 'everything' }], ttlS: 3 })).toBe(true);
    expect(check('fastsam.v1.request.prompt.set', { prompts: [], ttl: 3 })).toBe(false);
  });
});
