/** `fastsamd calibrate scale | points | dots`: millimetres for a camera. */
import { native } from '../addon/addon.js';
import type { NativeFrame } from '../addon/frame.js';
import type { Point } from '../domain/box.js';
import type { Frame } from '../domain/frame.js';
import { writeDurably } from '../durable.js';
import { FastsamError, isFastsamError, messageOf } from '../errors.js';
import { fromDots, fromPoints, fromScale, type Reference } from '../measure/calibrate.js';
import { type Calibration, nominalScale, toPlane } from '../measure/calibration.js';
import { darkBlobs, orderDots } from '../measure/dot-grid.js';
import { measureObjects } from '../measure/measures.js';
import { firstFrames } from '../source/limit.js';
import { finishBeforeLeaving, withSource, writeLine } from './leaving.js';
import { demandRange } from './model-options.js';
import { Inputs } from './overwriting.js';
import { demandPicture, writeOutput, writePicture } from './picture-file.js';
import { tell } from './terminal.js';

interface CalibrateArguments {
  readonly source: string;
  readonly out: string;
  readonly json: boolean;
}

export interface ScaleArguments extends CalibrateArguments {
  readonly pixels: number;
  readonly millimetres: number;
  readonly uncertainty?: number | undefined;
}

export interface PointsArguments extends CalibrateArguments {
  readonly pair: readonly string[];
  readonly uncertainty?: number | undefined;
}

export interface DotsArguments extends CalibrateArguments {
  readonly grid: string;
  readonly pitch: number;
  readonly picture?: string | undefined;
}

/** Of a grid; more is no good calibration. */
const MOST_RMS_PX = 0.3;
/** What can be a dot: as round as this also at a slant, and not much smaller or larger than most. */
const LEAST_ROUND = 0.75;
const OF_MEDIAN_AREA = 3;
/** How far the edge of a dot is searched, in pixels. */
const SEARCH = 4;
const MOST_PAIRS = 1000;

export async function calibrateScale(args: ScaleArguments): Promise<void> {
  demandRange('--pixels', args.pixels, 1, 1e5);
  demandRange('--millimetres', args.millimetres, 1e-9, 1e9);
  if (args.uncertainty !== undefined) demandRange('--uncertainty', args.uncertainty, 0, 1e9);
  await calibrate(args, async (frame, at) => fromScale(sizeOf(frame), args, at));
}

export async function calibratePoints(args: PointsArguments): Promise<void> {
  if (args.uncertainty !== undefined) demandRange('--uncertainty', args.uncertainty, 0, 1e9);
  if (args.pair.length > MOST_PAIRS) throw new FastsamError('USAGE', `--pair: expected at most ${MOST_PAIRS}`);
  const references = args.pair.map(referenceOf);
  await calibrate(args, async (frame, at) => {
    const outside = references.find(({ px: [x, y] }) => x < 0 || y < 0 || x > frame.width || y > frame.height);
    if (outside) throw new FastsamError('USAGE', `--pair ${outside.px.join(',')}: not in a picture of ${frame.width}x${frame.height}`);
    return fromPoints(sizeOf(frame), references, args.uncertainty, at);
  });
}

export async function calibrateDots(args: DotsArguments): Promise<void> {
  const [, columns, rows] = /^(\d{1,3})x(\d{1,3})$/.exec(args.grid)?.map(Number) ?? [];
  if (!columns || !rows || columns < 2 || rows < 2 || columns * rows < 4)
    throw new FastsamError('USAGE', `--grid ${args.grid}: expected columns and rows, as 9x7`);
  demandRange('--pitch', args.pitch, 1e-9, 1e9);
  if (args.picture !== undefined) {
    demandPicture(args.picture, '--picture');
    await (await Inputs.of([args.source])).demandOther(args.picture, '--picture');
  }
  await calibrate(args, async (frame, at) => {
    const references = orderDots(await dotsIn(frame), columns, rows, args.pitch);
    const calibration = fromDots(sizeOf(frame), references, args.pitch, at);
    if (args.picture !== undefined) await drawDots(args.picture, frame, references, calibration);
    const { rmsPx } = calibration.residual;
    if (rmsPx > MOST_RMS_PX) {
      throw new FastsamError(
        'SOURCE_CORRUPT',
        `the dots are ${rmsPx.toFixed(2)} px rms off their grid; expected at most ${MOST_RMS_PX}: is the grid flat, at rest and in focus?`,
      );
    }
    return calibration;
  });
}

async function calibrate(args: CalibrateArguments, work: (frame: Frame, at: string) => Promise<Calibration>): Promise<void> {
  if (!/\.json$/i.test(args.out)) throw new FastsamError('USAGE', `--out ${args.out}: expected a .json file`);
  await (await Inputs.of([args.source])).demandOther(args.out, '--out');
  using finishing = finishBeforeLeaving();
  let calibration: Calibration | undefined;
  await withSource(args.source, {}, finishing, async (source) => {
    for await (const frame of firstFrames(source, 1)) {
      using held = frame;
      calibration = await usable(() => work(held, new Date().toISOString()));
    }
  });
  if (!calibration) throw new FastsamError('SOURCE_LOST', `${args.source}: no frame came`);
  const text = `${JSON.stringify(calibration, null, 2)}\n`;
  await writeOutput(args.out, () => writeDurably(args.out, text));
  if (args.json) await writeLine(JSON.stringify(calibration));
  else for (const line of report(calibration)) await writeLine(line);
  tell(`fastsamd: wrote ${args.out}`);
}

