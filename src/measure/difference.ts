/** The difference of a picture to a golden sample; native/measure/difference.h has the method. */
import { native } from '../addon/addon.js';
import type { NativeFrame } from '../addon/frame.js';
import type { Box } from '../domain/box.js';
import type { Frame } from '../domain/frame.js';
import type { MaskRuns } from '../domain/mask.js';

/** Fixed before any part was compared: the tolerance is that of the design, the contrast an eighth of the grey levels. */
export const DIFFERENCE_DEFAULTS = { tolerance: 3, contrast: 32, reach: 16, minArea: 4 } as const;

export interface DifferenceOptions {
  /** Pixels that an edge may lie off, 0 to 16. */
  readonly tolerance?: number;
  /** Grey levels, 0 to 255. */
  readonly contrast?: number;
  /** Pixels either way in which the shift that the pose leaves is searched, 0 to 64. */
  readonly reach?: number;
  /** Pixels; smaller differences do not count. */
  readonly minArea?: number;
  /** Where the golden sample lies in the frame; at the same place when absent. */
  readonly pose?: Pose | undefined;
  /** What of the golden picture is compared; all of it when absent. */
  readonly mask?: MaskRuns | undefined;
}

/** A turn by `degrees` clockwise on screen about `from`, which comes to lie at `to`. */
export interface Pose {
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  readonly degrees: number;
}

export interface DifferentRegion {
  /** Pixels that differ. */
  readonly area: number;
  readonly centroid: readonly [number, number];
  /** Grown by the tolerance. */
  readonly box: Box;
}

/** In pixels of the golden picture. */
export interface Difference {
  /** The shift that was found beyond the pose. */
  readonly shift: readonly [number, number];
  /** Correlation of the pictures, −1 to 1; 0 where one of them has one grey level. */
  readonly match: number;
  /** Of all regions together. */
  readonly area: number;
  /** At most 1,000, the largest first. */
  readonly regions: readonly DifferentRegion[];
}

const PER_REGION = 7;

/**
 * Aligns, evens out the light, and compares. Off the JS thread; the caller keeps both frames. Errors: MISUSE for an empty mask and
 * options out of range.
 */
export async function differenceTo(
  golden: Pick<Frame, 'pixels'>,
  frame: Pick<Frame, 'pixels'>,
  options: DifferenceOptions = {},
): Promise<Difference> {
  const { pose, mask, ...rest } = options;
  const values = await native().goldenDifference(golden.pixels as NativeFrame, frame.pixels as NativeFrame, {
    ...DIFFERENCE_DEFAULTS,
    ...rest,
    pose: coefficientsOf(pose),
    ...(mask ? { mask } : {}),
  });
  const [dx, dy, match, area] = values as unknown as [number, number, number, number];
  const regions = Array.from({ length: (values.length - 4) / PER_REGION }, (_, k): DifferentRegion => {
    const [size, x, y, left, top, right, bottom] = values.subarray(4 + k * PER_REGION) as unknown as Region;
    return { area: size, centroid: [x, y], box: [left, top, right, bottom] };
  });
  return { shift: [dx, dy], match, area, regions };
}

type Region = [area: number, x: number, y: number, left: number, top: number, right: number, bottom: number];

function coefficientsOf(pose: Pose | undefined): Float64Array {
  if (!pose) return Float64Array.of(1, 0, 0, 0);
  const { from, to, degrees } = pose;
  const a = Math.cos((degrees * Math.PI) / 180);
  const b = Math.sin((degrees * Math.PI) / 180);
  return Float64Array.of(a, b, to[0] - a * from[0] + b * from[1], to[1] - b * from[0] - a * from[1]);
}
