/** Parts that cross a line: one verdict each, with the real tracker, through masks that flicker, split and come twice. */
import { describe, expect, it } from 'vitest';
import { recipeSchema } from '../../src/domain/recipe.js';
import type { Segments } from '../../src/domain/segments.js';
import type { Tracks } from '../../src/domain/track.js';
import { combine } from '../../src/inspect/combine.js';
import { Crossing, type CrossingConfig } from '../../src/inspect/crossing.js';
import type { Judgement } from '../../src/inspect/judge.js';
import { openTracker } from '../../src/track/tracker.js';

const WIDTH = 400;
const HEIGHT = 120;

interface Thing {
  readonly part: number;
  readonly x: number;
  readonly y: number;
  readonly length?: number;
  readonly score?: number;
}

function configOf(more: object = {}): CrossingConfig {
  const line = [
    [200, 0],
    [200, HEIGHT],
  ];
  const { trigger } = recipeSchema.parse({
    recipe: 'r',
    objects: { part: {} },
    trigger: { type: 'crossing', of: 'part', line, margin: 30, ...more },
    checks: [{ id: 'one', count: 'part', min: 1 }],
  });
  if (trigger.type !== 'crossing') throw new Error('expected a crossing');
  return trigger;
}

function segmentsOf(things: readonly Thing[]): Segments {
  const runs: number[] = [];
  const offsets = [0];
  const boxes: number[] = [];
  const areas: number[] = [];
  for (const { x, y, length = 40 } of things) {
    const [x1, x2] = [Math.max(Math.round(x - length / 2), 0), Math.min(Math.round(x + length / 2), WIDTH)];
    const [y1, y2] = [Math.round(y - 15), Math.round(y + 15)];
    for (let column = x1; column < x2; column += 1) runs.push(column * HEIGHT + y1, column * HEIGHT + y2);
    offsets.push(runs.length / 2);
    boxes.push(x1, y1, x2, y2);
    areas.push(Math.max(x2 - x1, 0) * (y2 - y1));
  }
  return {
    count: things.length,
    width: WIDTH,
    height: HEIGHT,
    boxes: Float32Array.from(boxes),
    scores: Float32Array.from(things, ({ score = 0.9 }) => score),
    classes: new Int32Array(things.length),
    areas: Uint32Array.from(areas),
    runs: Uint32Array.from(runs),
    offsets: Uint32Array.from(offsets),
  };
}

function tracksOf(ids: readonly number[], more: Partial<Tracks> = {}): Tracks {
  return {
    ids: Uint32Array.from(ids),
    parents: new Uint32Array(ids.length),
    agesMs: new Float32Array(ids.length),
    velocities: new Float32Array(2 * ids.length),
    lost: [],
    ended: [],
    stats: { live: ids.length, born: 0, reacquired: 0, ms: 0 },
    ...more,
  };
}

/** One frame with given tracks; what is kept is where the part was. */
function step(crossing: Crossing<number>, things: readonly Thing[], tracks = tracksOf(things.map(({ part }) => part))) {
  const segments = segmentsOf(things);
  const all = new Set(things.keys());
  for (const { index, keep } of crossing.measure(segments, tracks, all)) keep(things[index]!.x);
  return crossing.passed(segments, tracks);
}

const at = (x: number, part = 1): Thing => ({ part, x, y: 60 });

/** mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('Crossing', () => {
  it('gives one verdict when the part is clearly behind the line, from the frames nearest to it', () => {
    const crossing = new Crossing<number>(configOf());
    const said = [100, 160, 172, 185, 199, 215, 228, 231, 260].map((x) => step(crossing, [at(x)]));
    expect(said.map(({ length }) => length)).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 0]);
    expect(said.flat()).toEqual([{ track: 1, kept: [199, 185, 215], lost: false }]);
  });

  it('measures a part that is too fast for the margin once it is behind', () => {
    const crossing = new Crossing<number>(configOf());
    expect([100, 300, 350].flatMap((x) => step(crossing, [at(x)]))).toEqual([{ track: 1, kept: [300], lost: false }]);
  });

  it('does not count a part that trembles, goes back, goes the other way or passes beside an end', () => {
    const crossing = new Crossing<number>(configOf());
    const trembling = [150, 190, 210, 195, 215, 190, 150].flatMap((x) => step(crossing, [at(x)]));
    const back = [300, 250, 200, 150, 100].flatMap((x) => step(crossing, [at(x, 2)]));
    const short = new Crossing<number>(
      configOf({
        line: [
          [200, 0],
          [200, 40],
        ],
      }),
    );
    expect([...trembling, ...back, ...[100, 200, 300].flatMap((x) => step(short, [at(x, 3)]))]).toEqual([]);
    // The one that went back comes again.
    expect([190, 205, 240].flatMap((x) => step(crossing, [at(x)]))).toMatchObject([{ track: 1, lost: false }]);
    expect([150, 300].flatMap((x) => step(crossing, [at(x)]))).toEqual([]);
    // The second came from behind.
    expect(crossing.unseen).toBe(1);
  });

  it('says that a part was lost whose track ended near the line, or unseen behind it; not before it', () => {
    const crossing = new Crossing<number>(configOf());
    const ended = [{ id: 1, box: [0, 0, 1, 1], ageMs: 1, left: false }] as const;
    step(crossing, [at(150)]);
    step(crossing, [at(190)]);
    expect(step(crossing, [], tracksOf([], { ended }))).toEqual([{ track: 1, kept: [190], lost: true }]);
    step(crossing, [at(150)]);
    expect(step(crossing, [], tracksOf([], { ended }))).toEqual([]);
    step(crossing, [at(150)]);
    step(crossing, [], tracksOf([], { lost: [{ id: 1, box: [230, 45, 270, 75], unseenMs: 100 }] }));
    expect(step(crossing, [], tracksOf([], { ended }))).toEqual([{ track: 1, kept: [], lost: true }]);
    // A new picture: what was measured is lost, too.
    step(crossing, [at(150)]);
    step(crossing, [at(190)]);
    expect(step(crossing, [at(50, 9)], tracksOf([9], { reset: 'scene' }))).toEqual([{ track: 1, kept: [190], lost: true }]);
  });

  it('goes on with the part when a new track begins where the old one is expected, and counts no twin', () => {
    const crossing = new Crossing<number>(configOf());
    step(crossing, [at(150)]);
    step(crossing, [at(190)]);
    const lost = [{ id: 1, box: [185, 45, 225, 75] as const, unseenMs: 100 }];
    expect(step(crossing, [at(207, 2)], tracksOf([2], { lost }))).toEqual([]);
    const twins = [at(240, 2), { ...at(238, 3), length: 36 }];
    expect(step(crossing, twins)).toMatchObject([{ track: 2, kept: [207, 190], lost: false }]);
    const two = new Crossing<number>(configOf());
    expect(crossing.unseen).toBe(0);
    for (const x of [150, 190]) step(two, [at(x, 4), { ...at(x - 1, 5), length: 36 }]);
    expect(step(two, [at(240, 4), { ...at(239, 5), length: 36 }])).toHaveLength(1);
    expect(step(two, [at(270, 4), { ...at(269, 5), length: 36 }])).toEqual([]);
  });

  it('gives one verdict for a part that shows in two pieces that overlap, whichever is ahead', () => {
    const crossing = new Crossing<number>(configOf());
    // Of 40 pixels the left 24 and the right 24.
    const pieces = (x: number): Thing[] => [
      { ...at(x - 8, 1), length: 24 },
      { ...at(x + 8, 2), length: 24 },
    ];
    expect([120, 160, 190, 215, 228, 240, 300].flatMap((x) => step(crossing, pieces(x)))).toMatchObject([{ track: 2, lost: false }]);
    // The one behind is not seen while the one ahead passes.
    const flickering = new Crossing<number>(configOf());
    const said = [120, 160, 190, 215].flatMap((x) => step(flickering, pieces(x)));
    said.push(...step(flickering, pieces(228).slice(1)), ...step(flickering, pieces(240)), ...step(flickering, pieces(300)));
    expect(said).toMatchObject([{ track: 2, lost: false }]);
  });

  it('lets the largest piece that was measured speak, though a smaller one that is no part passes first', () => {
    const crossing = new Crossing<number>(configOf());
    const said = [150, 185, 200, 215, 225, 240, 300].flatMap((x, frame) => {
      // Of 52 pixels the left 40 and the right 20: they share 8. The small piece is large enough for the recipe in the first frame alone.
      const things = [at(x - 6, 1), { ...at(x + 16, 2), length: 20 }];
      const segments = segmentsOf(things);
      const tracks = tracksOf([1, 2]);
      const parts = frame === 0 ? [0, 1] : [0];
      for (const { index, keep } of crossing.measure(segments, tracks, new Set(parts))) keep(things[index]!.x);
      return crossing.passed(segments, tracks);
    });
    expect(said).toEqual([{ track: 1, kept: [194, 209, 179], lost: false }]);
  });

  it('takes two pieces apart for one part where the frame shows the whole, too, as large as parts are', () => {
    const whole = (x: number): Thing[] => [
      { ...at(x - 11, 1), length: 18 },
      { ...at(x + 11, 2), length: 18 },
      { ...at(x, 0), length: 40, score: 0.3 },
    ];
    const places = [120, 160, 190, 215, 228, 240, 300];
    const usual = new Crossing<number>(configOf());
    expect(places.flatMap((x) => step(usual, [at(x, 9)]))).toHaveLength(1);
    expect(places.flatMap((x) => step(usual, whole(x)))).toHaveLength(1);
    // Two parts in one mask are twice as large as a part: two verdicts.
    const small = new Crossing<number>(configOf());
    expect(places.flatMap((x) => step(small, [{ ...at(x, 9), length: 20 }]))).toHaveLength(1);
    expect(places.flatMap((x) => step(small, whole(x)))).toHaveLength(2);
  });

  it('remembers of which part a piece was, from before the line and while the piece counted as one of the whole', () => {
    const lost = new Crossing<number>(configOf());
    step(lost, [at(120, 1), { ...at(144, 2), length: 20 }]);
    for (const x of [160, 200]) {
      const expected = { id: 2, box: [x + 30, 45, x + 50, 75] as const, unseenMs: 100 };
      step(lost, [at(x, 1)], tracksOf([1], { lost: [expected] }));
    }
    const ended = [{ id: 2, box: [134, 45, 154, 75] as const, ageMs: 1, left: false }];
    expect(step(lost, [at(205, 1)], tracksOf([1], { ended }))).toEqual([]);
    expect(step(lost, [at(240, 1)])).toMatchObject([{ track: 1, lost: false }]);

    const piece = new Crossing<number>(configOf());
    const both = (x: number): Thing[] => [at(x, 1), { ...at(x - 14, 2), length: 12 }];
    for (const x of [150, 190]) step(piece, both(x));
    const within = tracksOf([1, 2], { parents: Uint32Array.of(0, 1) });
    expect([215, 240].flatMap((x) => step(piece, both(x), within))).toMatchObject([{ track: 1, lost: false }]);
    expect(step(piece, [{ ...at(270, 2), length: 12 }])).toEqual([]);
  });

  it('does not tell of a piece that is lost at the end of a part which another track has', () => {
    const crossing = new Crossing<number>(configOf());
    // They overlapped when both were seen; where the piece is expected later, the boxes do not.
    for (const x of [150, 190]) step(crossing, [at(x, 1), { ...at(x + 24, 2), length: 20 }]);
    step(crossing, [at(196, 1)], tracksOf([1], { lost: [{ id: 2, box: [216, 45, 236, 75], unseenMs: 100 }] }));
    const ended = [{ id: 2, box: [224, 45, 244, 75] as const, ageMs: 1, left: false }];
    expect(step(crossing, [at(203, 1)], tracksOf([1], { ended }))).toEqual([]);
    expect(step(crossing, [at(240, 1)])).toMatchObject([{ track: 1, lost: false }]);
  });

  it('gives two verdicts for two parts that touch', () => {
    const crossing = new Crossing<number>(configOf());
    const said = [120, 160, 190, 215, 240, 300].flatMap((x) => step(crossing, [at(x, 1), at(x + 38, 2)]));
    expect(said.map(({ track }) => track)).toEqual([2, 1]);
  });

  it('does not tell of a lost piece whose part another track has', () => {
    const crossing = new Crossing<number>(configOf());
    for (const x of [150, 190]) step(crossing, [at(x, 1), { ...at(x + 4, 2), length: 24 }]);
    const ended = [{ id: 2, box: [190, 45, 214, 75] as const, ageMs: 1, left: false }];
    expect(step(crossing, [at(200, 1)], tracksOf([1], { ended }))).toEqual([]);
    expect(step(crossing, [at(240, 1)])).toMatchObject([{ track: 1, lost: false }]);
  });

  it('gives each of 400 parts one verdict, in order, though masks are missing, come twice or tremble', async () => {
    const PARTS = Number(process.env.CROSSING_PARTS ?? 400);
    const random = randomOf(18);
    const tracker = openTracker();
    const crossing = new Crossing<number>(configOf());
    const PITCH = 90;
    const STEP = 9;
    const said: { part: number; lost: boolean }[] = [];
    const frames = ((PARTS + 1) * PITCH + WIDTH + 100) / STEP;
    for (let frame = 0; frame < frames; frame += 1) {
      const things: Thing[] = [];
      for (let part = Math.max(0, Math.floor((frame * STEP - WIDTH - 40) / PITCH)); part < PARTS; part += 1) {
        const x = frame * STEP - part * PITCH - 20;
        if (x < -20) break;
        if (x > WIDTH + 20 || random() < 0.08) continue;
        const thing = { part, x: x + 3 * (random() - 0.5), y: 60 + 3 * (random() - 0.5), score: 0.5 + 0.4 * random() };
        things.push(thing);
        if (random() < 0.1) things.push({ ...thing, length: 36, score: 0.3 });
      }
      const segments = segmentsOf(things);
      const tracks = await tracker.update(segments, { timeMs: frame * 50 });
      for (const { index, keep } of crossing.measure(segments, tracks, new Set(things.keys()))) keep(things[index]!.part);
      for (const { kept, lost } of crossing.passed(segments, tracks)) {
        expect(new Set(kept).size).toBe(1);
        said.push({ part: kept[0]!, lost });
      }
    }
    expect(said.map(({ part }) => part)).toEqual(Array.from({ length: PARTS }, (_, part) => part));
    expect(said.filter(({ lost }) => lost)).toEqual([]);
  });
});

describe('combine', () => {
  const judged = (value: number | null, result: 'ok' | 'nok' | 'unsure' = 'ok'): Judgement => ({
    verdict: result === 'ok' ? 'OK' : result === 'nok' ? 'NOK' : 'UNSURE',
    reasons: [],
    checks: [{ id: 'a', measure: 'length', value, uncertainty: null, result, ...(result === 'ok' ? {} : { code: 'ABOVE' as const }) }],
  });
  it('takes the median of each check, and no value where most frames have none', () => {
    expect(combine([judged(9, 'nok'), judged(1), judged(2)])).toMatchObject({ verdict: 'OK', checks: [{ value: 2 }] });
    expect(combine([judged(9, 'nok'), judged(8, 'nok'), judged(2)])).toMatchObject({ verdict: 'NOK', reasons: ['ABOVE'] });
    expect(combine([judged(9, 'nok'), judged(1)])).toMatchObject({ verdict: 'NOK', checks: [{ value: 9 }] });
    expect(combine([judged(1), judged(null, 'unsure'), judged(null, 'unsure')])).toMatchObject({ verdict: 'UNSURE' });
    expect(combine([judged(1)])).toMatchObject({ verdict: 'OK' });
    const failed: Judgement = { verdict: 'UNSURE', reasons: ['FAILED'], checks: [] };
    expect(combine([failed, judged(9, 'nok')])).toMatchObject({ verdict: 'NOK' });
    expect(combine([failed, failed])).toEqual(failed);
  });
});