function* report(calibration: Calibration): Iterable<string> {
  const { by, frame, residual, placeUncertainty, lens } = calibration;
  yield `${nominalScale(calibration).toPrecision(6)} mm per pixel in the middle of ${frame.width}x${frame.height}`;
  if (by !== 'scale') {
    const { references, rmsPx, rmsMm, maxPx } = residual;
    yield `${references} places, ${rmsPx.toFixed(3)} px (${rmsMm.toPrecision(3)} mm) rms off, ${maxPx.toFixed(3)} px at most`;
  }
  if (lens.k1 !== 0 || lens.k2 !== 0) yield `lens: k1 ${lens.k1.toFixed(5)}, k2 ${lens.k2.toFixed(5)}`;
  yield placeUncertainty === null
    ? 'uncertainty not known: give --uncertainty, or more places'
    : `uncertainty of a place ${placeUncertainty.toPrecision(3)} mm`;
}

/** Places that fix no plane are the user's to mend, and so is a plane whose horizon is in the picture. */
async function usable(work: () => Promise<Calibration>): Promise<Calibration> {
  let calibration: Calibration;
  try {
    calibration = await work();
  } catch (error) {
    if (isFastsamError(error, 'MISUSE')) throw new FastsamError('USAGE', messageOf(error), { cause: error });
    throw error;
  }
  const { width, height } = calibration.frame;
  const { homography } = calibration;
  const depths = [
    [0, 0],
    [width, 0],
    [width, height],
    [0, height],
  ].map(([x, y]) => homography[6]! * x! + homography[7]! * y! + homography[8]!);
  if (depths.every((depth) => depth > 0) || depths.every((depth) => depth < 0)) return calibration;
  throw new FastsamError('USAGE', 'the horizon of this plane lies in the picture; check the places');
}

/** Centres of what can be a dot, found again in the picture. */
async function dotsIn(frame: Frame): Promise<Point[]> {
  const { width, height } = frame;
  const rgb = await native().toRgb(frame.pixels as NativeFrame);
  const luma = new Uint8Array(width * height);
  for (let k = 0; k < luma.length; k += 1) luma[k] = (77 * rgb[3 * k]! + 150 * rgb[3 * k + 1]! + 29 * rgb[3 * k + 2]!) >> 8;
  const blobs = darkBlobs(luma, width, height);
  const measured = await measureObjects(
    frame,
    blobs,
    Uint32Array.from({ length: blobs.count }, (_, k) => k),
    { cell: SEARCH },
  );
  const round = measured.filter(({ values, edge }) => edge === 'refined' && values.circularity > LEAST_ROUND && values.holes === 0);
  const areas = round.map(({ values }) => values.area).sort((a, b) => a - b);
  const median = areas[areas.length >> 1] ?? 0;
  return round
    .filter(({ values: { area } }) => area < OF_MEDIAN_AREA * median && area > median / OF_MEDIAN_AREA)
    .map(({ values: { x, y } }): Point => [x, y]);
}

/** A cross on every dot, and a line that shows how far off the grid it is, 100 times as long. */
async function drawDots(path: string, frame: Frame, references: readonly Reference[], calibration: Calibration): Promise<void> {
  const scale = nominalScale(calibration);
  const lines = references.flatMap(({ px: [x, y], mm }) => {
    const [mx, my] = toPlane(calibration, [x, y]);
    const off: Point = [x + (100 * (mx - mm[0])) / scale, y + (100 * (my - mm[1])) / scale];
    return [
      { points: Float64Array.of(x - 4, y, x + 4, y), closed: false, color: 0x1f8f3f, width: 1.5 },
      { points: Float64Array.of(x, y - 4, x, y + 4), closed: false, color: 0x1f8f3f, width: 1.5 },
      { points: Float64Array.of(x, y, ...off), closed: false, color: 0xc8281e, width: 1.5 },
    ];
  });
  const annotated = await native().annotate(frame.pixels as NativeFrame, lines, []);
  try {
    await writePicture(path, await native().toRgb(annotated), frame);
  } finally {
    annotated.release();
  }
}

/** `102,88=0,0`. Errors: USAGE. */
function referenceOf(pair: string): Reference {
  const number = String.raw`\s*(-?\d+(?:\.\d+)?)\s*`;
  const found = new RegExp(`^${number},${number}=${number},${number}$`).exec(pair);
  if (!found) throw new FastsamError('USAGE', `--pair ${pair}: expected X,Y in pixels = X,Y in millimetres, as 102,88=0,0`);
  const [, x, y, mx, my] = found.map(Number) as [number, number, number, number, number];
  return { px: [x, y], mm: [mx, my] };
}

function sizeOf({ width, height }: Frame): Calibration['frame'] {
  return { width, height };
}
