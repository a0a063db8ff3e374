import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { maskOf } from '../../src/domain/mask.js';
import { scenes, segmentsOf } from '../helpers/dense-masks.js';

const side = fc.integer({ min: 1, max: 4096 });
const inputSide = fc.integer({ min: 1, max: 40 }).map((n) => 32 * n);

describe('letterbox geometry', () => {
  it('places the whole frame inside the input, evenly scaled and centred', () => {
    fc.assert(
      fc.property(side, side, inputSide, inputSide, (frameWidth, frameHeight, inputWidth, inputHeight) => {
        const { contentWidth, contentHeight, left, top } = native().letterboxGeometry(frameWidth, frameHeight, inputWidth, inputHeight);
        const scale = Math.min(inputWidth / frameWidth, inputHeight / frameHeight);
        expect(Math.abs(contentWidth - Math.max(1, frameWidth * scale))).toBeLessThanOrEqual(0.5 + 1e-6);
        expect(Math.abs(contentHeight - Math.max(1, frameHeight * scale))).toBeLessThanOrEqual(0.5 + 1e-6);
        for (const [before, content, input] of [
          [left, contentWidth, inputWidth],
          [top, contentHeight, inputHeight],
        ] as const) {
          const after = input - content - before;
          expect(before).toBeGreaterThanOrEqual(0);
          expect(after - before === 0 || after - before === 1).toBe(true);
        }
      }),
    );
  });

  it('maps every frame pixel into the content and back onto itself', () => {
    fc.assert(
      fc.property(side, side, inputSide, inputSide, fc.nat(), fc.nat(), (width, height, inputWidth, inputHeight, px, py) => {
        const geometry = native().letterboxGeometry(width, height, inputWidth, inputHeight);
        for (const [pixel, frame, content, start] of [
          [px % width, width, geometry.contentWidth, geometry.left],
          [py % height, height, geometry.contentHeight, geometry.top],
        ] as const) {
          const there = ((pixel + 0.5) * content) / frame + start;
          expect(there).toBeGreaterThan(start);
          expect(there).toBeLessThan(start + content);
          expect(Math.floor(((there - start) * frame) / content)).toBe(pixel);
        }
      }),
    );
  });

  it('is undone by the decoding: a box around anything in the input comes back as that part of the frame', async () => {
    const input = 320;
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 16, max: 2000 }),
        fc.integer({ min: 16, max: 2000 }),
        unit,
        unit,
        unit,
        unit,
        async (w, h, a, b, c, d) => {
          const geometry = native().letterboxGeometry(w, h, input, input);
          const box = [Math.min(a, b) * w, Math.min(c, d) * h, Math.max(a, b) * w, Math.max(c, d) * h] as const;
          fc.pre(box[2] - box[0] > 0.05 * w && box[3] - box[1] > 0.05 * h);
          const scaleX = geometry.contentWidth / w;
          const scaleY = geometry.contentHeight / h;
          const [x1, y1, x2, y2] = [
            box[0] * scaleX + geometry.left,
            box[1] * scaleY + geometry.top,
            box[2] * scaleX + geometry.left,
            box[3] * scaleY + geometry.top,
          ];
          const segments = await decodeBoxes([{ box: [x1, y1, x2, y2], score: 0.9 }], geometry, input, 0.5);
          expect(segments.count).toBe(1);
          // Half-precision of float32 boxes around 2000 px, divided by the scale.
          const tolerance = 0.01 / Math.min(scaleX, scaleY) + 1e-3;
          for (const [index, expected] of box.entries()) expect(Math.abs(segments.boxes[index]! - expected)).toBeLessThanOrEqual(tolerance);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('RLE', () => {
  it('gives back the runs it was made of', async () => {
    await fc.assert(
      fc.asyncProperty(scenes(4), async ({ width, height, masks }) => {
        const segments = segmentsOf(width, height, masks);
        const all = Uint32Array.from({ length: segments.count }, (_, index) => index);
        const counts = await native().encodeRle(segments, all);
        for (const index of all) expect(native().decodeRle(counts[index]!, width, height)).toEqual(maskOf(segments, index).slice());
      }),
    );
  });

  it('is read with a bound: any string gives runs inside the frame or a FastsamError', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)) }),
        side,
        side,
        (text, width, height) => {
          let runs: Uint32Array;
          try {
            runs = native().decodeRle(text, width, height);
          } catch (error) {
            expect(error).toMatchObject({ code: 'PROMPT_INVALID' });
            return;
          }
          for (let k = 1; k < runs.length; k += 1) expect(runs[k]!).toBeGreaterThan(runs[k - 1]!);
          expect(runs.at(-1) ?? 0).toBeLessThanOrEqual(width * height);
        },
      ),
    );
  });
});

