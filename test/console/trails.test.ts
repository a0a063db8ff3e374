import { describe, expect, it } from 'vitest';
import { Trails } from '../../web/src/view/trails.js';

const frame = (...objects: readonly (readonly [track: number, x: number])[]) => ({
  count: objects.length,
  tracks: Uint32Array.from(objects, ([track]) => track),
  boxes: Uint16Array.from(objects.flatMap(([, x]) => [x, 10, x + 10, 20])),
});

describe('trails', () => {
  it('follow tracks for a moment, and only those that are there', () => {
    const trails = new Trails();
    trails.add(frame([7, 0], [0, 50]), 0);
    trails.add(frame([7, 10], [9, 100]), 1000);
    expect(trails.list()).toEqual([
      {
        track: 7,
        points: [
          [5, 15],
          [15, 15],
        ],
      },
      { track: 9, points: [[105, 15]] },
    ]);
    trails.add(frame([9, 110]), 2000);
    expect(trails.list()).toEqual([
      {
        track: 9,
        points: [
          [105, 15],
          [115, 15],
        ],
      },
    ]);
    // The first point of track 7 is too old by now.
    trails.add(frame([7, 20]), 2400);
    expect(trails.list()).toEqual([
      {
        track: 7,
        points: [
          [15, 15],
          [25, 15],
        ],
      },
    ]);
  });

  it('keep a bounded number of points', () => {
    const trails = new Trails();
    for (let k = 0; k < 1000; k += 1) trails.add(frame([3, k % 500]), k);
    expect(trails.list()[0]!.points).toHaveLength(30);
  });
});
