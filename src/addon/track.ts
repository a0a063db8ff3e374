/** The tracker of the addon; see native/core/track.h for the algorithm. */
import type { Segments } from '../domain/segments.js';

export interface NativeTrackerOptions {
  readonly continueScore: number;
  readonly strongScore: number;
  readonly birthScore: number;
  readonly keepMs: number;
  readonly reconnectKeepMs: number;
  readonly firstId: number;
  readonly oneMotion?: boolean;
}

export interface NativeTrackInput {
  /** Time of the frame on a clock that does not jump. */
  readonly timeMs: number;
  /** Tells models apart; the coefficients of two never compare. */
  readonly model: number;
  /** The frame, for colours. */
  readonly frame?: object;
  /** xx, xy, dx, yx, yy, dy: where the previous frame's points lie in this one. Absent: the camera stands still. */
  readonly motion?: readonly number[];
  readonly motionUnsure?: boolean;
  /** Tracks that prompts follow: kept for `forgetMs`, and found again by colour and size. */
  readonly followed?: Uint32Array;
  readonly forgetMs?: number;
  /** [n × 4] boxes of the previous frame's objects that a prompt matches and no track shows: weak ones begin tracks there, too. */
  readonly asked?: Float32Array;
}

export interface NativeTracks {
  readonly ids: Uint32Array;
  readonly parents: Uint32Array;
  readonly agesMs: Float32Array;
  readonly velocities: Float32Array;
  readonly lost: readonly {
    readonly id: number;
    readonly box: readonly [number, number, number, number];
    readonly unseenMs: number;
    readonly vx: number;
    readonly vy: number;
  }[];
  readonly ended: readonly {
    readonly id: number;
    readonly box: readonly [number, number, number, number];
    readonly ageMs: number;
    readonly left: boolean;
  }[];
  /** Tracks that got their ids in this frame and were seen before: where that was first. */
  readonly named: readonly {
    readonly id: number;
    readonly box: readonly [number, number, number, number];
    readonly centroid: readonly [number, number];
  }[];
  /** Followed tracks that were found again by their looks. */
  readonly found: Uint32Array;
  readonly reset?: 'time' | 'size' | 'scene';
  readonly live: number;
  readonly born: number;
  readonly reacquired: number;
}

/** Masks to compute from remembered coefficients while a frame is decoded; at most 64. */
export interface CarryRequests {
  readonly ids: Uint32Array;
  /** [n × 4] pixels of the frame. */
  readonly boxes: Float32Array;
  /** [n × 32] */
  readonly coefficients: Float32Array;
}

export interface NativeTracker {
  /** One at a time, in the order of the frames. Errors: MISUSE. */
  update(segments: Segments, input: NativeTrackInput): Promise<NativeTracks>;
  /** What to carry into the next frame: of `wanted` tracks first, then lost ones; undefined: nothing. */
  carry(wanted: Uint32Array, most: number): CarryRequests | undefined;
  /** Forgets everything but the ids that were given. */
  reset(): void;
}

export interface NativeCameraMotion {
  /** Where the previous frame's points lie in this one; one call at a time. Errors: MISUSE. */
  next(frame: object): Promise<{
    /** xx, xy, dx, yx, yy, dy. */
    readonly affine: Float64Array;
    readonly sure: boolean;
    readonly points: number;
    readonly inliers: number;
    /** Of the four sides of the picture, those that move like the rest of it. */
    readonly sides: number;
  }>;
}
