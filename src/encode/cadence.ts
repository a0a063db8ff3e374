/** Which results are published: every Nth, at most so many a second, or only what differs from the last one. */
import type { FrameResult } from '../domain/result.js';
import type { Segments } from '../domain/segments.js';

export interface CadenceOptions {
  readonly everyNth: number;
  readonly maxFps?: number | undefined;
  readonly onChange: boolean;
}

/** An object has moved when a side of its box has by more than this part of the frame's. */
const MOVED = 0.02;

export class Cadence {
  #count = 0;
  /** Of the next result that maxFps permits, milliseconds. */
  #dueAt = Number.NEGATIVE_INFINITY;
  #last: FrameResult | undefined;
  #dropped: Record<string, number> = {};

  /**
   * The result as it is to be published: with the frames dropped since the last one that was; undefined when it is to
   * be left out. The first result of a prompt revision always passes. `now`: milliseconds, monotonic.
   */
  admit(result: FrameResult, options: CadenceOptions, now: number): FrameResult | undefined {
    for (const [reason, count] of Object.entries(result.dropped)) this.#dropped[reason] = (this.#dropped[reason] ?? 0) + count;
    const isNew = this.#last?.promptRevision !== result.promptRevision;
    const passes = this.#isNth(options) && this.#isDue(options, now) && (!options.onChange || this.#differs(result));
    if (!isNew && !passes) return undefined;
    this.#count = 0;
    if (options.maxFps !== undefined) {
      const periodMs = 1000 / options.maxFps;
      // From when it was due, not from when it came: the rate holds although frames do not come on the dot.
      this.#dueAt = (this.#dueAt < now - periodMs ? now : this.#dueAt) + periodMs;
    }
    this.#last = result;
    const dropped = this.#dropped;
    this.#dropped = {};
    return { ...result, dropped };
  }

  #isNth({ everyNth }: CadenceOptions): boolean {
    this.#count += 1;
    return this.#count >= everyNth;
  }

  #isDue({ maxFps }: CadenceOptions, now: number): boolean {
    return maxFps === undefined || now >= this.#dueAt;
  }

  #differs(result: FrameResult): boolean {
    const last = this.#last;
    if (!last || last.segments.count !== result.segments.count || last.answers.length !== result.answers.length) return true;
    if (result.answers.some(({ matches }, index) => matches.length !== last.answers[index]!.matches.length)) return true;
    return !sameObjects(last.segments, result.segments);
  }
}

/** Whether each object has one of its class in the same place. Ranks do not count: two objects with equal scores swap them often. */
function sameObjects(before: Segments, after: Segments): boolean {
  const { width, height } = after;
  const limits = [MOVED * width, MOVED * height, MOVED * width, MOVED * height];
  const taken = new Uint8Array(before.count);
  const isSame = (old: number, index: number) =>
    taken[old] === 0 &&
    before.classes[old] === after.classes[index] &&
    limits.every((limit, side) => Math.abs(before.boxes[4 * old + side]! - after.boxes[4 * index + side]!) <= limit);
  for (let index = 0; index < after.count; index += 1) {
    // Nearly always the one of the same rank.
    let old = isSame(index, index) ? index : 0;
    while (old < before.count && !isSame(old, index)) old += 1;
    if (old === before.count) return false;
    taken[old] = 1;
  }
  return true;
}
