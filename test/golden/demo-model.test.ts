/** models/demo.onnx on the scene it was made for: seeds that training never used. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import type { NativeFrame } from '../../src/addon/frame.js';
import type { ConveyorTruth } from '../../src/addon/scenes.js';
import { type MaskRuns, maskIou, maskOf } from '../../src/domain/mask.js';
import type { Segments } from '../../src/domain/segments.js';
import type { SegmentationEngine } from '../../src/engine/engine.js';
import { openEngine } from '../../src/engine/open.js';
import { openSource } from '../../src/source/open.js';
import { runsOf } from '../helpers/dense-masks.js';
import { compareMasks } from '../helpers/masks.js';

const MODEL = new URL('../../models/demo.onnx', import.meta.url).pathname;
const SIZE = 640;
const OPTIONS = { conf: 0.4, iou: 0.7, maxDet: 100, snapToBorder: 0 };
const SEEDS = [9_100_000, 9_100_001, 9_100_002, 9_100_003];

/** Masks of the truth as runs, in the order of its instances. */
function truthMasks({ labels, instances }: ConveyorTruth): MaskRuns[] {
  return instances.map((_, k) =>
    runsOf(Array.from({ length: SIZE * SIZE }, (__, pixel) => labels[(pixel % SIZE) * SIZE + Math.floor(pixel / SIZE)] === k + 1)),
  );
}

/** The mask of one object straight from the raw outputs, pixel by pixel: bilinear logits above 0 within the box. */
function denseMask(detections: Float32Array, anchors: number, anchor: number, proto: Float32Array, box: Float32Array): MaskRuns {
  const side = SIZE / 4;
  const logits = new Float64Array(side * side);
  for (let k = 0; k < 32; k += 1) {
    const coefficient = detections[(5 + k) * anchors + anchor]!;
    for (let cell = 0; cell < logits.length; cell += 1) logits[cell]! += coefficient * proto[k * side * side + cell]!;
  }
  const at = (x: number, y: number) => {
    const u = Math.min(Math.max((x + 0.5) / 4 - 0.5, 0), side - 1);
    const v = Math.min(Math.max((y + 0.5) / 4 - 0.5, 0), side - 1);
    const [left, top] = [Math.min(Math.floor(u), side - 2), Math.min(Math.floor(v), side - 2)];
    const row = (offset: number) =>
      logits[(top + offset) * side + left]! * (1 - u + left) + logits[(top + offset) * side + left + 1]! * (u - left);
    return row(0) * (1 - v + top) + row(1) * (v - top);
  };
  const inside = Array.from({ length: SIZE * SIZE }, (_, pixel) => {
    const [x, y] = [Math.floor(pixel / SIZE), pixel % SIZE];
    return x >= box[0]! && x < box[2]! && y >= box[1]! && y < box[3]! && at(x, y) > 0;
  });
  return runsOf(inside);
}

describe('the demo model', () => {
  let engine: SegmentationEngine;
  const found = new Map<number, Segments>();
  const truths = new Map<number, ConveyorTruth>();

  beforeAll(async () => {
    engine = await openEngine({ model: MODEL });
    for (const seed of SEEDS) {
      const source = await openSource(`test:conveyor?width=${SIZE}&height=${SIZE}&fps=25&frames=1&seed=${seed}&realtime=false`);
      for await (const frame of source) {
        using picture = frame;
        found.set(seed, (await engine.segment(picture, OPTIONS)).segments);
      }
      await source.stop();
      truths.set(seed, await native().conveyorTruth(0, { width: SIZE, height: SIZE, fps: 25, seed }));
    }
  }, 120_000);
  afterAll(() => engine?.stop());

  it('is small enough to live in the repository', () => {
    expect(statSync(MODEL).size).toBeLessThanOrEqual(3_000_000);
    expect(readFileSync(MODEL).includes('Apache-2.0')).toBe(true);
  });

  it('finds the parts on the belt, and not much else', () => {
    let parts = 0;
    let objects = 0;
    const ious: number[] = [];
    for (const seed of SEEDS) {
      const segments = found.get(seed)!;
      const masks = Array.from({ length: segments.count }, (_, index) => maskOf(segments, index));
      for (const truth of truthMasks(truths.get(seed)!)) {
        ious.push(Math.max(0, ...masks.map((mask) => maskIou(mask, truth))));
        parts += 1;
      }
      objects += segments.count;
    }
    const half = ious.filter((iou) => iou >= 0.5).length;
    expect(half / parts).toBeGreaterThanOrEqual(0.9);
    expect(ious.reduce((sum, iou) => sum + iou, 0) / parts).toBeGreaterThanOrEqual(0.8);
    expect(objects).toBeLessThanOrEqual(1.3 * parts);
  });

  it('its raw outputs, decoded pixel by pixel, give the masks of the engine', async () => {
    const seed = SEEDS[0]!;
    const segments = found.get(seed)!;
    const session = await InferenceSession.create(MODEL);
    expect([session.inputNames, session.outputNames]).toEqual([['images'], ['output0', 'output1']]);
    const frame: NativeFrame = await native().renderConveyor(0, { width: SIZE, height: SIZE, fps: 25, seed });
    const input = new Float32Array(3 * SIZE * SIZE);
    await native().letterbox(frame, input, SIZE, SIZE);
    frame.release();
    const { output0, output1 } = await session.run({ images: new Tensor('float32', input, [1, 3, SIZE, SIZE]) });
    await session.release();
    expect([output0!.dims, output1!.dims]).toEqual([
      [1, 37, 8400],
      [1, 32, SIZE / 4, SIZE / 4],
    ]);
    const detections = output0!.data as Float32Array;
    for (let index = 0; index < segments.count; index += 1) {
      // The candidate behind an object is the anchor with its score.
      const scores = detections.subarray(4 * 8400, 5 * 8400);
      const anchor = scores.reduce((best, score, k) => (distance(score) < distance(scores[best]!) ? k : best), 0);
      function distance(score: number): number {
        return Math.abs(score - segments.scores[index]!);
      }
      const box = segments.boxes.subarray(4 * index, 4 * index + 4);
      const dense = denseMask(detections, 8400, anchor, output1!.data as Float32Array, box);
      const difference = compareMasks(maskOf(segments, index), dense);
      expect(difference.iou >= 0.9995 || difference.pixels <= 2, `object ${index}: ${JSON.stringify(difference)}`).toBe(true);
    }
  }, 60_000);

  // Nobody trains the model from day to day: only a test sees that its pictures can no longer be drawn.
  it('can be trained again: the scenes build into a library for Python', () => {
    const folder = mkdtempSync(join(tmpdir(), 'fastsamd-renderer-'));
    try {
      const library = join(folder, 'librenderer.so');
      execFileSync(new URL('../../models/demo/build-renderer.sh', import.meta.url).pathname, [library]);
      expect(readFileSync(library).includes('fastsamd_conveyor')).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 120_000);
});
