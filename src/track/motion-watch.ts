/** Whether a camera moves, learnt from few estimates of its motion: a camera that stands still pays for two a second. Pure. */

export interface MotionEstimate {
  /** xx, xy, dx, yx, yy, dy, as in CameraMotion. */
  readonly affine: ArrayLike<number>;
  readonly sure: boolean;
  /** Of the four sides of the picture, those that move like the rest of it. */
  readonly sides: number;
}

/**
 * A camera moves when a corner of the picture moves this far between two frames, as a share of its longer side: five pixels of 1080p,
 * five times the error of an estimate. What is slower, each object's own filter follows.
 */
const MOVED = 5 / 1920;
/** Below half of that it rests, so that motion about the limit does not switch to and fro. */
const RESTS = MOVED / 2;
/** A belt that crosses the picture moves two sides of it, a vehicle that carries the camera may hide one. */
const LEAST_SIDES = 3;
/** A camera at rest is looked at this often. Two estimates of 2 ms are 0.4 % of a core. */
const PROBE_MS = 500;
/** What looks like motion and turns out to be none, again and again, is looked at less often, down to this. */
const LONGEST_PROBE_MS = 4000;
/** Frames in turn that are looked at when a probe finds motion, and how many of them must show the camera's. */
const LOOKED_AT = 5;
const LEAST_MOVED = 3;
/** At rest for this long, a camera stands still: hands and hovering drones pause. */
const REST_MS = 2000;

type State =
  | { readonly is: 'still'; readonly probeAtMs: number }
  | { readonly is: 'looking'; readonly seen: number; readonly moved: number; readonly alarm: boolean }
  | { readonly is: 'moving'; readonly movedAtMs: number };

/** `alarm`: a probe looked like motion. */
const looking = (alarm: boolean): State => ({ is: 'looking', seen: 0, moved: 0, alarm });

export class MotionWatch {
  #state: State = looking(false);
  #probeMs = PROBE_MS;
  #timeMs = Number.NEGATIVE_INFINITY;

  /** `still`: a probe now and then; `looking`: every frame, to tell; `moving`: every frame, and taken out. */
  get state(): State['is'] {
    return this.#state.is;
  }

  /** Whether the frame at this time is worth an estimate. A time that goes back begins again. */
  wants(timeMs: number): boolean {
    if (timeMs < this.#timeMs) {
      this.#state = looking(false);
      this.#probeMs = PROBE_MS;
    }
    this.#timeMs = timeMs;
    return this.#state.is !== 'still' || timeMs >= this.#state.probeAtMs;
  }

  /**
   * What an estimate says, and whether it is the camera's motion between this frame and the one before. `inTurn`: the frame before was
   * estimated, too; else the estimate spans all frames since the last that was.
   */
  learn(timeMs: number, estimate: MotionEstimate, size: { readonly width: number; readonly height: number }, inTurn: boolean): boolean {
    const extent = extentOf(estimate.affine, size.width, size.height);
    const moves = (limit: number) => estimate.sure && estimate.sides >= LEAST_SIDES && extent > limit;
    switch (this.#state.is) {
      case 'still':
        if (estimate.sure && extent <= MOVED) {
          this.#probeMs = PROBE_MS;
          this.#rest(timeMs);
        } else {
          this.#state = looking(true);
        }
        return false;
      case 'looking': {
        if (!inTurn) return false;
        const seen = this.#state.seen + 1;
        const moved = this.#state.moved + (moves(MOVED) ? 1 : 0);
        if (moved >= LEAST_MOVED) {
          this.#state = { is: 'moving', movedAtMs: timeMs };
          this.#probeMs = PROBE_MS;
        } else if (seen >= LOOKED_AT) {
          if (this.#state.alarm) this.#probeMs = Math.min(2 * this.#probeMs, LONGEST_PROBE_MS);
          this.#rest(timeMs);
        } else {
          this.#state = { ...this.#state, seen, moved };
        }
        return moves(MOVED);
      }
      case 'moving':
        if (moves(RESTS)) {
          this.#state = { is: 'moving', movedAtMs: timeMs };
        } else if (timeMs - this.#state.movedAtMs > REST_MS) {
          this.#rest(timeMs);
        }
        return true;
    }
  }

  #rest(timeMs: number): void {
    this.#state = { is: 'still', probeAtMs: timeMs + this.#probeMs };
  }
}

/** How far the corner of the picture that moves most moves, as a share of the longer side. */
function extentOf({ 0: xx, 1: xy, 2: dx, 3: yx, 4: yy, 5: dy }: ArrayLike<number>, width: number, height: number): number {
  const moved = (x: number, y: number) => Math.hypot((xx! - 1) * x + xy! * y + dx!, yx! * x + (yy! - 1) * y + dy!);
  return Math.max(moved(0, 0), moved(width, 0), moved(0, height), moved(width, height)) / Math.max(width, height);
}
