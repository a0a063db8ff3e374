/** Names for the objects of one camera that they keep from frame to frame. */

import { native } from '../addon/addon.js';
import type { CarryRequests, NativeTracker } from '../addon/track.js';
import type { Box } from '../domain/box.js';
import type { Frame } from '../domain/frame.js';
import type { Segments } from '../domain/segments.js';
import type { CameraMotion, Tracks } from '../domain/track.js';

export interface TrackerOptions {
  /** Least score with which an object continues a track. */
  readonly continueScore?: number;
  /**
   * Below this score an object only continues a track that the last frame showed. 0, the default, suits networks whose
   * scores step from frame to frame, as FastSAM's do; a detector whose scores tell objects from mistakes takes about 0.6.
   */
  readonly strongScore?: number;
  /** Least score with which an object begins a track. */
  readonly birthScore?: number;
  /** A track that is not seen for this long ends. */
  readonly keepMs?: number;
  /** After a longer gap between frames all tracks begin again: a camera that was away shows other things. A second at least. */
  readonly reconnectKeepMs?: number;
  /** The id of the first track. */
  readonly firstId?: number;
  /**
   * For a camera that stands still over a belt: all objects that move have the same velocity. A new object is expected to have it
   * too, so that parts are followed that move by more than their length from frame to frame.
   */
  readonly oneMotion?: boolean;
}

export const TRACKER_DEFAULTS = {
  continueScore: 0.1,
  strongScore: 0,
  birthScore: 0.4,
  keepMs: 2000,
  reconnectKeepMs: 10_000,
  firstId: 1,
} as const;

export interface TrackInput {
  /** Time of the frame on a clock that does not jump: its presentation time, or CLOCK_MONOTONIC. */
  readonly timeMs: number;
  /** The frame, for colours. */
  readonly frame?: Pick<Frame, 'pixels'>;
  /** Names the network, where several take turns: mask coefficients of two never compare. */
  readonly model?: string;
  /** Where the previous frame's points lie in this one. */
  readonly cameraMotion?: CameraMotion;
  /** Tracks that are kept for `followedKeepMs` instead of `keepMs`, and found again by colour and size where nothing else fits. */
  readonly followed?: readonly number[];
  /** A minute when absent. */
  readonly followedKeepMs?: number;
  /** Boxes of the previous frame's objects that are asked for and have no track: they get one there, however weak they are. */
  readonly asked?: readonly Box[];
}

/** How long followed tracks are kept unseen when nothing else is asked for. */
const FOLLOWED_KEEP_MS = 60_000;

/** Carried masks of one frame: bounds the time they take. */
const MAX_CARRIED = 64;

export class Tracker {
  readonly #native: NativeTracker;
  /** Models by number, in the order of their first frame. */
  readonly #models: string[] = [];
  #model = 0;
  /** Of the latest frame, lost ones included. */
  #alive: ReadonlySet<number> = new Set();

  constructor(tracker: NativeTracker) {
    this.#native = tracker;
  }

  /**
   * Follows the objects of the next frame. One call at a time, in the order of the frames. A time that goes back begins
   * again; the time of the previous frame again means the same picture. Errors: MISUSE.
   */
  async update(segments: Segments, input: TrackInput): Promise<Tracks> {
    const { timeMs, frame, model = '', cameraMotion, followed = [], followedKeepMs = FOLLOWED_KEEP_MS, asked = [] } = input;
    const begin = performance.now();
    this.#model = this.#numberOf(model);
    const tracks = await this.#native.update(segments, {
      timeMs,
      model: this.#model,
      ...(frame ? { frame: frame.pixels } : {}),
      ...(followed.length > 0 ? { followed: Uint32Array.from(followed), forgetMs: followedKeepMs } : {}),
      ...(asked.length > 0 ? { asked: Float32Array.from(asked.flat()) } : {}),
      ...(cameraMotion ? { motion: cameraMotion.affine, motionUnsure: !cameraMotion.sure } : {}),
    });
    const { live, born, reacquired, ...rest } = tracks;
    this.#alive = new Set([...tracks.ids, ...tracks.lost.map(({ id }) => id)]);
    const stats = { live, born, reacquired, carried: segments.carried?.ids.length ?? 0, ms: performance.now() - begin };
    return { ...rest, stats, ...(cameraMotion ? { cameraMotion } : {}) };
  }

  /**
   * What to carry into the next frame, if this model segments it: `wanted` tracks first, then lost ones. For
   * `engine.segment(frame, options, { coefficients: true, carry: ({ name }) => tracker.carry(name) })`.
   */
  carry(model: string, wanted: readonly number[] = []): CarryRequests | undefined {
    if (this.#models[this.#model] !== model) return undefined;
    return this.#native.carry(Uint32Array.from(wanted), MAX_CARRIED);
  }

  /** Whether the latest frame shows this track, or it may come back. */
  isAlive(id: number): boolean {
    return id !== 0 && this.#alive.has(id);
  }

  /** Ends all tracks; ids go on. */
  reset(): void {
    this.#native.reset();
  }

  #numberOf(model: string): number {
    const known = this.#models.indexOf(model);
    if (known >= 0) return known;
    // A camera has one or two; more are forgotten, which only costs the comparison with older coefficients.
    if (this.#models.length >= 8) this.#models.length = 0;
    return this.#models.push(model) - 1;
  }
}

/** A tracker for one camera. Errors: MISUSE for options out of range, NATIVE_UNAVAILABLE. */
export function openTracker(options: TrackerOptions = {}): Tracker {
  return new Tracker(native().openTracker({ ...TRACKER_DEFAULTS, ...options }));
}
