import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PromptInput, parsePrompts } from '../../src/domain/prompt.js';
import type { Segments } from '../../src/domain/segments.js';
import { applyPrompts } from '../../src/prompt/apply.js';
import { denseOf, rectangle, scenes, segmentsOf } from '../helpers/dense-masks.js';

function ask(segments: Segments, ...prompts: PromptInput[]) {
  return applyPrompts(segments, parsePrompts(prompts));
}

const WIDTH = 40;
const HEIGHT = 30;
/** 0: a large plate, 1: a hole cover on it, 2: a part on its own. */
const plate = segmentsOf(WIDTH, HEIGHT, [
  rectangle(WIDTH, HEIGHT, [0, 0, 20, 20]),
  rectangle(WIDTH, HEIGHT, [5, 5, 10, 10]),
  rectangle(WIDTH, HEIGHT, [30, 10, 36, 24]),
]);
const empty = segmentsOf(WIDTH, HEIGHT, []);

describe('everything', () => {
  it('matches every object with its own score', () => {
    expect(ask(plate, { type: 'everything' })[0]?.matches.map(({ index }) => index)).toEqual([0, 1, 2]);
  });
});

describe('box prompts', () => {
  it('pick the object that fills the box best', () => {
    expect(ask(plate, { type: 'box', box: [5, 5, 10, 10] })[0]?.matches).toEqual([{ index: 1, score: 1 }]);
    expect(ask(plate, { type: 'box', box: [28, 8, 38, 26] })[0]?.matches[0]?.index).toBe(2);
  });

  it('say unmatched, with the best score, below minIou', () => {
    const [answer] = ask(plate, { type: 'box', box: [19, 19, 39, 29], minIou: 0.5 });
    expect(answer?.matches).toEqual([]);
    expect(answer?.bestScore).toBeGreaterThan(0);
    expect(answer?.bestScore).toBeLessThan(0.5);
  });

  it('always answer with minIou 0, as the reference does', () => {
    expect(ask(plate, { type: 'box', box: [38, 0, 40, 2], minIou: 0 })[0]?.matches).toEqual([{ index: 0, score: 0 }]);
  });

  it('match nothing outside of the frame or in an empty scene', () => {
    expect(ask(plate, { type: 'box', box: [100, 100, 200, 200], minIou: 0 })[0]?.matches).toEqual([]);
    expect(ask(empty, { type: 'box', box: [0, 0, 10, 10], minIou: 0 })[0]).toMatchObject({ matches: [], bestScore: 0 });
  });

  it('take normalized coordinates', () => {
    const pixels = ask(plate, { type: 'box', box: [30, 10, 36, 24] });
    const normalized = ask(plate, { type: 'box', box: [30 / WIDTH, 10 / HEIGHT, 36 / WIDTH, 24 / HEIGHT], space: 'normalized' });
    expect(normalized[0]?.matches).toEqual(pixels[0]?.matches);
  });

  it('agree with the dense definition on any scene', () => {
    const corner = fc.double({ min: -5, max: 20, noNaN: true });
    fc.assert(
      fc.property(scenes(5), corner, corner, corner, corner, ({ width, height, masks }, xa, xb, ya, yb) => {
        fc.pre(xa !== xb && ya !== yb);
        // Fractions of the frame, which pixel prompts refuse.
        fc.pre([xa, xb, ya, yb].some((value) => value < 0 || value > 1));
        const box = [Math.min(xa, xb), Math.min(ya, yb), Math.max(xa, xb), Math.max(ya, yb)] as [number, number, number, number];
        const clip = (value: number, limit: number) => Math.min(Math.max(Math.round(value), 0), limit);
        const pixels = rectangle(width, height, [clip(box[0], width), clip(box[1], height), clip(box[2], width), clip(box[3], height)]);
        const boxArea = pixels.filter(Boolean).length;
        const scores = masks.map((mask) => {
          const inside = mask.filter((is, k) => is && pixels[k]).length;
          const union = boxArea + mask.filter(Boolean).length - inside;
          return union > 0 ? inside / union : 0;
        });
        const [answer] = ask(segmentsOf(width, height, masks), { type: 'box', box, minIou: 0 });
        if (masks.length === 0 || boxArea === 0) expect(answer?.matches).toEqual([]);
        else expect(answer?.matches).toEqual([{ index: scores.indexOf(Math.max(...scores)), score: Math.max(...scores) }]);
      }),
    );
  });
});

