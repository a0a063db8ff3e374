import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { messageSchemas, promptsMessageSchema, type ResultMessage, resultMessageSchema } from '../../src/contract/messages.js';

const result: ResultMessage = {
  v: 1,
  node: 'line-3',
  camera: 'belt',
  bootId: '0b7b5c0e-5d0a-4c5e-9d51-0c4f3a0f9f6e',
  seq: 1042,
  frame: { width: 1920, height: 1080, capturedAt: '2026-11-22T10:00:00.123Z', monotonicNs: '81234567890' },
  model: { name: 'fastsam-s', backend: 'tensorrt', input: [640, 640] },
  promptRevision: 3,
  latencyMs: { wait: 0.4, preprocess: 0.3, infer: 9.8, decode: 0.9, prompt: 0.1, encode: 0.2, total: 11.9 },
  dropped: { busy: 2 },
  objects: [
    {
      id: 0,
      score: 0.913,
      label: null,
      bbox: [1.5, 2, 30.25, 40],
      area: 10234,
      mask: { size: [1080, 1920], counts: 'PPo1' },
      prompts: ['p1'],
    },
    { id: 1, score: 0.5, label: 'cup', bbox: [0, 0, 1, 1], area: 1, prompts: [] },
  ],
  prompts: [
    { id: 'p1', type: 'box', status: 'matched', objects: [{ id: 0, score: 0.81 }] },
    { id: 'p2', type: 'points', status: 'unmatched', bestScore: 0.17 },
  ],
  degraded: false,
};

describe('messages', () => {
  it('takes the result of the contract as it is', () => {
    expect(resultMessageSchema.parse(result)).toEqual(result);
  });

  it.each([
    { size: [2, 3], counts: '06' },
    {
      size: [2, 3],
      polygons: [
        [
          [
            [0, 0],
            [1, 0],
            [1, 1],
            [0, 0],
          ],
        ],
      ],
    },
    { size: [2, 3], png: 'iVBORw==' },
  ])('takes the mask %j', (mask) => {
    const message = { ...result, objects: [{ ...result.objects[0], mask }] };
    expect(resultMessageSchema.parse(message)).toEqual(message);
  });

  it.each([
    ['a version that is not ours', { v: 2 }],
    ['a monotonic time as a number', { frame: { ...result.frame, monotonicNs: 81234567890 } }],
    ['a time without milliseconds', { frame: { ...result.frame, capturedAt: '2026-11-22T10:00:00Z' } }],
    ['a matched answer without objects', { prompts: [{ id: 'p1', type: 'box', status: 'matched' }] }],
    ['a mask of no encoding', { objects: [{ ...result.objects[0], mask: { size: [1, 1] } }] }],
  ])('refuses %s', (_what, change) => {
    expect(resultMessageSchema.safeParse({ ...result, ...change }).success).toBe(false);
  });

  it('has every applied prompt carry its id and defaults', () => {
    const message = { v: 1, camera: 'belt', revision: 2, since: '2026-11-22T10:00:00.000Z' };
    const box = { type: 'box', box: [1, 2, 3, 4], space: 'pixel', minIou: 0.1 };
    expect(promptsMessageSchema.parse({ ...message, prompts: [{ ...box, id: 'p1' }] }).prompts).toEqual([{ ...box, id: 'p1' }]);
    expect(promptsMessageSchema.safeParse({ ...message, prompts: [box] }).success).toBe(false);
  });

  it.each(Object.entries(messageSchemas))('has a JSON Schema for %s', (_name, schema) => {
    expect(z.toJSONSchema(schema)).toMatchObject({ type: 'object' });
  });
});
