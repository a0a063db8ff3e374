/** Single frames of cameras: snapshots, thumbnails of events, photos. */
import type { ConsoleUser } from '../contract/console.js';
import type { Frame } from '../domain/frame.js';
import { encodeJpeg } from '../encode/snapshot.js';
import { FastsamError } from '../errors.js';
import type { ResultSink } from '../pipeline/sinks.js';
import { maySee } from './access.js';

const SNAPSHOT = { maxWidth: 1920, quality: 85 } as const;
const THUMBNAIL = { maxWidth: 320, quality: 60 } as const;
const SNAPSHOT_MS = 4000;
const THUMBNAIL_MS = 2000;

export interface CameraFramesDeps {
  /** Hands the results of a camera to the sink. Errors: REQUEST_INVALID. */
  readonly addSink: (camera: string, sink: ResultSink) => () => Promise<void>;
  /** Whether pictures of the camera may be shown. */
  readonly showsPictures: (camera: string) => boolean;
}

export class CameraFrames {
  readonly #deps: CameraFramesDeps;

  constructor(deps: CameraFramesDeps) {
    this.#deps = deps;
  }

  /** JPEG of the camera's next frame. Errors: REQUEST_FORBIDDEN, SOURCE_TIMEOUT, REQUEST_INVALID. */
  async snapshot(user: ConsoleUser, camera: string): Promise<Uint8Array> {
    using frame = await this.frame(user, camera);
    return encodeJpeg(frame, SNAPSHOT);
  }

  /** The camera's next frame, for the caller to release. Errors: as `snapshot`. */
  async frame(user: ConsoleUser, camera: string): Promise<Frame> {
    if (!maySee(user, camera)) throw new FastsamError('REQUEST_FORBIDDEN', `camera "${camera}" is not one of yours`);
    if (!this.#deps.showsPictures(camera))
      throw new FastsamError('REQUEST_FORBIDDEN', `no pictures of camera "${camera}" here (console.pictures)`);
    return this.#next(camera, SNAPSHOT_MS);
  }

  /** A small JPEG for an event; undefined where pictures are withheld. Errors: SOURCE_TIMEOUT, REQUEST_INVALID. */
  async thumbnail(camera: string): Promise<Uint8Array | undefined> {
    if (!this.#deps.showsPictures(camera)) return undefined;
    using frame = await this.#next(camera, THUMBNAIL_MS);
    return encodeJpeg(frame, THUMBNAIL);
  }

  #next(camera: string, timeoutMs: number): Promise<Frame> {
    return new Promise((resolve, reject) => {
      const remove = this.#deps.addSink(camera, {
        take: (_result, frame) => {
          clearTimeout(timer);
          resolve(frame.retain());
          void remove();
        },
      });
      const timer = setTimeout(() => {
        void remove();
        reject(new FastsamError('SOURCE_TIMEOUT', `camera "${camera}" sent no frame within ${timeoutMs / 1000} s`));
      }, timeoutMs);
    });
  }
}
