import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientMessageSchema, ROI_STEPS } from '../../src/contract/console.js';
import { centred, pan, roiOf, UNZOOMED, type Zoom, zoomAt } from '../../web/src/live/zoom.js';

const share = fc.double({ min: 0, max: 1, noNaN: true });
const zooms = fc
  .tuple(share, share, fc.double({ min: 0.2, max: 30, noNaN: true }))
  .map(([x, y, factor]) => zoomAt(UNZOOMED, factor, [x, y]));

describe('zoom', () => {
  it('stays inside the frame, and asks for eighths that cover what is seen and that the daemon takes', () => {
    fc.assert(
      fc.property(zooms, fc.double({ min: 0.1, max: 10, noNaN: true }), share, share, (zoom, factor, x, y) => {
        for (const { x: left, y: top, size } of [zoom, zoomAt(zoom, factor, [x, y]), pan(zoom, x - 0.5, y - 0.5), centred(zoom, [x, y])]) {
          expect(Math.min(left, top)).toBeGreaterThanOrEqual(0);
          expect(Math.max(left, top) + size).toBeLessThanOrEqual(1 + 1e-9);
          const roi = roiOf({ x: left, y: top, size });
          if (!roi) continue;
          expect(clientMessageSchema.safeParse({ t: 'watch', camera: 'belt', roi }).success).toBe(true);
          expect(roi[0] / ROI_STEPS).toBeLessThanOrEqual(left + 1e-6);
          expect((roi[0] + roi[2]) / ROI_STEPS).toBeGreaterThanOrEqual(left + size - 1e-6);
          expect((roi[1] + roi[3]) / ROI_STEPS).toBeGreaterThanOrEqual(top + size - 1e-6);
        }
      }),
    );
  });

  it('keeps the place under the pointer, and goes back to the whole frame', () => {
    const near: Zoom = zoomAt(UNZOOMED, 4, [0.5, 0.25]);
    expect(near).toEqual({ x: 0.375, y: 0.1875, size: 0.25 });
    expect(roiOf(near)).toEqual([3, 1, 2, 3]);
    expect(zoomAt(near, 0.1, [0.9, 0.9])).toEqual(UNZOOMED);
    expect(roiOf(UNZOOMED)).toBeUndefined();
    for (const roi of [
      [7, 0, 2, 1],
      [0, 0, 0, 1],
      [0, 0, 9, 8],
      [-1, 0, 2, 2],
      [0.5, 0, 2, 2],
    ])
      expect([roi, clientMessageSchema.safeParse({ t: 'watch', camera: 'belt', roi }).success]).toEqual([roi, false]);
  });
});
