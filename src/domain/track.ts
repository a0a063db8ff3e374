/** What the objects of one frame are called across frames; packed like the segments that they belong to. */
import type { Box } from './box.js';

/** A track that this frame does not show. */
export interface LostTrack {
  readonly id: number;
  /** Where it is expected. */
  readonly box: Box;
  readonly unseenMs: number;
}

/** A track that was seen before it had an id. */
export interface NamedTrack {
  readonly id: number;
  /** Where it was first seen: its box, and the centroid of its mask. */
  readonly box: Box;
  readonly centroid: readonly [x: number, y: number];
}

/** A track that will not come back. */
export interface EndedTrack {
  readonly id: number;
  /** Where it was last seen. */
  readonly box: Box;
  readonly ageMs: number;
  /** It went out of the frame; else it was not seen for `keepMs`. */
  readonly left: boolean;
}

export interface Tracks {
  /** [count] id of each object; 0: none, or not confirmed yet. Ids grow and are given once. */
  readonly ids: Uint32Array;
  /** [count] id of the track that holds the object and moves along with it; 0: none. */
  readonly parents: Uint32Array;
  /** [count] since the track began. */
  readonly agesMs: Float32Array;
  /** [count × 2] pixels a second, without the camera's motion. */
  readonly velocities: Float32Array;
  readonly lost: readonly LostTrack[];
  /** Followed tracks that this frame shows again elsewhere than expected, found by their looks. */
  readonly found?: Uint32Array;
  /** Since the previous frame. */
  readonly ended: readonly EndedTrack[];
  /** Those that got their ids in this frame. */
  readonly named?: readonly NamedTrack[];
  /**
   * Why all tracks ended before this frame: time went back or stood still for long, the frame has another size, or the
   * camera came back with another picture.
   */
  readonly reset?: 'time' | 'size' | 'scene';
  /** Where the previous frame's points lie in this one; absent with a fixed camera. */
  readonly cameraMotion?: CameraMotion;
  readonly stats: TrackStats;
}

/**
 * Whether the camera's motion is taken out: `fixed` never; `moving` of every frame; `auto` while it moves, which takes an estimate now and
 * then to find out.
 */
export const CAMERA_MOTION_MODES = ['fixed', 'moving', 'auto'] as const;
export type CameraMotionMode = (typeof CAMERA_MOTION_MODES)[number];

export interface CameraMotion {
  /** xx, xy, dx, yx, yy, dy of x' = xx·x + xy·y + dx, y' = yx·x + yy·y + dy. */
  readonly affine: readonly number[];
  /** Enough of the picture agreed. */
  readonly sure: boolean;
}

export interface TrackStats {
  readonly live: number;
  /** Since the previous frame; not all of them are confirmed later. */
  readonly born: number;
  readonly reacquired: number;
  /** Masks that were carried into this frame. */
  readonly carried?: number;
  readonly ms: number;
}
