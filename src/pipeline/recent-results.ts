/** The latest results of each camera, for questions about the very frame that somebody saw. Plain data: no pixels. */
import type { FrameResult } from '../domain/result.js';

/** Of a camera that somebody watches; otherwise the newest alone. */
const WATCHED_DEPTH = 16;
/** Of those that somebody was shown: pages are shown far fewer than there are, where the machine is busy. */
const SHOWN_DEPTH = 16;
const PIN_MS = 120_000;
const MAX_PINNED = 32;

export class RecentResults {
  readonly #byCamera = new Map<string, FrameResult[]>();
  readonly #watched = new Map<string, number>();
  readonly #shown = new Map<string, FrameResult[]>();
  /** By camera and sequence number; until when. */
  readonly #pinned = new Map<string, { readonly result: FrameResult; readonly untilMs: number }>();

  add(camera: string, result: FrameResult): void {
    const results = this.#byCamera.get(camera);
    if (!results) {
      this.#byCamera.set(camera, [result]);
      return;
    }
    results.push(result);
    const depth = this.#watched.has(camera) ? WATCHED_DEPTH : 1;
    while (results.length > depth) results.shift();
  }

  /** Keeps the last results of this camera as long as somebody watches. Returns how to end that. */
  watch(camera: string): () => void {
    this.#watched.set(camera, (this.#watched.get(camera) ?? 0) + 1);
    return () => {
      const left = this.#watched.get(camera)! - 1;
      if (left > 0) this.#watched.set(camera, left);
      else {
        this.#watched.delete(camera);
        this.#shown.delete(camera);
      }
    };
  }

  /** Somebody who watches is shown this one, and may ask about it for as long as it is on the screen. */
  show(camera: string, result: FrameResult): void {
    const shown = this.#shown.get(camera) ?? [];
    this.#shown.set(camera, shown);
    if (shown.at(-1) === result) return;
    shown.push(result);
    if (shown.length > SHOWN_DEPTH) shown.shift();
  }

  /** Keeps one result for two minutes; false when it is gone already. Of too many, the oldest is let go. */
  pin(camera: string, sequence: number, now = performance.now()): boolean {
    const result = this.find(camera, sequence, now);
    if (!result) return false;
    const key = `${camera} ${sequence}`;
    this.#pinned.delete(key);
    this.#pinned.set(key, { result, untilMs: now + PIN_MS });
    if (this.#pinned.size > MAX_PINNED) this.#pinned.delete(this.#pinned.keys().next().value!);
    return true;
  }

  /** The result of this frame, or the newest; undefined when there is none any more. */
  find(camera: string, sequence?: number, now = performance.now()): FrameResult | undefined {
    for (const [key, { untilMs }] of this.#pinned) if (untilMs <= now) this.#pinned.delete(key);
    const results = this.#byCamera.get(camera);
    if (sequence === undefined) return results?.at(-1);
    const isIt = (result: FrameResult) => result.sequence === sequence;
    return results?.find(isIt) ?? this.#shown.get(camera)?.find(isIt) ?? this.#pinned.get(`${camera} ${sequence}`)?.result;
  }

  /** Frames of this camera are counted from 0 again, or it is no more. */
  forget(camera: string): void {
    this.#byCamera.delete(camera);
    this.#shown.delete(camera);
    for (const key of this.#pinned.keys()) if (key.startsWith(`${camera} `)) this.#pinned.delete(key);
  }
}
