/** Dots of a printed grid: which blobs of a picture can be some, and which dot is which. Pure. */
import type { Point } from '../domain/box.js';
import type { Segments } from '../domain/segments.js';
import { FastsamError } from '../errors.js';
import type { Reference } from './calibrate.js';

/** Share of the shorter side: a dot is darker than the mean of so wide a square around it, in bright and in dim light. */
const AROUND = 1 / 8;
/** Of the range between the 5th and the 95th percentile of the picture. */
const LEAST_CONTRAST = 0.2;
const LEAST_PIXELS = 20;
/** A picture full of noise has more. */
const MOST_BLOBS = 20_000;
/** A neighbour lies this near to where the grid expects it, in pitches. */
const NEAR = 0.35;

/**
 * What is darker than the picture around it, in pieces: `luma` is [height × width], row-major. Pieces of fewer than 20 pixels are left out.
 * Errors: SOURCE_CORRUPT for a picture of more pieces than any grid has.
 */
export function darkBlobs(luma: Uint8Array, width: number, height: number): Segments {
  const isDark = darkPixels(luma, width, height);
  // Runs down the columns, joined where they touch those of the column before.
  const runs: { x: number; y0: number; y1: number; parent: number }[] = [];
  const root = (k: number): number => {
    while (runs[k]!.parent !== k) k = runs[k]!.parent = runs[runs[k]!.parent]!.parent;
    return k;
  };
  let before: [number, number] = [0, 0];
  for (let x = 0; x < width; x += 1) {
    const first = runs.length;
    for (let y = 0; y < height; y += 1) {
      if (!isDark(x, y)) continue;
      const y0 = y;
      while (y < height && isDark(x, y)) y += 1;
      const k = runs.push({ x, y0, y1: y, parent: runs.length }) - 1;
      for (let other = before[0]; other < before[1]; other += 1) {
        if (runs[other]!.y0 < y && y0 < runs[other]!.y1) runs[root(other)]!.parent = root(k);
      }
    }
    before = [first, runs.length];
    if (runs.length > 100 * MOST_BLOBS) throw tooMany();
  }
  const blobs = new Map<number, number[]>();
  for (const k of runs.keys()) {
    const of = root(k);
    const blob = blobs.get(of);
    if (blob) blob.push(k);
    else blobs.set(of, [k]);
  }
  // What touches the border of the picture is no whole dot.
  const isInside = ({ x, y0, y1 }: (typeof runs)[number]) => x > 0 && x < width - 1 && y0 > 0 && y1 < height;
  const large = [...blobs.values()].filter((blob) => {
    const pixels = blob.reduce((sum, k) => sum + runs[k]!.y1 - runs[k]!.y0, 0);
    return pixels >= LEAST_PIXELS && blob.every((k) => isInside(runs[k]!));
  });
  if (large.length > MOST_BLOBS) throw tooMany();
  return segmentsOf(
    large.map((blob) => blob.map((k) => runs[k]!)),
    width,
    height,
  );
}

/**
 * Which of these places is which dot of a grid of `columns` × `rows`, seen at a slant and turned by any angle, from its own neighbours:
 * the first dot is the one that is upper left in the picture, x goes to the right. Errors: SOURCE_CORRUPT when the places are no such grid,
 * with what was found.
 */
export function orderDots(places: readonly Point[], columns: number, rows: number, pitch: number): Reference[] {
  const found = new Map<number, readonly [number, number]>();
  const taken = new Map<string, number>();
  const start = nearestTo(places, meanOf(places));
  const basis = start === undefined ? undefined : basisAt(places, start);
  const steps = new Map<number, readonly [Point, Point]>();
  if (start !== undefined && basis) {
    found.set(start, [0, 0]);
    taken.set('0,0', start);
    steps.set(start, basis);
    for (const [dot, [i, k]] of found) {
      const [right, down] = steps.get(dot)!;
      const [x, y] = places[dot]!;
      for (const [di, dk] of [
        [1, 0],
        [-1, 0],
        [0, 1],
        [0, -1],
      ] as const) {
        const key = `${i + di},${k + dk}`;
        if (taken.has(key)) continue;
        const expected: Point = [x + di * right[0] + dk * down[0], y + di * right[1] + dk * down[1]];
        const next = nearestTo(places, expected);
        const spacing = di === 0 ? Math.hypot(...down) : Math.hypot(...right);
        if (next === undefined || found.has(next) || distance(places[next]!, expected) > NEAR * spacing) continue;
        found.set(next, [i + di, k + dk]);
        taken.set(key, next);
        // The grid's step changes with the slant: what was just seen is the better guess for the next one.
        const seen: Point = [(places[next]![0] - x) * (di + dk), (places[next]![1] - y) * (di + dk)];
        steps.set(next, di === 0 ? [right, seen] : [seen, down]);
      }
    }
  }
  const cells = [...found.values()];
  const least = [Math.min(...cells.map(([i]) => i)), Math.min(...cells.map(([, k]) => k))] as const;
  const size = [Math.max(...cells.map(([i]) => i)) - least[0] + 1, Math.max(...cells.map(([, k]) => k)) - least[1] + 1] as const;
  const isGrid = (size[0] === columns && size[1] === rows) || (size[0] === rows && size[1] === columns);
  if (!isGrid || found.size !== columns * rows) {
    const seen = found.size === 0 ? 'none' : `${found.size} dots in a grid of ${size[0]}x${size[1]}`;
    throw new FastsamError(
      'SOURCE_CORRUPT',
      `expected ${columns}x${rows} dots, found ${seen} among ${places.length} round dark places; expected the whole grid in the picture, dark dots on a bright ground, in focus`,
    );
  }
  return [...found].map(([dot, [i, k]]) => ({ px: places[dot]!, mm: [(i - least[0]) * pitch, (k - least[1]) * pitch] }));
}