type Geometry = ReturnType<ReturnType<typeof native>['letterboxGeometry']>;
interface Candidate {
  readonly box: readonly [number, number, number, number];
  readonly score: number;
}

/** Decodes candidates given in input pixels, among anchors that score nothing; every mask is its whole box. */
async function decodeBoxes(candidates: readonly Candidate[], geometry: Geometry, input: number, iou: number) {
  const anchors = (input * input) / 64 + (input * input) / 256 + (input * input) / 1024;
  const detections = new Float32Array(37 * anchors);
  for (const [index, { box, score }] of candidates.entries()) {
    const [x1, y1, x2, y2] = box;
    const column = [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, score, 1];
    for (const [row, value] of column.entries()) detections[row * anchors + index] = value;
  }
  const proto = new Float32Array((32 * input * input) / 16).fill(1);
  return native().decode({ detections, anchors, classes: 1, proto }, geometry, { conf: 0.25, iou, maxDet: 300, snapToBorder: 0 });
}

function overlap(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const width = Math.min(a[2]!, b[2]!) - Math.max(a[0]!, b[0]!);
  const height = Math.min(a[3]!, b[3]!) - Math.max(a[1]!, b[1]!);
  if (width <= 0 || height <= 0) return 0;
  const area = (box: ArrayLike<number>) => (box[2]! - box[0]!) * (box[3]! - box[1]!);
  return (width * height) / (area(a) + area(b) - width * height);
}

describe('non-maximum suppression', () => {
  const input = 320;
  const candidate = fc
    .tuple(
      fc.integer({ min: 0, max: 250 }),
      fc.integer({ min: 0, max: 250 }),
      fc.integer({ min: 20, max: 70 }),
      fc.integer({ min: 20, max: 70 }),
      fc.integer({ min: 0, max: 1000 }),
    )
    .map(([x, y, width, height, score]): Candidate => ({ box: [x, y, x + width, y + height], score: Math.fround(score / 1000) }));
  const threshold = fc.integer({ min: 1, max: 9 }).map((tenths) => tenths / 10);

  it('keeps scores above conf in descending order, no two kept overlap too much, each dropped one is covered by a better', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(candidate, { minLength: 1, maxLength: 40 }), threshold, async (candidates, iou) => {
        // The frame is the input, so boxes come back as they went in.
        const kept = await decodeBoxes(candidates, native().letterboxGeometry(input, input, input, input), input, iou);
        const keptBoxes = Array.from({ length: kept.count }, (_, index) => kept.boxes.subarray(4 * index, 4 * index + 4));
        for (const [index, box] of keptBoxes.entries()) {
          expect(kept.scores[index]!).toBeGreaterThan(0.25);
          if (index > 0) expect(kept.scores[index]!).toBeLessThanOrEqual(kept.scores[index - 1]!);
          for (const better of keptBoxes.slice(0, index)) expect(overlap(better, box)).toBeLessThanOrEqual(iou + 1e-5);
        }
        for (const { box, score } of candidates) {
          if (score <= 0.25) continue;
          const same = keptBoxes.some((other, index) => kept.scores[index] === score && overlap(other, box) > 0.9999);
          const covered = keptBoxes.some((better, index) => kept.scores[index]! >= score && overlap(better, box) > iou - 1e-5);
          expect(same || covered).toBe(true);
        }
      }),
    );
  });

  it('is idempotent', async () => {
    const geometry = native().letterboxGeometry(input, input, input, input);
    await fc.assert(
      fc.asyncProperty(fc.array(candidate, { minLength: 1, maxLength: 40 }), threshold, async (candidates, iou) => {
        const once = await decodeBoxes(candidates, geometry, input, iou);
        fc.pre(once.count > 0);
        const survivors = Array.from({ length: once.count }, (_, index): Candidate => {
          const [x1, y1, x2, y2] = once.boxes.subarray(4 * index, 4 * index + 4);
          return { box: [x1!, y1!, x2!, y2!], score: once.scores[index]! };
        });
        expect(await decodeBoxes(survivors, geometry, input, iou)).toEqual(once);
      }),
    );
  });
});
