/**
 * From the pixels of a camera to millimetres on the plane that was calibrated: a lens that bends straight lines (k1, k2 around a centre),
 * then a homography. Parts that stand out of the plane are not covered. Pure.
 */
import { z } from 'zod';
import type { Point } from '../domain/box.js';
import { onPlane } from '../domain/plane.js';

const finite = z.number().min(-1e12).max(1e12);
const side = z.number().int().min(1).max(32_768);

/** A file of `fastsamd calibrate`. */
export const calibrationSchema = z.strictObject({
  v: z.literal(1),
  by: z.enum(['scale', 'points', 'dots']),
  /** Pixels of the camera's pictures; others cannot be measured with this. */
  frame: z.strictObject({ width: side, height: side }),
  /** Row-major 3 × 3, from pixels without distortion to millimetres. */
  homography: z.array(finite).length(9),
  /** undistorted = centre + (pixel − centre) · (1 + k1 r² + k2 r⁴), r in half diagonals of the frame. */
  lens: z.strictObject({ k1: finite, k2: finite, centre: z.tuple([finite, finite]) }),
  /** Standard uncertainty of a place on the plane, in millimetres; null where the references do not say. */
  placeUncertainty: z.number().min(0).max(1e9).nullable(),
  /** Millimetres between neighbouring references: nearer places have part of their error in common. */
  pitch: z.number().min(1e-9).max(1e9),
  /** What is left between the references and where they are found. */
  residual: z.strictObject({
    references: z.number().int().min(1),
    rmsMm: z.number().min(0),
    rmsPx: z.number().min(0),
    maxPx: z.number().min(0),
  }),
  at: z.iso.datetime(),
});

export type Calibration = z.output<typeof calibrationSchema>;
export type Lens = Calibration['lens'];

/** A lens that bends nothing. */
export function straightLens({ width, height }: Calibration['frame']): Lens {
  return { k1: 0, k2: 0, centre: [width / 2, height / 2] };
}

/** Half diagonals are the unit of the lens. */
function radiusOf({ width, height }: Calibration['frame']): number {
  return Math.hypot(width, height) / 2;
}

export function undistorted({ k1, k2, centre: [cx, cy] }: Lens, frame: Calibration['frame'], [x, y]: Point): Point {
  const radius = radiusOf(frame);
  const [dx, dy] = [x - cx, y - cy];
  const r2 = (dx * dx + dy * dy) / (radius * radius);
  const factor = 1 + r2 * (k1 + r2 * k2);
  return [cx + dx * factor, cy + dy * factor];
}

/** Millimetres of a place in the picture; NaN on the horizon of the plane. */
export function toPlane({ lens, frame, homography }: Pick<Calibration, 'lens' | 'frame' | 'homography'>, place: Point): Point {
  const [x, y] = onPlane(homography, undistorted(lens, frame, place));
  return [x, y];
}

/** Millimetres per pixel in the middle of the picture: the unit in which shapes are measured. */
export function nominalScale(calibration: Pick<Calibration, 'lens' | 'frame' | 'homography'>): number {
  return localScale(calibration, [calibration.frame.width / 2, calibration.frame.height / 2]);
}

/** Millimetres per pixel at a place, the mean of all directions. */
export function localScale(calibration: Pick<Calibration, 'lens' | 'frame' | 'homography'>, [x, y]: Point): number {
  const step = 0.5;
  const [left, right] = [toPlane(calibration, [x - step, y]), toPlane(calibration, [x + step, y])];
  const [above, below] = [toPlane(calibration, [x, y - step]), toPlane(calibration, [x, y + step])];
  const [ax, ay, bx, by] = [right[0] - left[0], right[1] - left[1], below[0] - above[0], below[1] - above[1]];
  return Math.sqrt(Math.abs(ax * by - ay * bx));
}

/** The place in the picture of millimetres on the plane, by Newton's method from `near`. */
export function toPicture(calibration: Pick<Calibration, 'lens' | 'frame' | 'homography'>, [x, y]: Point, near: Point): Point {
  let [px, py] = near;
  for (let round = 0; round < 20; round += 1) {
    const at = toPlane(calibration, [px, py]);
    const step = 0.5;
    const [left, right] = [toPlane(calibration, [px - step, py]), toPlane(calibration, [px + step, py])];
    const [above, below] = [toPlane(calibration, [px, py - step]), toPlane(calibration, [px, py + step])];
    const [ax, ay, bx, by] = [right[0] - left[0], right[1] - left[1], below[0] - above[0], below[1] - above[1]];
    const determinant = ax * by - ay * bx;
    const [ex, ey] = [x - at[0], y - at[1]];
    const [dx, dy] = [(by * ex - bx * ey) / determinant, (ax * ey - ay * ex) / determinant];
    px += dx;
    py += dy;
    if (!(Math.hypot(dx, dy) > 1e-9)) break;
  }
  return [px, py];
}

/**
 * Standard uncertainty that the calibration adds to a length, in millimetres: that of its two ends, of which places nearer to each other
 * than the references have a part in common. NaN where it is not known.
 */
export function lengthUncertainty({ placeUncertainty, pitch }: Pick<Calibration, 'placeUncertainty' | 'pitch'>, length: number): number {
  return placeUncertainty === null ? Number.NaN : Math.SQRT2 * placeUncertainty * Math.min(1, Math.abs(length) / pitch);
}

/** As `span`: two places that have no part of their error in common. */
export const ANYWHERE = Number.POSITIVE_INFINITY;

/**
 * The standard uncertainty of a length together with that of the calibration; `span`: how far apart the places are of which the calibration
 * says how well they are known. A calibration that does not say how good it is takes nothing away.
 */
export function withCalibration(uncertainty: number, calibration: Calibration | undefined, span: number): number {
  const added = calibration && span !== 0 ? lengthUncertainty(calibration, span) : 0;
  return Number.isNaN(added) ? uncertainty : Math.hypot(uncertainty, added);
}

/** As `withCalibration`, of an area: it is known as well as the side of a square of that size, times twice the side. */
export function areaWithCalibration(uncertainty: number, calibration: Calibration | undefined, area: number): number {
  const side = Math.sqrt(area);
  return 2 * side * withCalibration(uncertainty / (2 * side), calibration, side);
}

/** For the addon: the homography, k1, k2, centre, half diagonal, millimetres per unit of what is measured. */
export function packed(calibration: Calibration): Float64Array {
  const { homography, lens, frame } = calibration;
  return Float64Array.from([...homography, lens.k1, lens.k2, ...lens.centre, radiusOf(frame), nominalScale(calibration)]);
}