/** Steps to the right and down from a dot to its nearest neighbours in two directions. */
function basisAt(places: readonly Point[], dot: number): readonly [Point, Point] | undefined {
  const [x, y] = places[dot]!;
  const others = places
    .filter((_, k) => k !== dot)
    .map(([ox, oy]): Point => [ox - x, oy - y])
    .sort((a, b) => Math.hypot(...a) - Math.hypot(...b));
  const [first] = others;
  if (!first) return undefined;
  const second = others.find(
    (each) => Math.abs(first[0] * each[1] - first[1] * each[0]) > 0.7 * Math.hypot(...first) * Math.hypot(...each),
  );
  if (!second) return undefined;
  // The flatter one goes to the right, the steeper one down.
  const [flat, steep] = Math.abs(first[0] * second[1]) >= Math.abs(first[1] * second[0]) ? [first, second] : [second, first];
  return [flat[0] >= 0 ? flat : [-flat[0], -flat[1]], steep[1] >= 0 ? steep : [-steep[0], -steep[1]]];
}

function darkPixels(luma: Uint8Array, width: number, height: number): (x: number, y: number) => boolean {
  const histogram = new Uint32Array(256);
  for (const value of luma) histogram[value]! += 1;
  const percentile = (share: number) => {
    let left = share * luma.length;
    return histogram.findIndex((count) => {
      left -= count;
      return left <= 0;
    });
  };
  const least = Math.max(8, LEAST_CONTRAST * (percentile(0.95) - percentile(0.05)));
  const sums = new Float64Array((width + 1) * (height + 1));
  for (let y = 0; y < height; y += 1) {
    let row = 0;
    for (let x = 0; x < width; x += 1) {
      row += luma[y * width + x]!;
      sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1]! + row;
    }
  }
  const reach = Math.max(4, Math.round((AROUND * Math.min(width, height)) / 2));
  return (x, y) => {
    const [x0, x1] = [Math.max(0, x - reach), Math.min(width, x + reach + 1)];
    const [y0, y1] = [Math.max(0, y - reach), Math.min(height, y + reach + 1)];
    const at = (column: number, row: number) => sums[row * (width + 1) + column]!;
    const mean = (at(x1, y1) - at(x0, y1) - at(x1, y0) + at(x0, y0)) / ((x1 - x0) * (y1 - y0));
    return luma[y * width + x]! < mean - least;
  };
}

function segmentsOf(blobs: readonly (readonly { x: number; y0: number; y1: number }[])[], width: number, height: number): Segments {
  const runs = blobs.flatMap((blob) => blob.flatMap(({ x, y0, y1 }) => [x * height + y0, x * height + y1]));
  const offsets = [0];
  for (const blob of blobs) offsets.push(offsets.at(-1)! + blob.length);
  return {
    ...{ width, height, count: blobs.length },
    boxes: Float32Array.from(
      blobs.flatMap((blob) => [
        blob[0]!.x,
        blob.reduce((least, { y0 }) => Math.min(least, y0), height),
        blob.at(-1)!.x + 1,
        blob.reduce((most, { y1 }) => Math.max(most, y1), 0),
      ]),
    ),
    scores: new Float32Array(blobs.length).fill(1),
    classes: new Int32Array(blobs.length),
    areas: Uint32Array.from(blobs, (blob) => blob.reduce((sum, { y0, y1 }) => sum + y1 - y0, 0)),
    runs: Uint32Array.from(runs),
    offsets: Uint32Array.from(offsets),
  };
}

function nearestTo(places: readonly Point[], [x, y]: Point): number | undefined {
  let best: number | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const [k, place] of places.entries()) {
    const away = Math.hypot(place[0] - x, place[1] - y);
    if (away < least) [best, least] = [k, away];
  }
  return best;
}

function meanOf(places: readonly Point[]): Point {
  const sum = (axis: 0 | 1) => places.reduce((total, place) => total + place[axis], 0) / places.length;
  return [sum(0), sum(1)];
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}

function tooMany(): FastsamError {
  return new FastsamError('SOURCE_CORRUPT', 'thousands of dark places; expected a sharp picture of a printed grid of dots');
}
