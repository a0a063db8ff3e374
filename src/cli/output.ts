/** Where `--out` puts annotated frames: one picture, one video, or a directory of both. */
import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import sharp from 'sharp';
import type { Frame } from '../domain/frame.js';
import type { Prompt } from '../domain/prompt.js';
import type { FrameResult } from '../domain/result.js';
import { makeDirectory } from '../durable.js';
import { Overlay } from '../encode/overlay.js';
import type { Marks } from '../encode/prompt-marks.js';
import { VideoOutput } from '../encode/video-output.js';
import { FastsamError, messageOf } from '../errors.js';
import type { Inputs } from './overwriting.js';

const PICTURE = /\.(jpe?g|png|webp)$/i;
const VIDEO = /\.(mp4|mkv)$/i;

export class AnnotatedOutput {
  readonly #overlay = new Overlay();
  readonly #written = new Set<string>();
  #video: VideoOutput | undefined;

  /** `path`: a picture (.jpg, .png, .webp), a video (.mp4, .mkv) or a directory, made when it is not there. */
  constructor(
    private readonly path: string,
    private readonly prompts: readonly Prompt[],
    private readonly inputs: Inputs,
    private readonly marks?: (frame: Frame, lineWidth: number) => Marks,
  ) {}

  /** Errors: USAGE for a path that is no picture, video or folder, or that is an input. */
  async check(): Promise<void> {
    const suffix = extname(this.path);
    const isFolder = this.path.endsWith('/') || (await stat(this.path).catch(() => undefined))?.isDirectory();
    if (/^\.[a-z]\w{1,4}$/i.test(suffix) && !isFolder && !PICTURE.test(this.path) && !VIDEO.test(this.path)) {
      throw new FastsamError(
        'USAGE',
        `--out ${this.path}: ${suffix} files are not written; expected .jpg, .png, .webp, .mp4, .mkv, or a folder (with a "/" at its end)`,
      );
    }
    await this.inputs.demandOther(this.path, '--out');
  }

  /** Paths written so far. */
  get files(): string[] {
    return [...this.#written];
  }

  /**
   * Draws and stores one frame. Errors: OUTPUT_UNWRITABLE. `live`: when it was captured counts in a video, not when the
   * stream says that it is to be shown.
   */
  async add(frame: Frame, result: FrameResult, live: boolean): Promise<void> {
    const rgb = await this.#overlay.draw(frame, result, {
      objects: 'matched',
      prompts: this.prompts,
      ...(this.marks ? { marks: (lineWidth) => this.marks!(frame, lineWidth) } : {}),
    });
    if (VIDEO.test(this.path) || (!PICTURE.test(this.path) && frame.ptsNs !== null)) {
      return this.#addToVideo(frame, rgb, live ? frame.captured.monotonicNs : frame.ptsNs);
    }
    if (PICTURE.test(this.path)) {
      if (this.#written.size > 0) {
        throw new FastsamError(
          'OUTPUT_UNWRITABLE',
          `${this.path}: holds one picture, but there are more frames; use a directory or an .mp4 file`,
        );
      }
      return this.#writePicture(this.path, frame, rgb);
    }
    return this.#writePicture(this.#freshName(frame.origin), frame, rgb);
  }

  /** Ends the video of the current source, so that the next source gets its own (in a directory). */
  async endSource(): Promise<void> {
    if (VIDEO.test(this.path)) return;
    await this.#finishVideo();
  }

  /** Completes all files. */
  async close(): Promise<void> {
    await this.#finishVideo();
  }

  async #addToVideo(frame: Frame, rgb: Uint8Array, timeNs: bigint | null): Promise<void> {
    if (!this.#video) {
      const path = VIDEO.test(this.path) ? this.path : this.#freshName(frame.origin, '.mp4');
      await this.#prepare(path);
      this.#video = new VideoOutput(path);
      this.#written.add(path);
    }
    await this.#video.write(rgb, frame.width, frame.height, timeNs);
  }

  async #finishVideo(): Promise<void> {
    const video = this.#video;
    this.#video = undefined;
    await video?.finish();
  }

  async #writePicture(path: string, frame: Frame, rgb: Uint8Array): Promise<void> {
    await this.#prepare(path);
    try {
      await sharp(rgb, { raw: { width: frame.width, height: frame.height, channels: 3 } }).toFile(path);
    } catch (cause) {
      throw new FastsamError('OUTPUT_UNWRITABLE', `${path}: cannot be written: ${messageOf(cause)}`, { cause });
    }
    this.#written.add(path);
  }

  async #prepare(path: string): Promise<void> {
    await this.inputs.demandOther(path, '--out:');
    try {
      await makeDirectory(dirname(path));
    } catch (cause) {
      throw new FastsamError('OUTPUT_UNWRITABLE', `${path}: its directory cannot be made: ${messageOf(cause)}`, { cause });
    }
  }

  /** A name in the output directory after the frame's origin, numbered when two origins share a name. */
  #freshName(origin: string, suffix = PICTURE.test(origin) ? extname(origin) : '.jpg'): string {
    const stem = basename(origin, extname(origin)).replace(/[^\w.-]+/g, '_') || 'frame';
    for (let k = 1; ; k += 1) {
      const path = join(this.path, `${stem}${k === 1 ? '' : `-${k}`}${suffix}`);
      if (!this.#written.has(path)) return path;
    }
  }
}
