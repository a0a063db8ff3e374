import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign } from '../../../src/eval/tracking/assignment.js';
import { contourAccuracy, regionSimilarity } from '../../../src/eval/tracking/mask-quality.js';
import { motLine, parseMot, scoreMotFrame } from '../../../src/eval/tracking/mot.js';
import { scoreTracking, type TrackingScores } from '../../../src/eval/tracking/scores.js';

interface Facts {
  readonly tracking: readonly {
    readonly sequences: readonly (readonly { truth: number[]; tracks: number[]; similarity: number[] }[])[];
    readonly scores: TrackingScores;
  }[];
  readonly masks: {
    readonly width: number;
    readonly height: number;
    readonly ellipses: readonly { truth: readonly number[]; mask: readonly number[]; j: number; f: number }[];
  };
}

// Written by facts/tracking.py, an independent implementation of the published definitions.
const facts = JSON.parse(readFileSync(new URL('./facts/tracking.json', import.meta.url), 'utf8')) as Facts;

describe('scores of tracks', () => {
  it.each(facts.tracking.map((entry, index) => [index, entry] as const))('agree with the published definitions, case %i', (_, entry) => {
    const scores = scoreTracking(
      entry.sequences.map((frames) => frames.map((frame) => ({ ...frame, similarity: Float64Array.from(frame.similarity) }))),
    );
    for (const [name, expected] of Object.entries(entry.scores)) {
      expect(Math.abs(scores[name as keyof TrackingScores] - expected), `${name}: ${scores[name as keyof TrackingScores]}`).toBeLessThan(
        1e-6,
      );
    }
  });

  it('are perfect for perfect tracks, whatever they are called', () => {
    const frame = { truth: [1, 2], tracks: [7, 5], similarity: Float64Array.of(1, 0, 0, 1) };
    expect(scoreTracking([[frame, frame, frame]])).toMatchObject({ idf1: 1, hota: 1, owta: 1, mota: 1, switches: 0 });
  });
});

describe('quality of masks', () => {
  const { width, height, ellipses } = facts.masks;
  const drawn = ([cx, cy, rx, ry]: readonly number[]) => {
    const mask = new Uint8Array(width * height);
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const inside = ((x - cx!) / Math.max(rx!, 1e-9)) ** 2 + ((y - cy!) / Math.max(ry!, 1e-9)) ** 2 < 1;
        mask[y * width + x] = inside ? 255 : 0;
      }
    }
    return mask;
  };
  it.each(ellipses.map((entry, index) => [index, entry] as const))('agrees with the published definitions, case %i', (_, entry) => {
    const truth = drawn(entry.truth);
    const mask = drawn(entry.mask);
    expect(regionSimilarity(truth, mask)).toBeCloseTo(entry.j, 9);
    expect(contourAccuracy(truth, mask, width, height)).toBeCloseTo(entry.f, 9);
  });
});

describe('assignment', () => {
  const cost = fc.integer({ min: -9, max: 9 });
  const best = (rows: number[][], row: number, used: number): number => {
    if (row === rows.length) return 0;
    let lowest = Number.POSITIVE_INFINITY;
    for (const [j, value] of rows[row]!.entries()) {
      if ((used >> j) % 2 === 0) lowest = Math.min(lowest, value + best(rows, row + 1, used | (1 << j)));
    }
    return lowest;
  };
  it('costs the least of all', () => {
    const matrices = fc
      .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 4, max: 5 }))
      .chain(([n, m]) => fc.array(fc.array(cost, { minLength: m, maxLength: m }), { minLength: n, maxLength: n }));
    fc.assert(
      fc.property(matrices, (rows) => {
        const columnOf = assign(Float64Array.from(rows.flat()), rows.length, rows[0]!.length);
        expect(new Set(columnOf).size).toBe(rows.length);
        expect(rows.reduce((sum, row, i) => sum + row[columnOf[i]!]!, 0)).toBe(best(rows, 0, 0));
      }),
    );
  });
  it('leaves rows alone when columns are few', () => {
    expect([...assign(Float64Array.of(3, 1, 2), 3, 1)]).toEqual([-1, 0, -1]);
  });
});

describe('MOTChallenge files', () => {
  it('come back as they were written', () => {
    const [[frame, [box]]] = [...parseMot(`${motLine(7, 3, [1.5, 2, 11.5, 42], 0.5)}\n`, 'x.txt')] as [[number, [unknown]]];
    expect(frame).toBe(7);
    expect(box).toMatchObject({ id: 3, x: 1.5, y: 2, width: 10, height: 40, score: 0.5 });
  });
  it('name the line that is wrong', () => {
    expect(() => parseMot('1,1,0,0,1,1\n1,x,0,0,1,1', 'x.txt')).toThrow(/x\.txt, line 2/);
  });
  it('forgive tracks on distractors and boxes that do not count', () => {
    const box = (id: number, x: number, score: number, kind: number) => ({ id, x, y: 0, width: 10, height: 10, score, class: kind });
    const scored = scoreMotFrame(
      [box(1, 0, 1, 1), box(2, 100, 1, 8), box(3, 200, 0, 1)],
      [box(9, 0, 1, 1), box(8, 100, 1, 1), box(7, 200, 1, 1)],
    );
    expect(scored).toMatchObject({ truth: [1], tracks: [9, 7] });
  });
});
