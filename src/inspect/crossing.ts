/**
 * The trigger `crossing`: parts go by on a belt, and each gets one verdict when its track has crossed a line. A track is armed before
 * the line, measured within `margin` of it, and done once it is clearly behind. Pure but for what it remembers, which is bounded by
 * the tracks that are alive.
 */
import type { Box } from '../domain/box.js';
import type { TriggerConfig } from '../domain/recipe.js';
import { boxOf, type Segments, touchesFrame } from '../domain/segments.js';
import type { Tracks } from '../domain/track.js';
import { DIRECTIONS } from '../domain/zone.js';
import { anchorOf, type Place } from '../zone/anchor.js';
import { countableOf } from '../zone/countable.js';
import { cross, toPixels } from '../zone/geometry.js';
import { lieInOnePlace, showOnePart } from './one-part.js';

export type CrossingConfig = Extract<TriggerConfig, { type: 'crossing' }>;

/** `margin` when absent, as a share of the frame's shorter side. */
const DEFAULT_MARGIN = 0.06;
/** The usual size of a part is that of the newest that have passed. */
const SIZES = 31;
/** More than a tracker holds. */
const MAX_REMEMBERED = 4096;

/** An object of this frame that is to be judged now; `keep` takes the judgement. */
export interface Due<T> {
  readonly track: number;
  readonly index: number;
  readonly keep: (judged: T) => void;
}

/** A part that has passed. */
export interface Passed<T> {
  readonly track: number;
  /** What was kept of it, nearest to the line first. */
  readonly kept: readonly T[];
  /** Its track ended before it was clearly behind the line. */
  readonly lost: boolean;
}

interface Part<T> {
  /** Distance from the line along `direction`, of the place where it is or, unseen, is expected; negative before the line. */
  at: number;
  /** Where it is or, unseen, is expected. */
  box: Readonly<Box>;
  /** Where it was when it was last clearly before the line. */
  origin: Place;
  phase: 'armed' | 'done' | 'ignored';
  kept: { readonly from: number; readonly judged: T }[];
  /** Tracks that showed the same part when this one was last seen. */
  mates: number[];
}

/** A part that has an object in this frame. */
interface Seen<T> {
  readonly index: number;
  readonly track: number;
  readonly part: Part<T>;
}

/** The line in pixels of one frame. */
interface Gate {
  readonly ends: readonly [Place, Place];
  readonly margin: number;
  /** Signed distance of a place along the direction. */
  readonly distance: (place: Place) => number;
}

export class Crossing<T> {
  readonly #config: CrossingConfig;
  readonly #drop: (judged: T) => void;
  readonly #parts = new Map<number, Part<T>>();
  /** Pixels of the parts that have passed, the newest last. */
  readonly #sizes: number[] = [];
  #unseen = 0;
  /** Cut off by a new picture; told with the next frame. */
  #cutOff: Passed<T>[] = [];

  /** `drop`: frees what was kept of a part, where it is not handed out by `passed`. */
  constructor(config: CrossingConfig, drop: (judged: T) => void = () => undefined) {
    this.#config = config;
    this.#drop = drop;
  }

