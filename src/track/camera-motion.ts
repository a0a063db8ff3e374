/** How a camera moves from frame to frame, by its pixels alone. */

import { native } from '../addon/addon.js';
import type { NativeCameraMotion } from '../addon/track.js';
import type { Frame } from '../domain/frame.js';
import type { CameraMotion } from '../domain/track.js';

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
