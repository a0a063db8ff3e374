/** Which object of this frame is which of the last ones, and which of them deserve another look. No I/O. */
import { type Box, boxIou } from '../domain/box.js';
import { boxOf, type Segments } from '../domain/segments.js';

/** Objects of this many pixels or fewer say nothing; FastSAM skips them too. */
export const MIN_AREA = 100;
/** Least likeness of an object with itself one frame later. */
const SAME_OBJECT = 0.3;
/** An object that was not seen for this long is forgotten. */
const FORGET_MS = 2000;
/** Most objects remembered, seen or not. */
const MAX_REMEMBERED = 2048;

/** When a known object is looked at again. */
export interface RefreshRule {
  /** The box overlaps the one at the last look by less than this (IoU). */
  readonly iou: number;
  /** The mask's area differs from the one at the last look by more than this share. */
  readonly area: number;
  /** The last look is this many milliseconds ago. */
  readonly ageMs: number;
}

/** What was seen of an object, and when. */
interface Look {
  readonly embedding: Float32Array;
  readonly atMs: number;
  readonly box: Box;
  readonly area: number;
}

export interface RememberedObject {
  /** The id of its track; 0: none, or none that is confirmed yet. */
  track: number;
  box: Box;
  area: number;
  seenMs: number;
  look: Look | undefined;
  /** Computed from the embedding on first use; dropped with it. */
  scores: { readonly questions: unknown; readonly values: Float32Array } | undefined;
}

export class ObjectMemory {
  readonly #rule: RefreshRule;
  #objects: RememberedObject[] = [];
  #current: (RememberedObject | undefined)[] = [];

  constructor(rule: RefreshRule) {
    this.#rule = rule;
  }

  /** Objects of the latest frame by index; undefined where the mask is too small. */
  get current(): readonly (RememberedObject | undefined)[] {
    return this.#current;
  }

  /**
   * Recognises the objects of a frame: by their tracks, where they have one; those without, and those whose track was confirmed in this
   * frame, most alike first, by overlap of the boxes and likeness of the areas. `tracks`: [count] ids, 0: none; absent without tracking.
   */
  see(segments: Segments, nowMs: number, tracks?: Uint32Array): void {
    // A clock that went back (another file, say) makes everything old new.
    const known = this.#objects.filter(({ seenMs }) => nowMs >= seenMs && nowMs - seenMs <= FORGET_MS);
    const byTrack = new Map(known.filter(({ track }) => track !== 0).map((object) => [object.track, object] as const));
    const boxes = Array.from({ length: segments.count }, (_, k) => boxOf(segments, k));
    const pairs: { index: number; object: RememberedObject; likeness: number }[] = [];
    for (const [index, box] of boxes.entries()) {
      const area = segments.areas[index]!;
      if (area <= MIN_AREA) continue;
      if (byTrack.has(tracks?.[index] ?? 0)) continue;
      for (const object of known) {
        if (object.track !== 0) continue;
        const likeness = boxIou(box, object.box) * (Math.min(area, object.area) / Math.max(area, object.area));
        if (likeness >= SAME_OBJECT) pairs.push({ index, object, likeness });
      }
    }
    pairs.sort((a, b) => b.likeness - a.likeness || a.index - b.index);
    const current = new Array<RememberedObject | undefined>(segments.count).fill(undefined);
    const taken = new Set<RememberedObject>();
    for (const index of boxes.keys()) if (segments.areas[index]! > MIN_AREA) current[index] = byTrack.get(tracks?.[index] ?? 0);
    for (const { index, object } of pairs) {
      if (current[index] || taken.has(object)) continue;
      current[index] = object;
      taken.add(object);
    }
    const fresh: RememberedObject[] = [];
    for (const [index, box] of boxes.entries()) {
      const area = segments.areas[index]!;
      if (area <= MIN_AREA) continue;
      const object = current[index] ?? { track: 0, box, area, seenMs: nowMs, look: undefined, scores: undefined };
      if (!current[index]) fresh.push(object);
      Object.assign(object, { track: tracks?.[index] || object.track, box, area, seenMs: nowMs });
      current[index] = object;
    }
    this.#current = current;
    const all = [...known, ...fresh];
    this.#objects = all.length <= MAX_REMEMBERED ? all : all.sort((a, b) => b.seenMs - a.seenMs).slice(0, MAX_REMEMBERED);
  }

  /** At most `budget` indices of the latest frame that need a look, those whose last one is the longest ago first. */
  due(budget: number, nowMs: number): Uint32Array {
    const due = [...this.#current.entries()].filter(([, object]) => object && this.#isDue(object, nowMs));
    const lookedAt = (object: RememberedObject | undefined) => object?.look?.atMs ?? Number.NEGATIVE_INFINITY;
    // Never looked at: in the order of the network's own scores. (−∞ − −∞ is NaN.)
    due.sort(([i, a], [k, b]) => (lookedAt(a) === lookedAt(b) ? i - k : lookedAt(a) - lookedAt(b)));
    return Uint32Array.from(due.slice(0, budget), ([index]) => index);
  }

  /** Keeps what was seen of object `index` of the latest frame. */
  keep(index: number, embedding: Float32Array, atMs: number): void {
    const object = this.#current[index];
    if (!object) return;
    object.look = { embedding, atMs, box: object.box, area: object.area };
    object.scores = undefined;
  }

  #isDue({ box, area, look }: RememberedObject, nowMs: number): boolean {
    if (!look) return true;
    const { iou: least, area: most, ageMs } = this.#rule;
    return nowMs - look.atMs >= ageMs || boxIou(box, look.box) < least || Math.abs(area - look.area) > most * look.area;
  }
}