  /** Forgets all parts. */
  close(): void {
    for (const { kept } of this.#cutOff.splice(0)) kept.forEach(this.#drop);
    for (const part of this.#parts.values()) this.#forget(part);
    this.#parts.clear();
  }

  /** Parts that were first seen behind the line, where no other part was: they have no verdict. */
  get unseen(): number {
    return this.#unseen;
  }

  /**
   * First half of a frame: which objects have to be judged now. `parts`: indices of the objects that can be parts. Objects without
   * a confirmed track, and pieces of other objects, never count.
   */
  measure(segments: Segments, tracks: Tracks, parts: ReadonlySet<number>): Due<T>[] {
    const gate = this.#gateIn(segments);
    if (tracks.reset) this.#cutOffAll();
    const isCountable = countableOf(segments, tracks, []);
    const due: Due<T>[] = [];
    for (let index = 0; index < segments.count; index += 1) {
      if (!isCountable(index, { objects: 'whole', maxArea: 1 })) continue;
      const track = tracks.ids[index]!;
      const place = anchorOf(segments, index, this.#config.anchor);
      const box = boxOf(segments, index);
      const part = this.#parts.get(track) ?? (parts.has(index) ? this.#begin(track, place, box, gate, tracks) : undefined);
      if (!part) continue;
      part.box = box;
      part.at = gate.distance(place);
      if (part.phase !== 'armed') continue;
      if (part.at < -gate.margin) {
        part.origin = place;
        this.#forget(part);
      } else if (part.at > gate.margin && !cutsLine(part.origin, place, gate.ends)) this.#ignore(part);
      else if (parts.has(index)) {
        const keep = this.#keeper(part, segments, index, gate);
        if (keep) due.push({ track, index, keep });
      }
    }
    this.#findMates(segments, tracks);
    this.#expectUnseen(tracks, gate);
    return due;
  }

  /** Second half, once the judgements are kept: the parts that have passed, the one that is farthest ahead first. */
  passed(segments: Segments, tracks: Tracks): Passed<T>[] {
    const { margin } = this.#gateIn(segments);
    const passed = this.#cutOff;
    this.#cutOff = [];
    for (const { id } of tracks.ended) {
      const part = this.#parts.get(id);
      this.#parts.delete(id);
      // It was measured, or has gone past the line unseen, and no other track has the part.
      if (part?.phase === 'armed' && (part.kept.length > 0 || part.at > 0) && !this.#isHeldByAnother(part))
        passed.push(outcome(id, part, true));
      else if (part) this.#forget(part);
    }
    const behind = [...tracks.ids].flatMap((track, index) => {
      const part = this.#parts.get(track);
      return part?.phase === 'armed' && part.at > margin ? [{ index, part }] : [];
    });
    for (const { index, part } of behind.sort((one, other) => other.part.at - one.part.at)) {
      if (part.phase !== 'armed') continue;
      const twins = part.mates.flatMap((mate) => this.#parts.get(mate) ?? []);
      if (twins.some(({ phase }) => phase === 'done')) {
        this.#ignore(part);
        continue;
      }
      const speaker = this.#largestPiece(segments, tracks, index, part);
      passed.push(outcome(speaker.track, speaker.part, false));
      speaker.part.kept = [];
      // All pieces have had their verdict.
      for (const piece of [part, ...twins.filter(({ phase }) => phase === 'armed')]) {
        piece.phase = 'done';
        this.#forget(piece);
      }
      this.#sizes.push(segments.areas[speaker.index]!);
      if (this.#sizes.length > SIZES) this.#sizes.shift();
    }
    return passed;
  }

  #gateIn(segments: Segments): Gate {
    const { line, space, direction, margin } = this.#config;
    const [a, b] = [toPixels(line[0], space, segments), toPixels(line[1], space, segments)];
    const [nx, ny] = DIRECTIONS[direction];
    const scale = Math.sign((b[0] - a[0]) * ny - (b[1] - a[1]) * nx) / Math.hypot(b[0] - a[0], b[1] - a[1]);
    return {
      ends: [a, b],
      margin: margin ?? DEFAULT_MARGIN * Math.min(segments.width, segments.height),
      distance: (place) => scale * cross(a, b, place),
    };
  }

  /** A track that begins before the line is armed. One that begins where an unseen part is expected goes on with that part. */
  #begin(track: number, place: Place, box: Readonly<Box>, gate: Gate, tracks: Tracks): Part<T> | undefined {
    if (this.#parts.size >= MAX_REMEMBERED) return undefined;
    const unseen = tracks.lost.find(({ id, box: expected }) => this.#parts.has(id) && lieOnEachOther(expected, box));
    const at = gate.distance(place);
    const before = unseen && this.#parts.get(unseen.id);
    const part: Part<T> = before ?? { at, box, origin: place, phase: at < 0 ? 'armed' : 'ignored', kept: [], mates: [] };
    if (unseen) this.#parts.delete(unseen.id);
    else if (at >= 0 && ![...this.#parts.values()].some((known) => lieInOnePlace(known.box, box))) this.#unseen += 1;
    this.#parts.set(track, part);
    return part;
  }

  /** Where to put a judgement of this part as it lies now; undefined when nearer ones are there already. */
  #keeper(part: Part<T>, segments: Segments, index: number, { margin }: Gate): Due<T>['keep'] | undefined {
    const { frames } = this.#config;
    if (part.at > margin && part.kept.length > 0) return undefined;
    // Whole parts first.
    const from = Math.abs(part.at) + (touchesFrame(segments, index) ? segments.width + segments.height : 0);
    if (part.kept.length >= frames && part.kept.at(-1)!.from <= from) return undefined;
    return (judged) => {
      part.kept.push({ from, judged });
      part.kept.sort((one, other) => one.from - other.from);
      for (const { judged: farthest } of part.kept.splice(frames)) this.#drop(farthest);
    };
  }

  #expectUnseen({ lost }: Tracks, { distance }: Gate): void {
    for (const { id, box } of lost) {
      const part = this.#parts.get(id);
      if (!part) continue;
      part.at = distance(middleOf(box));
      part.box = box;
    }
  }

  /** Which of the parts in sight are pieces of one. */
  #findMates(segments: Segments, tracks: Tracks): void {
    const usual = this.#usualSize();
    // Pieces of other objects, too: a piece is that of the whole while both are seen, and may be alone in the next frame.
    const seen: Seen<T>[] = [];
    for (let index = 0; index < segments.count; index += 1) {
      const track = tracks.ids[index]!;
      const part = this.#parts.get(track);
      if (part) seen.push({ index, track, part });
    }
    for (const { part } of seen) part.mates = [];
    for (const [k, one] of seen.entries()) {
      for (let n = k + 1; n < seen.length; n += 1) {
        const other = seen[n]!;
        // What has had its verdict, or gets none, asks for no mates.
        if (one.part.phase !== 'armed' && other.part.phase !== 'armed') continue;
        if (!showOnePart(segments, one.index, other.index, usual)) continue;
        one.part.mates.push(other.track);
        other.part.mates.push(one.track);
      }
    }
  }

  /** Of the pieces of a part that are in sight and were measured, the largest speaks for it; without any this object's. */
  #largestPiece(segments: Segments, tracks: Tracks, index: number, part: Part<T>): { track: number; index: number; part: Part<T> } {
    let largest = { track: tracks.ids[index]!, index, part };
    for (const [other, track] of [...tracks.ids].entries()) {
      const mate = part.mates.includes(track) ? this.#parts.get(track) : undefined;
      if (mate?.phase !== 'armed' || mate.kept.length === 0) continue;
      const isLarger = segments.areas[other]! > segments.areas[largest.index]!;
      if (isLarger || largest.part.kept.length === 0) largest = { track, index: other, part: mate };
    }
    return largest;
  }

  /** The median; undefined before parts have passed. */
  #usualSize(): number | undefined {
    return [...this.#sizes].sort((a, b) => a - b)[this.#sizes.length >> 1];
  }

  /** Whether another track, which has or will have a verdict, is where this part was last or is expected. */
  #isHeldByAnother(part: Part<T>): boolean {
    return [...this.#parts].some(
      ([track, { phase, box }]) => phase !== 'ignored' && (part.mates.includes(track) || lieInOnePlace(box, part.box)),
    );
  }

  #cutOffAll(): void {
    for (const [track, part] of this.#parts)
      if (part.phase === 'armed' && part.kept.length > 0) this.#cutOff.push(outcome(track, part, true));
    this.#parts.clear();
  }

  #ignore(part: Part<T>): void {
    part.phase = 'ignored';
    this.#forget(part);
  }

  #forget(part: Part<T>): void {
    for (const { judged } of part.kept.splice(0)) this.#drop(judged);
  }
}

function outcome<T>(track: number, { kept }: Part<T>, lost: boolean): Passed<T> {
  return { track, kept: kept.map(({ judged }) => judged), lost };
}

/** Whether the way from one place to another meets the line between its ends. */
function cutsLine(from: Place, to: Place, [a, b]: Gate['ends']): boolean {
  return cross(from, to, a) * cross(from, to, b) <= 0;
}

/** The middle of each box lies in the other. */
function lieOnEachOther(one: Readonly<Box>, other: Readonly<Box>): boolean {
  return holds(one, middleOf(other)) && holds(other, middleOf(one));
}

function holds([x1, y1, x2, y2]: Readonly<Box>, [x, y]: Place): boolean {
  return x >= x1 && x <= x2 && y >= y1 && y <= y2;
}

function middleOf([x1, y1, x2, y2]: Readonly<Box>): Place {
  return [(x1 + x2) / 2, (y1 + y2) / 2];
}
