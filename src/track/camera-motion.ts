/** How a camera moves from frame to frame, by its pixels alone. */

import { native } from '../addon/addon.js';
import type { NativeCameraMotion } from '../addon/track.js';
import type { Frame } from '../domain/frame.js';
import type { CameraMotion } from '../domain/track.js';
import { MotionWatch } from './motion-watch.js';

export class CameraMotionEstimator {
  readonly #native: NativeCameraMotion;
  #last: Promise<unknown> = Promise.resolve();

  constructor(estimator: NativeCameraMotion = native().openCameraMotion()) {
    this.#native = estimator;
  }

  /**
   * Where the points of the frame before lie in this one; calls wait for each other. Needs the pixels only until it
   * settles, and nothing of the network: worth starting as soon as a frame is there.
   */
  next(frame: Pick<Frame, 'pixels'>): Promise<CameraMotion> {
    const motion = this.#last.then(async () => {
      const { affine, sure } = await this.#native.next(frame.pixels);
      return { affine: [...affine], sure };
    });
    this.#last = motion.catch(() => undefined);
    return motion;
  }
}

/** The same for a camera of which it is unknown whether it moves: estimates as often as it takes to tell, see MotionWatch. */
export class AutoCameraMotion {
  readonly #native: NativeCameraMotion;
  readonly #watch = new MotionWatch();
  #last: Promise<unknown> = Promise.resolve();
  /** The frame before was estimated, so that the next estimate spans one step. */
  #inTurn = false;

  constructor(estimator: NativeCameraMotion = native().openCameraMotion()) {
    this.#native = estimator;
  }

  /**
   * The camera's motion since the frame before; undefined while it stands still. Calls wait for each other, so that the same frames
   * give the same answers however long an estimate takes.
   */
  next(frame: Pick<Frame, 'pixels' | 'width' | 'height'>, timeMs: number): Promise<CameraMotion | undefined> {
    const motion = this.#last.then(async () => {
      if (!this.#watch.wants(timeMs)) {
        this.#inTurn = false;
        return undefined;
      }
      const estimate = await this.#native.next(frame.pixels);
      const moves = this.#watch.learn(timeMs, estimate, frame, this.#inTurn);
      this.#inTurn = true;
      return moves ? { affine: [...estimate.affine], sure: estimate.sure } : undefined;
    });
    this.#last = motion.catch(() => undefined);
    return motion;
  }
}
