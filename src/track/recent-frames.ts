/** The objects of the last moments of a camera, for prompts that point into a picture that is no longer the newest. */
import type { Segments } from '../domain/segments.js';

/** Somebody who clicks on a picture has seen it through a network and took a moment to decide. */
const HELD_MS = 2000;
const MAX_FRAMES = 64;
const MAX_BYTES = 16 * 1024 * 1024;

export interface RecentFrame {
  readonly seq: number;
  readonly timeMs: number;
  readonly segments: Segments;
  /** [count] track of each object; 0: none. */
  readonly ids: Uint32Array;
}

export class RecentFrames {
  #frames: RecentFrame[] = [];
  #bytes = 0;

  /** In the order of the frames. Drops what is too old, too much or before a jump of time. */
  add(frame: RecentFrame): void {
    if (frame.timeMs < (this.#frames.at(-1)?.timeMs ?? frame.timeMs)) this.clear();
    this.#frames.push(frame);
    this.#bytes += bytesOf(frame);
    while (this.#frames.length > 1 && this.#isTooMuch(frame.timeMs)) this.#bytes -= bytesOf(this.#frames.shift()!);
  }

  clear(): void {
    this.#frames = [];
    this.#bytes = 0;
  }

  /**
   * The frame `seq`, and those within `aroundMs` of it, at least one on each side where there is one: the mask of one frame alone
   * may be another object's. Undefined when it is not held (any more).
   */
  around(seq: number, aroundMs: number): { readonly frame: RecentFrame; readonly near: readonly RecentFrame[] } | undefined {
    const at = this.#frames.findIndex((each) => each.seq === seq);
    const frame = this.#frames[at];
    if (!frame) return undefined;
    const near = this.#frames.filter((each, k) => Math.abs(k - at) <= 1 || Math.abs(each.timeMs - frame.timeMs) <= aroundMs);
    return { frame, near };
  }

  #isTooMuch(nowMs: number): boolean {
    return this.#frames.length > MAX_FRAMES || this.#bytes > MAX_BYTES || nowMs - this.#frames[0]!.timeMs > HELD_MS;
  }
}

function bytesOf({ segments, ids }: RecentFrame): number {
  const { runs, boxes, offsets, areas, scores, classes } = segments;
  return [runs, boxes, offsets, areas, scores, classes, ids].reduce((sum, { byteLength }) => sum + byteLength, 0);
}
