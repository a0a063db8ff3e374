import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { native } from '../../../src/addon/addon.js';
import { maskArea, maskIou, maskUnion } from '../../../src/domain/mask.js';

const POLYGONS: [number[][], string][] = [
  [[[1, 1, 9, 1, 9, 8, 1, 8]], '=750000000000000c2'],
  [[[1.5, 1.5, 9.5, 1.5, 9.5, 8.5, 1.5, 8.5]], 'j0750000000000000V2'],
  [[[-3, -2, 8, 5, 20, -4, 18, 15]], '01<0O01000O1000O01N2N2N2O0O2N>'],
  [[[2, 2, 12, 10, 12, 2, 2, 10]], 'j085N2N2Ni00WO2N2N2]1'],
  [[[0, 0, 16, 0, 16, 12, 0, 12]], '0P6'],
  [
    [
      [3, 3, 6, 3, 6, 6, 3, 6],
      [6, 3, 9, 3, 9, 6, 6, 6],
    ],
    'W139000000000a2',
  ],
  [[[4, 4, 4, 4, 4, 4]], 'P6'],
  [[[5, 5, 5.4, 5, 5.2, 5.4]], 'P6'],
  [[[-0.3, 14.71, 12.72, 11.39, 4.16, 10.12]], '_11:1001O0000000000U1'],
  [[[17.99, 10.77, 14.07, 15.2, 8.18, 5.44, 16.71, 8.04]], 'U31<0O2N2O0O0001O'],
  [[[5.28, 16.64, 16.16, 6.47, 15.68, 1.29]], 'f3291N100O100O10'],
  [[[2.61, 1.53, 1.47, 8.2, 5.19, 8.27, 9.2, 17.9]], 'j068N2Nn3'],
  [
    [
      [12.69, 16.13, 13.26, 13.79, 5.08, 17.62, 17.24, 1.22, 13.08, 12.3, 7.23, 8.61],
      [3.58, 7.96, 8.31, 13.92, 11.23, 7.09, 16.06, 5.02, 12.52, 9.15, 7.13, 11.18],
    ],
    'b22;ON0H09001N2O2OO0N10O',
  ],
  [
    [
      [15.53, 10.33, 13.46, 7.6, 4.07, 13.99, 14.62, 9.24],
      [4.24, 2.16, 8.24, 16.68, 10.47, -0.49, 14.41, 12.52, 16.15, 1.83, 12.9, -0.82],
    ],
    'b11;4K4M2N72_O80F25OK41L0802OI5',
  ],
  [[[9.83, 11.65, 16.32, 13.09, 0.73, 3.32, 14.49, 16.87, -0.79, 15.96]], 'l01<000O100O10000O01O1O00='],
  [[[5.25, 1.44, 11.46, -0.34, 17.09, -1.49]], 'P6'],
];

describe('polygonMask', () => {
  it('equals pycocotools on polygons that touch, leave the picture and cross themselves', () => {
    // Counts of pycocotools 2.0.11: mask.merge(mask.frPyObjects(rings, 12, 16)).
    for (const [rings, counts] of POLYGONS) expect(native().polygonMask(rings, 16, 12)).toEqual(native().decodeRle(counts, 16, 12));
  });

  it('covers a rectangle on pixel corners exactly', () => {
    fc.assert(
      fc.property(fc.nat(30), fc.nat(20), fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 20 }), (x, y, width, height) => {
        const runs = native().polygonMask([[x, y, x + width, y, x + width, y + height, x, y + height]], 64, 48);
        expect(maskArea(runs)).toBe(width * height);
      }),
    );
  });

  it('joins rings as a union', () => {
    const ring = fc
      .array(fc.double({ min: -5, max: 45, noNaN: true }), { minLength: 6, maxLength: 12 })
      .filter(({ length }) => length % 2 === 0);
    fc.assert(
      fc.property(ring, ring, (a, b) => {
        const one = (rings: number[][]) => native().polygonMask(rings, 40, 30);
        expect(one([a, b])).toEqual(maskUnion(one([a]), one([b])));
      }),
    );
  });

  it.each([
    [[[1, 2, 3, 4]], /three points/],
    [[[1, 2, 3, 4, 5]], /three points/],
    [[[1, 2, 3, 4, 5, 2e5]], /polygon coordinate/],
  ])('refuses %j', (rings, message) => {
    expect(() => native().polygonMask(rings, 16, 12)).toThrow(message);
  });
});

describe('maskOverlaps', () => {
  const mask = fc.uniqueArray(fc.nat(199), { maxLength: 20 }).map((edges) => {
    const sorted = edges.sort((a, b) => a - b);
    return Uint32Array.from(sorted.length % 2 === 0 ? sorted : sorted.slice(1));
  });

  it('equals the IoU of the masks, and the share of the detection for a crowd', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(mask, { maxLength: 4 }), fc.array(mask, { maxLength: 4 }), async (detections, truths) => {
        const groups = [new Int32Array(detections.length), new Int32Array(truths.length)] as const;
        const overlapsOf = (crowdFlag: 0 | 1) =>
          native().maskOverlaps(detections, truths, new Uint8Array(truths.length).fill(crowdFlag), ...groups, 20, 10);
        const { overlaps: plain, areas } = await overlapsOf(0);
        const { overlaps: crowd } = await overlapsOf(1);
        expect([...areas]).toEqual(detections.map(maskArea));
        for (const [d, a] of detections.entries()) {
          for (const [t, b] of truths.entries()) {
            const empty = a.length === 0 && b.length === 0;
            expect(plain[d * truths.length + t]).toBe(empty ? 0 : maskIou(a, b));
            const common = maskArea(a) + maskArea(b) - maskArea(maskUnion(a, b));
            expect(crowd[d * truths.length + t]).toBe(common === 0 ? 0 : common / maskArea(a));
          }
        }
      }),
    );
  });

  it('takes compressed run lengths as well as runs', async () => {
    // 6 × 1 pixels: "132" is 1 pixel of background, 3 of the object, 2 of background.
    const masks = [Uint32Array.from([1, 4]), '132'];
    const groups = new Int32Array(2);
    const { overlaps, areas } = await native().maskOverlaps(masks, masks, new Uint8Array(2), groups, groups, 6, 1);
    expect([...overlaps]).toEqual([1, 1, 1, 1]);
    expect([...areas]).toEqual([3, 3]);
    await expect(native().maskOverlaps(['13'], [], new Uint8Array(0), new Int32Array(1), new Int32Array(0), 6, 1)).rejects.toMatchObject({
      code: 'PROMPT_INVALID',
    });
  });
});

const COCO = new URL('../../../../shared/coco/instances.json', import.meta.url);

it.skipIf(!existsSync(COCO))('rasterises every polygon of the COCO photos within a few percent of its annotated area', () => {
  const { images, annotations } = JSON.parse(readFileSync(COCO, 'utf8')) as {
    images: { id: number; width: number; height: number }[];
    annotations: { image_id: number; area: number; segmentation: number[][] | object }[];
  };
  for (const { image_id, area, segmentation } of annotations) {
    const { width, height } = images.find(({ id }) => id === image_id)!;
    if (!Array.isArray(segmentation) || area < 400) continue;
    expect(Math.abs(maskArea(native().polygonMask(segmentation, width, height)) - area) / area).toBeLessThan(0.15);
  }
});
