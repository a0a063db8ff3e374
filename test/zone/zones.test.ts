import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Segments } from '../../src/domain/segments.js';
import type { EndedTrack, Tracks } from '../../src/domain/track.js';
import { anchorOf } from '../../src/zone/anchor.js';
import { createZones, type Zones } from '../../src/zone/zones.js';

const WIDTH = 200;
const HEIGHT = 100;

interface Thing {
  readonly id: number;
  readonly x: number;
  readonly y: number;
  readonly size?: number;
  readonly parent?: number;
}

function segmentsOf(things: readonly Thing[]): Segments {
  const runs: number[] = [];
  const offsets = [0];
  const boxes = things.map(({ x, y, size = 10 }) => [x - size / 2, y - size / 2, x + size / 2, y + size / 2] as const);
  for (const [x1, y1, x2, y2] of boxes) {
    for (let x = Math.max(x1, 0); x < Math.min(x2, WIDTH); x += 1) {
      const [top, bottom] = [Math.max(y1, 0), Math.min(y2, HEIGHT)];
      if (bottom > top) runs.push(x * HEIGHT + top, x * HEIGHT + bottom);
    }
    offsets.push(runs.length / 2);
  }
  const areas = things.map((_, i) => {
    let area = 0;
    for (let k = offsets[i]!; k < offsets[i + 1]!; k += 1) area += runs[2 * k + 1]! - runs[2 * k]!;
    return area;
  });
  return {
    count: things.length,
    width: WIDTH,
    height: HEIGHT,
    boxes: Float32Array.from(boxes.flat()),
    scores: new Float32Array(things.length).fill(0.9),
    classes: new Int32Array(things.length),
    areas: Uint32Array.from(areas),
    runs: Uint32Array.from(runs),
    offsets: Uint32Array.from(offsets),
  };
}

function tracksOf(things: readonly Thing[], ended: readonly number[] = [], reset?: 'scene'): Tracks {
  return {
    ids: Uint32Array.from(things, ({ id }) => id),
    parents: Uint32Array.from(things, ({ parent = 0 }) => parent),
    agesMs: new Float32Array(things.length),
    velocities: new Float32Array(2 * things.length),
    lost: [],
    ended: ended.map((id): EndedTrack => ({ id, box: [0, 0, 1, 1], ageMs: 1, left: false })),
    stats: { live: things.length, born: 0, reacquired: 0, ms: 0 },
    ...(reset ? { reset } : {}),
  };
}

const see = (zones: Zones, timeMs: number, things: readonly Thing[], ended: readonly number[] = []) =>
  zones.observe(segmentsOf(things), tracksOf(things, ended), timeMs);

const GATE = { id: 'gate', from: [100, 0], to: [100, 100] } as const satisfies {
  id: string;
  from: readonly [number, number];
  to: readonly [number, number];
};
const gate = { ...GATE, from: [...GATE.from] as [number, number], to: [...GATE.to] as [number, number] };

