/** A line and the crossings that it has counted. Pure but for what it remembers. */
import type { Segments } from '../domain/segments.js';
import type { Tracks } from '../domain/track.js';
import { DIRECTIONS, type LineConfig, type Speed, type ZoneEvent } from '../domain/zone.js';
import { anchorOf, type Place, roughAnchorOf } from './anchor.js';
import { type Countable, MAX_REMEMBERED } from './countable.js';
import { cross, marginOf, toPixels } from './geometry.js';

export class Line {
  readonly total = { in: 0, out: 0 };
  /** Of each track the side that it last was clearly on, and where it was then. */
  readonly #settled = new Map<number, { side: 1 | -1; at: Place; counted: boolean }>();
  /** The sign of the side that objects come to when they go in. */
  readonly #inside: 1 | -1;

  /** `config`: of lineSchema, which refuses lines that have no sides. */
  constructor(readonly config: LineConfig) {
    const { from, to } = config;
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    const side = config.in ?? (Math.abs(dy) >= Math.abs(dx) ? 'right' : 'down');
    const [nx, ny] = DIRECTIONS[side];
    this.#inside = dx * ny - dy * nx > 0 ? 1 : -1;
  }

  get id(): string {
    return this.config.id;
  }

  observe(
    segments: Segments,
    tracks: Tracks,
    isCountable: Countable,
    speedOf: (track: number) => Speed | undefined,
    events: ZoneEvent[],
  ): void {
    const { config } = this;
    if (tracks.reset) this.#settled.clear();
    for (const { id } of tracks.ended) this.#settled.delete(id);
    const from = toPixels(config.from, config.space, segments);
    const to = toPixels(config.to, config.space, segments);
    const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
    const margin = marginOf(config.margin, segments);
    const sideOf = (at: Place): 1 | -1 | 0 => {
      const distance = cross(from, to, at) / length;
      return Math.abs(distance) <= margin ? 0 : distance > 0 ? 1 : -1;
    };
    const named = tracks.named?.length ? new Map(tracks.named.map((track) => [track.id, track])) : undefined;
    for (let index = 0; index < segments.count; index += 1) {
      const track = tracks.ids[index]!;
      const mayCount = isCountable(index, config);
      // A part crosses with its whole, and is on the other side with it when it is on its own again.
      const isCarried = config.objects === 'whole' && tracks.parents[index] !== 0 && this.#settled.has(track);
      if (!mayCount && !isCarried) continue;
      const first = named?.get(track);
      // Where it was when it had no name yet.
      const begin = first && roughAnchorOf(first.box, first.centroid, config.anchor);
      if (begin) this.#settle(track, sideOf(begin), begin, false);
      const at = anchorOf(segments, index, config.anchor);
      const side = sideOf(at);
      if (side === 0) continue;
      const before = this.#settled.get(track);
      let counted = before?.counted ?? false;
      // Who passes beside an end of the line has not crossed it.
      const crosses = before && before.side !== side && cross(before.at, at, from) * cross(before.at, at, to) <= 0;
      if (mayCount && crosses && !(config.once && counted)) {
        counted = true;
        const direction = side === this.#inside ? 'in' : 'out';
        this.total[direction] += 1;
        const speed = speedOf(track);
        events.push({
          type: 'line-crossed',
          line: config.id,
          track,
          direction,
          at: [round(at[0]), round(at[1])],
          ...(speed ? { speed } : {}),
          total: { ...this.total },
        });
      }
      this.#settle(track, side, at, counted);
    }
  }

  /** `side`: 0 on the line, which says nothing. */
  #settle(track: number, side: 1 | -1 | 0, at: Place, counted: boolean): void {
    if (side === 0 || (!this.#settled.has(track) && this.#settled.size >= MAX_REMEMBERED)) return;
    this.#settled.set(track, { side, at, counted });
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