describe('points prompts', () => {
  const on = (select: 'best' | 'smallest' | 'largest' | 'all', points: [number, number][], labels?: (0 | 1)[]) =>
    ask(plate, { type: 'points', points, select, ...(labels ? { labels } : {}) })[0]?.matches.map(({ index }) => index);

  it('choose among the objects under a point', () => {
    expect(on('smallest', [[7, 7]])).toEqual([1]);
    expect(on('largest', [[7, 7]])).toEqual([0]);
    expect(on('all', [[7, 7]])).toEqual([0, 1]);
    expect(on('best', [[7, 7]])).toEqual([1]);
  });

  it('prefer the object with most foreground points', () => {
    expect(
      on('best', [
        [7, 7],
        [15, 15],
      ]),
    ).toEqual([0]);
  });

  it('leave out objects with a background point', () => {
    expect(
      on(
        'all',
        [
          [7, 7],
          [15, 15],
        ],
        [1, 0],
      ),
    ).toEqual([1]);
    expect(
      on(
        'all',
        [
          [7, 7],
          [6, 6],
        ],
        [1, 0],
      ),
    ).toEqual([]);
  });

  it('say unmatched beside every object and outside of the frame', () => {
    expect(ask(plate, { type: 'points', points: [[25, 25]] })[0]).toMatchObject({ matches: [], bestScore: 0 });
    expect(
      ask(plate, {
        type: 'points',
        points: [
          [-1, 5],
          [40, 5],
          [5, 30],
        ],
      })[0]?.matches,
    ).toEqual([]);
  });

  it('count the far edge of the frame as its last pixel in normalized space', () => {
    const corner = segmentsOf(4, 4, [rectangle(4, 4, [3, 3, 4, 4])]);
    expect(ask(corner, { type: 'points', points: [[1, 1]], space: 'normalized' })[0]?.matches).toHaveLength(1);
  });

  it('merge paints and erases as the reference program does, pixel for pixel', () => {
    const point = fc.tuple(fc.nat(11), fc.nat(11), fc.constantFrom(0 as const, 1 as const));
    fc.assert(
      fc.property(scenes(6), fc.array(point, { minLength: 1, maxLength: 6 }), ({ width, height, masks }, drawn) => {
        const points = drawn.filter(([x, y]) => x < width && y < height);
        fc.pre(points.length > 0);
        // fastsam/prompt.py, point_prompt: largest first; for every point on the mask paint or erase.
        const order = masks
          .map((mask, index) => ({ mask, index, area: mask.filter(Boolean).length }))
          .sort((a, b) => b.area - a.area || a.index - b.index);
        const expected = new Array<boolean>(width * height).fill(false);
        for (const { mask } of order) {
          for (const [x, y, label] of points) {
            if (mask[x * height + y]) for (const [k, is] of mask.entries()) if (is) expected[k] = label === 1;
          }
        }
        const [answer] = ask(segmentsOf(width, height, masks), {
          type: 'points',
          points: points.map(([x, y]) => [x, y]),
          labels: points.map(([, , label]) => label),
          select: 'merge',
        });
        expect(denseOf(answer!.merged!, width * height)).toEqual(expected);
        expect(answer!.matches.length > 0).toBe(expected.some(Boolean));
      }),
      { numRuns: 300 },
    );
  });
});

describe('prompt sets', () => {
  it('answer each prompt on its own, in order, with the ids given', () => {
    const answers = ask(
      plate,
      { type: 'everything' },
      { type: 'box', box: [5, 5, 10, 10], id: 'cover' },
      { type: 'points', points: [[32, 12]] },
    );
    expect(answers.map(({ id, type, matches }) => [id, type, matches.length])).toEqual([
      ['p1', 'everything', 3],
      ['cover', 'box', 1],
      ['p2', 'points', 1],
    ]);
  });

  it.each<[string, unknown, string]>([
    ['a box without area', [{ type: 'box', box: [10, 0, 5, 5] }], 'prompts[0].box: expected x1 < x2 and y1 < y2'],
    ['no points', [{ type: 'points', points: [] }], 'prompts[0].points'],
    ['too many labels', [{ type: 'points', points: [[1, 1]], labels: [1, 0] }], 'expected one label per point (1), got 2'],
    ['a point that is no number', [{ type: 'points', points: [[Number.NaN, 1]] }], 'prompts[0].points[0][0]'],
    ['an unknown type', [{ type: 'circle' }], 'prompts[0].type'],
    [
      'an id twice',
      [
        { type: 'everything', id: 'a' },
        { type: 'everything', id: 'a' },
      ],
      '"a" is used twice',
    ],
    ['too many points', [{ type: 'points', points: new Array(10_000).fill([1, 1]) }], 'prompts[0].points'],
    ['a prompt that is not in a list', { type: 'everything' }, 'expected a list, got an object'],
  ])('refuse %s, naming the place', (_, input, message) => {
    expect(() => parsePrompts(input)).toThrow(
      expect.objectContaining({ code: 'PROMPT_INVALID', message: expect.stringContaining(message) }),
    );
  });
});