describe('a line', () => {
  it('counts who crosses, in both directions', () => {
    const zones = createZones({ lines: [gate] });
    const events = [80, 90, 98, 104, 110, 90].flatMap((x, k) => see(zones, 50 * k, [{ id: 5, x, y: 50 }]));
    expect(events).toMatchObject([
      { type: 'line-crossed', line: 'gate', track: 5, direction: 'in', total: { in: 1, out: 0 } },
      { type: 'line-crossed', direction: 'out', total: { in: 1, out: 1 } },
    ]);
  });

  it('goes by the side of the picture, whichever way it is drawn', () => {
    const [from, to] = [gate.to, gate.from];
    for (const line of [gate, { ...gate, from, to }]) {
      for (const [side, expected] of [
        ['right', 'in'],
        ['left', 'out'],
      ] as const) {
        const zones = createZones({ lines: [{ ...line, in: side }] });
        see(zones, 0, [{ id: 1, x: 80, y: 50 }]);
        expect(see(zones, 50, [{ id: 1, x: 120, y: 50 }])).toMatchObject([{ direction: expected }]);
      }
    }
  });

  it('counts a fast object that was never near it, and nobody who passes beside its ends', () => {
    const short = { ...gate, from: [100, 0] as [number, number], to: [100, 40] as [number, number] };
    const zones = createZones({ lines: [short] });
    see(zones, 0, [
      { id: 1, x: 10, y: 20 },
      { id: 2, x: 10, y: 80 },
    ]);
    expect(
      see(zones, 400, [
        { id: 1, x: 190, y: 20 },
        { id: 2, x: 190, y: 80 },
      ]),
    ).toMatchObject([{ track: 1 }]);
  });

  it('does not count who trembles on it', () => {
    const zones = createZones({ lines: [{ ...gate, margin: 3 }] });
    see(zones, 0, [{ id: 1, x: 90, y: 50 }]);
    for (let k = 0; k < 40; k += 1) expect(see(zones, 50 * k, [{ id: 1, x: 100 + (k % 2 === 0 ? 2 : -2), y: 50 }])).toEqual([]);
  });

  it('counts what flickers in the frame of the crossing', () => {
    const zones = createZones({ lines: [gate] });
    see(zones, 0, [{ id: 1, x: 90, y: 50 }]);
    see(zones, 50, []);
    expect(see(zones, 100, [{ id: 1, x: 110, y: 50 }])).toHaveLength(1);
  });

  it('counts no parts, nothing without a track, no background; all of them when asked', () => {
    const things = (x: number): Thing[] => [
      { id: 1, x, y: 50, size: 30 },
      { id: 2, x, y: 50, parent: 1 },
      { id: 0, x, y: 20 },
      { id: 4, x, y: 50, size: 98 },
    ];
    for (const [objects, expected] of [
      ['whole', 1],
      ['all', 3],
    ] as const) {
      const zones = createZones({ lines: [{ ...gate, objects }] });
      see(zones, 0, things(70));
      expect(see(zones, 50, things(130))).toHaveLength(expected);
    }
  });

  it('counts who was seen before it without a name and behind it with one', () => {
    for (const [anchor, expected] of [
      ['centroid', 1],
      // The box was behind the line already.
      ['box-center', 0],
    ] as const) {
      const zones = createZones({ lines: [{ ...gate, anchor }] });
      const things = [{ id: 3, x: 120, y: 50 }];
      const named = [{ id: 3, box: [94, 45, 116, 55] as const, centroid: [96, 50] as const }];
      expect(zones.observe(segmentsOf(things), { ...tracksOf(things), named }, 50), anchor).toHaveLength(expected);
      expect(see(zones, 100, [{ id: 3, x: 130, y: 50 }])).toEqual([]);
    }
  });

  it('does not count later what crossed as a part of another', () => {
    const zones = createZones({ lines: [gate] });
    const whole = { id: 1, y: 50, size: 30 };
    const part = { id: 2, y: 50 };
    see(zones, 0, [
      { ...whole, x: 80 },
      { ...part, x: 80 },
    ]);
    const crossing = see(zones, 50, [
      { ...whole, x: 120 },
      { ...part, x: 120, parent: 1 },
    ]);
    expect(crossing).toMatchObject([{ track: 1 }]);
    expect(see(zones, 100, [{ ...part, x: 140 }])).toEqual([]);
    expect(see(zones, 150, [{ ...part, x: 80 }])).toMatchObject([{ track: 2, direction: 'out' }]);
  });

  it('counts each object once when asked', () => {
    const zones = createZones({ lines: [{ ...gate, once: true }] });
    expect([80, 120, 80, 120].flatMap((x, k) => see(zones, 50 * k, [{ id: 1, x, y: 50 }]))).toHaveLength(1);
  });

  it('takes crossings of any path to what the sides at its ends differ by', () => {
    const path = fc.array(fc.integer({ min: 10, max: 190 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(path, (xs) => {
        const zones = createZones({ lines: [{ ...gate, margin: 4 }] });
        for (const [k, x] of xs.entries()) see(zones, 50 * k, [{ id: 1, x, y: 50 }]);
        const settled = xs.filter((x) => Math.abs(x - 100) > 4).map((x) => Math.sign(x - 100));
        const { in: entered, out } = zones.counts.lines.gate!;
        expect(entered - out).toBe(settled.length === 0 ? 0 : (settled.at(-1)! - settled[0]!) / 2);
      }),
      { numRuns: 60 },
    );
  });

  it('says what is wrong with it', () => {
    expect(() => createZones({ lines: [{ ...gate, to: [100, 0] }] })).toThrow(/no length/);
    expect(() => createZones({ lines: [{ ...gate, in: 'down' }] })).toThrow(/runs down/);
    expect(() => createZones({ lines: [gate, gate] })).toThrow(/two lines/);
  });
});

const SQUARE: [number, number][] = [
  [50, 20],
  [150, 20],
  [150, 80],
  [50, 80],
];

describe('a zone', () => {
  it('is entered after enterMs and left after leaveMs, and says how long that was', () => {
    const zones = createZones({ zones: [{ id: 'station', polygon: SQUARE }] });
    const events = [];
    for (let k = 0; k < 60; k += 1) events.push(...see(zones, 50 * k, [{ id: 3, x: k < 5 ? 20 : k < 40 ? 100 : 180, y: 50 }]));
    expect(events).toMatchObject([
      { type: 'zone-entered', zone: 'station', track: 3, inside: 1 },
      { type: 'zone-left', track: 3, dwellMs: 1750, reason: 'moved', inside: 0 },
    ]);
    expect(zones.counts.zones.station).toEqual({ entered: 1, inside: 0 });
  });

  it('does not tell of one false frame', () => {
    const zones = createZones({ zones: [{ id: 'station', polygon: SQUARE, enterMs: 0, leaveMs: 0 }] });
    see(zones, 0, [{ id: 3, x: 20, y: 50 }]);
    expect(see(zones, 900, [{ id: 3, x: 100, y: 50 }])).toEqual([]);
    expect(see(zones, 1800, [{ id: 3, x: 20, y: 50 }])).toEqual([]);
  });

  it('keeps who is lost inside until the track ends', () => {
    const zones = createZones({ zones: [{ id: 'station', polygon: SQUARE }] });
    expect(see(zones, 0, [{ id: 3, x: 100, y: 50 }])).toMatchObject([{ type: 'zone-entered', born: true }]);
    expect(see(zones, 1000, [])).toEqual([]);
    expect(zones.counts.zones.station!.inside).toBe(1);
    expect(see(zones, 3000, [], [3])).toMatchObject([{ type: 'zone-left', reason: 'lost', dwellMs: 3000, inside: 0 }]);
  });

  it('tells of dwell once', () => {
    const zones = createZones({ zones: [{ id: 'station', polygon: SQUARE, dwellMs: 500 }] });
    const events = Array.from({ length: 40 }, (_, k) => see(zones, 50 * k, [{ id: 3, x: 100, y: 50 }])).flat();
    expect(events.filter(({ type }) => type === 'zone-dwell')).toEqual([{ type: 'zone-dwell', zone: 'station', track: 3, dwellMs: 500 }]);
  });

  it.each([
    ['overlap', 46, false],
    ['overlap', 52, true],
    ['centroid', 51, false],
    ['centroid', 53, true],
    ['bottom', 53, true],
  ] as const)('goes by %s: at %i %s', (anchor, x, inside) => {
    const zones = createZones({ zones: [{ id: 'station', polygon: SQUARE, anchor }] });
    expect(see(zones, 0, [{ id: 1, x, y: 50 }]).length === 1).toBe(inside);
  });

  it('forgets everybody when the tracker began again', () => {
    const zones = createZones({ zones: [{ id: 'station', polygon: SQUARE }] });
    see(zones, 0, [{ id: 3, x: 100, y: 50 }]);
    expect(zones.observe(segmentsOf([]), tracksOf([], [], 'scene'), 100)).toMatchObject([{ type: 'zone-left', reason: 'reset' }]);
  });
});

describe('counts', () => {
  it('go on after a restart and begin at 0 when they are reset', () => {
    const zones = createZones({ lines: [gate], zones: [{ id: 'station', polygon: SQUARE }] });
    zones.restore({ lines: { gate: { in: 118, out: 3 }, other: { in: 1, out: 1 } }, zones: { station: { entered: 9, inside: 4 } } });
    see(zones, 0, [{ id: 1, x: 30, y: 50 }]);
    see(zones, 50, [{ id: 1, x: 170, y: 50 }]);
    expect(zones.counts).toEqual({ lines: { gate: { in: 119, out: 3 } }, zones: { station: { entered: 9, inside: 0 } } });
    zones.reset();
    expect(zones.counts).toEqual({ lines: { gate: { in: 0, out: 0 } }, zones: { station: { entered: 0, inside: 0 } } });
  });
});

describe('anchors', () => {
  it('are the centroid of the mask, its lowest pixel under that, and the middle of the box', () => {
    const segments = segmentsOf([{ id: 1, x: 50, y: 40, size: 20 }]);
    expect(anchorOf(segments, 0, 'centroid')).toEqual([50, 40]);
    expect(anchorOf(segments, 0, 'bottom')).toEqual([50, 50]);
    expect(anchorOf(segments, 0, 'box-center')).toEqual([50, 40]);
    const empty = { ...segments, offsets: Uint32Array.of(0, 0) };
    expect(anchorOf(empty, 0, 'centroid')).toEqual([50, 40]);
  });
});
