/** A calibration from places whose millimetres are known. Pure. */
import type { Point } from '../domain/box.js';
import { homographyOf, onPlane } from '../domain/plane.js';
import { FastsamError } from '../errors.js';
import { type Calibration, type Lens, localScale, straightLens, toPlane, undistorted } from './calibration.js';

/** A place in the picture, in pixels, and on the plane, in millimetres. */
export interface Reference {
  readonly px: Point;
  readonly mm: Point;
}

type Frame = Calibration['frame'];
type Fitted = Pick<Calibration, 'lens' | 'frame' | 'homography' | 'residual'> & { readonly placeUncertainty: number | null };

/** Fewer do not fix a lens. */
const LEAST_FOR_LENS = 24;
/** Parameters of homography, lens and centre. */
const PLANE_PARAMETERS = 8;
const LENS_PARAMETERS = 4;
const ROUNDS = 60;

/** A camera that looks straight down: everywhere `millimetres` for so many `pixels`. `uncertainty`: standard, of the millimetres. */
export function fromScale(
  frame: Frame,
  {
    pixels,
    millimetres,
    uncertainty,
  }: { readonly pixels: number; readonly millimetres: number; readonly uncertainty?: number | undefined },
  at: string,
): Calibration {
  const scale = millimetres / pixels;
  return {
    ...{ v: 1, by: 'scale', frame, homography: [scale, 0, 0, 0, scale, 0, 0, 0, 1], lens: straightLens(frame) },
    // lengthUncertainty of `millimetres` then is `uncertainty`, and in proportion for shorter lengths.
    placeUncertainty: uncertainty === undefined ? null : uncertainty / Math.SQRT2,
    pitch: millimetres,
    residual: { references: 1, rmsMm: 0, rmsPx: 0, maxPx: 0 },
    at,
  };
}

/**
 * Four places or more, without distortion of the lens. `uncertainty`: standard, of the given millimetres of a place; what is left of more
 * than four places counts where it is greater. Errors: MISUSE for places that do not fix a plane.
 */
export function fromPoints(frame: Frame, references: readonly Reference[], uncertainty: number | undefined, at: string): Calibration {
  const homography = planeOf(references);
  const fitted = judged(frame, references, { homography, lens: straightLens(frame) }, PLANE_PARAMETERS);
  const known = [fitted.placeUncertainty, uncertainty].flatMap((each) => each ?? []);
  const nearest = references.flatMap(({ mm }, k) =>
    references.slice(k + 1).map((other) => Math.hypot(mm[0] - other.mm[0], mm[1] - other.mm[1])),
  );
  return { v: 1, by: 'points', ...fitted, placeUncertainty: known.length > 0 ? Math.max(...known) : null, pitch: Math.min(...nearest), at };
}

/**
 * A grid of dots: homography, k1, k2 and the centre of the lens together, by Levenberg and Marquardt's method on the millimetres; with
 * fewer than 24 dots the homography alone. Errors: MISUSE as fromPoints.
 */
export function fromDots(frame: Frame, references: readonly Reference[], pitch: number, at: string): Calibration {
  const homography = planeOf(references);
  const straight = { homography, lens: straightLens(frame) };
  const withLens = references.length >= LEAST_FOR_LENS;
  const model = withLens ? refined(frame, references) : straight;
  return { v: 1, by: 'dots', ...judged(frame, references, model, PLANE_PARAMETERS + (withLens ? LENS_PARAMETERS : 0)), pitch, at };
}

function planeOf(references: readonly Reference[]): number[] {
  const homography = references.length >= 4 ? homographyOf(references.map(({ px, mm }) => ({ px, m: mm }))) : undefined;
  if (homography?.every(Number.isFinite)) return homography.map((value) => value / homography[8]!);
  throw new FastsamError('MISUSE', 'expected four places or more, no three of four on one straight line');
}

function judged(
  frame: Frame,
  references: readonly Reference[],
  { homography, lens }: { readonly homography: readonly number[]; readonly lens: Lens },
  parameters: number,
): Fitted {
  const calibration = { frame, homography: [...homography], lens };
  const errors = references.map(({ px, mm }) => {
    const [x, y] = toPlane(calibration, px);
    const error = Math.hypot(x - mm[0], y - mm[1]);
    return { mm: error, px: error / localScale(calibration, px) };
  });
  const squares = (key: 'mm' | 'px') => errors.reduce((sum, error) => sum + error[key] ** 2, 0);
  const freedom = 2 * references.length - parameters;
  const rms = (key: 'mm' | 'px') => Math.sqrt(squares(key) / references.length);
  return {
    ...calibration,
    // Of one coordinate, the parameters that were fitted to them taken off.
    placeUncertainty: freedom > 0 ? Math.sqrt(squares('mm') / freedom) : null,
    residual: { references: references.length, rmsMm: rms('mm'), rmsPx: rms('px'), maxPx: Math.max(...errors.map((error) => error.px)) },
  };
}

