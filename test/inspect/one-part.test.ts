/** Which objects of a frame are pieces of one part. */
import { describe, expect, it } from 'vitest';
import type { Box } from '../../src/domain/box.js';
import type { Segments } from '../../src/domain/segments.js';
import { lieInOnePlace, showOnePart } from '../../src/inspect/one-part.js';

const HEIGHT = 60;

/** Objects that fill their boxes. */
function filled(...boxes: readonly Box[]): Segments {
  const runs = boxes.map(([x1, y1, x2, y2]) =>
    Array.from({ length: x2 - x1 }, (_, k) => [(x1 + k) * HEIGHT + y1, (x1 + k) * HEIGHT + y2]).flat(),
  );
  let end = 0;
  const offsets = runs.map(({ length }) => (end += length / 2));
  return {
    count: boxes.length,
    width: 200,
    height: HEIGHT,
    boxes: Float32Array.from(boxes.flat()),
    scores: new Float32Array(boxes.length).fill(0.9),
    classes: new Int32Array(boxes.length),
    areas: Uint32Array.from(boxes, ([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1)),
    runs: Uint32Array.from(runs.flat()),
    offsets: Uint32Array.from([0, ...offsets]),
  };
}

describe('showOnePart', () => {
  it('goes by a fifth of the smaller mask', () => {
    expect(showOnePart(filled([0, 0, 40, 20], [36, 0, 56, 20]), 0, 1, undefined)).toBe(true);
    expect(showOnePart(filled([0, 0, 40, 20], [37, 0, 57, 20]), 0, 1, undefined)).toBe(false);
    expect(showOnePart(filled([0, 0, 40, 20], [0, 20, 40, 40]), 0, 1, undefined)).toBe(false);
  });

  it('goes by a third mask that has half of both, where that is as large as a part', () => {
    const pieces = filled([0, 0, 20, 20], [24, 0, 44, 20], [2, 0, 40, 20]);
    expect(showOnePart(pieces, 0, 1, 800)).toBe(true);
    expect(showOnePart(pieces, 1, 0, 800)).toBe(true);
    expect(showOnePart(pieces, 0, 1, undefined)).toBe(false);
    // Two parts in one mask.
    expect(showOnePart(pieces, 0, 1, 400)).toBe(false);
    expect(showOnePart(filled([0, 0, 20, 20], [24, 0, 44, 20], [2, 0, 33, 20]), 0, 1, 800)).toBe(false);
  });
});

describe('lieInOnePlace', () => {
  it('goes by half of the smaller box', () => {
    expect(lieInOnePlace([0, 0, 40, 20], [30, 0, 50, 20])).toBe(true);
    expect(lieInOnePlace([30, 0, 50, 20], [0, 0, 40, 20])).toBe(true);
    expect(lieInOnePlace([0, 0, 40, 20], [31, 0, 51, 20])).toBe(false);
    expect(lieInOnePlace([0, 0, 40, 20], [40, 0, 60, 20])).toBe(false);
    // Parts that lie aslant side by side.
    expect(lieInOnePlace([0, 0, 40, 40], [25, 15, 65, 55])).toBe(false);
  });
});
