/** Trails, lines and zones as marks over a picture. */
import type { Segments } from '../domain/segments.js';
import type { Tracks } from '../domain/track.js';
import type { Counts, LineConfig, ZoneConfig } from '../domain/zone.js';
import { cssColour, paletteColour } from './object-colours.js';
import type { Marks } from './prompt-marks.js';

const LINE = 0xffd83d;
const ZONE = 0x00b8d9;

/** How long a trail is. */
const TRAIL_MS = 1000;

/** The colour of a track, as long as it lives. */
export function trackColour(id: number): number {
  return paletteColour(id - 1);
}

/** Where the tracks of one stream were in the last second. */
export class Trails {
  readonly #places = new Map<number, { readonly x: number; readonly y: number; readonly timeMs: number }[]>();

  add({ boxes }: Segments, tracks: Tracks, timeMs: number): void {
    if (tracks.reset) this.#places.clear();
    for (const [index, id] of tracks.ids.entries()) {
      if (id === 0) continue;
      const [x1, y1, x2, y2] = boxes.subarray(4 * index, 4 * index + 4);
      const trail = this.#places.get(id) ?? [];
      trail.push({ x: (x1! + x2!) / 2, y: (y1! + y2!) / 2, timeMs });
      this.#places.set(id, trail);
    }
    for (const [id, trail] of this.#places) {
      while (trail.length > 0 && timeMs - trail[0]!.timeMs > TRAIL_MS) trail.shift();
      if (trail.length === 0) this.#places.delete(id);
    }
  }

  marks(width: number): Marks {
    const shapes: string[] = [];
    for (const [id, trail] of this.#places) {
      if (trail.length < 2) continue;
      const points = trail.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');
      const style = `fill="none" stroke-linejoin="round" stroke-linecap="round"`;
      shapes.push(
        `<polyline points="${points}" ${style} stroke="#000" stroke-opacity="0.5" stroke-width="${width + 2}"/>`,
        `<polyline points="${points}" ${style} stroke="${cssColour(trackColour(id))}" stroke-width="${width}"/>`,
      );
    }
    return { shapes, tags: [] };
  }
}

/** Lines and zones with their counts. */
export function zoneMarks(
  lines: readonly LineConfig[],
  zones: readonly ZoneConfig[],
  counts: Counts,
  frame: { readonly width: number; readonly height: number },
  width: number,
): Marks {
  const shapes: string[] = [];
  const tags: Marks['tags'][number][] = [];
  const scaled = ([x, y]: readonly [number, number], space: 'pixel' | 'normalized') =>
    space === 'pixel' ? ([x, y] as const) : ([x * frame.width, y * frame.height] as const);
  for (const { id, from, to, space } of lines) {
    const [x1, y1] = scaled(from, space);
    const [x2, y2] = scaled(to, space);
    const place = `x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"`;
    shapes.push(
      `<line ${place} stroke="#000" stroke-opacity="0.55" stroke-width="${width + 2}"/>`,
      `<line ${place} stroke="${cssColour(LINE)}" stroke-width="${width}"/>`,
    );
    const total = counts.lines[id] ?? { in: 0, out: 0 };
    tags.push({ text: `${id}: ${total.in} in, ${total.out} out`, colour: 0x806a00, at: [(x1 + x2) / 2 + 2 * width, (y1 + y2) / 2] });
  }
  for (const { id, polygon, space } of zones) {
    const corners = polygon.map((corner) => scaled(corner, space));
    const points = corners.map(([x, y]) => `${x},${y}`).join(' ');
    shapes.push(
      `<polygon points="${points}" fill="${cssColour(ZONE)}" fill-opacity="0.12" stroke="#000" stroke-opacity="0.55" stroke-width="${width + 2}"/>`,
      `<polygon points="${points}" fill="none" stroke="${cssColour(ZONE)}" stroke-width="${width}"/>`,
    );
    const [x, y] = corners.reduce((best, corner) => (corner[1] < best[1] ? corner : best));
    tags.push({ text: `${id}: ${counts.zones[id]?.inside ?? 0} inside`, colour: 0x00738a, at: [x + width, y + width] });
  }
  return { shapes, tags };
}
