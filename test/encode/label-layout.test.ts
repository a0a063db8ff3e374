import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeLabels } from '../../src/encode/label-layout.js';

const frame = { width: 640, height: 480 };
const label = { width: 80, height: 20 };

describe('places of labels', () => {
  it('are above the box, or inside its upper edge where there is no room', () => {
    expect(placeLabels([[100, 200, 300, 300]], [label], frame)).toEqual([{ left: 100, top: 180 }]);
    expect(placeLabels([[100, 5, 300, 300]], [label], frame)).toEqual([{ left: 100, top: 5 }]);
  });

  it('never overlap and never leave the frame; the first label of a place has it', () => {
    const box = fc
      .tuple(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: 440 }), fc.integer({ min: 1, max: 40 }))
      .map(([x, y, side]) => [x, y, x + side, y + side]);
    fc.assert(
      fc.property(fc.array(box, { minLength: 1, maxLength: 60 }), (boxes) => {
        const places = placeLabels(
          boxes,
          boxes.map(() => label),
          frame,
        );
        expect(places[0]).toBeDefined();
        const known = places.filter((place) => place !== undefined);
        for (const [k, a] of known.entries()) {
          expect(a.left >= 0 && a.top >= 0 && a.left + label.width <= frame.width && a.top + label.height <= frame.height).toBe(true);
          for (const b of known.slice(k + 1)) {
            expect(Math.abs(a.left - b.left) >= label.width || Math.abs(a.top - b.top) >= label.height).toBe(true);
          }
        }
      }),
    );
  });
});