/** Homography, lens and centre of the least squares in millimetres. */
function refined(frame: Frame, references: readonly Reference[]): { readonly homography: readonly number[]; readonly lens: Lens } {
  // All parameters about 1: pixels in half diagonals around the middle, millimetres in the size of the grid.
  const half = Math.hypot(frame.width, frame.height) / 2;
  const [cx, cy] = [frame.width / 2, frame.height / 2];
  const size = Math.max(...references.flatMap(({ mm }) => mm.map(Math.abs)), 1e-9);
  const start = planeOf(
    references.map(({ px, mm }) => ({ px: [(px[0] - cx) / half, (px[1] - cy) / half], mm: [mm[0] / size, mm[1] / size] })),
  );
  const modelOf = (p: Float64Array) => {
    const rows = [0, 3, 6].map((row) => [p[row]!, p[row + 1]!, row === 6 ? 1 : p[row + 2]!] as const);
    const homography = rows.flatMap(([a, b, c], row) => {
      const unit = row < 2 ? size : 1;
      return [(unit * a) / half, (unit * b) / half, unit * (c - (a * cx + b * cy) / half)];
    });
    const lens: Lens = { k1: p[8]!, k2: p[9]!, centre: [half * p[10]!, half * p[11]!] };
    return { homography: homography.map((value) => value / homography[8]!), lens };
  };
  const errorsOf = (p: Float64Array): Float64Array => {
    const { homography, lens } = modelOf(p);
    return Float64Array.from(
      references.flatMap(({ px, mm }) => {
        const [x, y] = onPlane(homography, undistorted(lens, frame, px));
        return [(x - mm[0]) / size, (y - mm[1]) / size];
      }),
    );
  };
  return modelOf(leastSquares(Float64Array.from([...start.slice(0, 8), 0, 0, cx / half, cy / half]), errorsOf));
}

/** Levenberg and Marquardt's method with numeric derivatives. */
function leastSquares(start: Float64Array, errorsOf: (p: Float64Array) => Float64Array): Float64Array {
  const n = start.length;
  let p = start;
  let errors = errorsOf(p);
  let sum = dot(errors, errors);
  let damping = 1e-3;
  for (let round = 0; round < ROUNDS && damping < 1e12; round += 1) {
    const columns = Array.from({ length: n }, (_, k) => {
      const step = 1e-6;
      const [more, less] = [p.slice(), p.slice()];
      more[k]! += step;
      less[k]! -= step;
      const [above, below] = [errorsOf(more), errorsOf(less)];
      return above.map((value, i) => (value - below[i]!) / (2 * step));
    });
    const gradient = columns.map((column) => dot(column, errors));
    const curvature = columns.map((one) => Float64Array.from(columns, (other) => dot(one, other)));
    let isBetter = false;
    while (!isBetter && damping < 1e12) {
      const rows = curvature.map((row, k) => {
        const damped = Float64Array.from([...row, -gradient[k]!]);
        // A parameter that changes nothing stays where it is.
        damped[k]! += damping * Math.max(row[k]!, 1e-12);
        return damped;
      });
      const step = solved(rows);
      const next = p.map((value, k) => value + step[k]!);
      const nextErrors = errorsOf(next);
      const nextSum = dot(nextErrors, nextErrors);
      isBetter = nextSum < sum;
      if (isBetter) {
        const gained = (sum - nextSum) / sum;
        [p, errors, sum] = [next, nextErrors, nextSum];
        damping = Math.max(1e-12, damping / 10);
        if (gained < 1e-12) return p;
      } else damping *= 10;
    }
  }
  return p;
}

/** Gaussian elimination of [n × (n + 1)], in place. */
function solved(rows: Float64Array[]): Float64Array {
  const n = rows.length;
  for (let column = 0; column < n; column += 1) {
    let pivot = column;
    for (let row = column + 1; row < n; row += 1) if (Math.abs(rows[row]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = row;
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    for (let row = 0; row < n; row += 1) {
      if (row === column) continue;
      const factor = rows[row]![column]! / rows[column]![column]!;
      for (let k = column; k <= n; k += 1) rows[row]![k]! -= factor * rows[column]![k]!;
    }
  }
  return Float64Array.from(rows, (row, k) => row[n]! / row[k]!);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k += 1) sum += a[k]! * b[k]!;
  return sum;
}
