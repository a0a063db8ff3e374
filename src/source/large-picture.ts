/** A still picture that is too large to be held in memory: a frame whose pixels are read in parts. */
import { native } from '../addon/addon.js';
import type { NativeFrame } from '../addon/frame.js';
import type { PictureParts } from '../addon/picture.js';
import type { CaptureTime, Frame, FrameFile, PixelRegion } from '../domain/frame.js';
import { FastsamError } from '../errors.js';
import { SourceFrame } from './source.js';

/** Rows of the picture over its whole width, as they were decoded last. */
interface Band {
  readonly y: number;
  readonly height: number;
  readonly pixels: Promise<NativeFrame>;
}

/** Keeps one band of rows: parts that lie side by side are decoded once. */
export class LargePicture implements Frame {
  readonly format = 'rgb';
  readonly ptsNs = null;
  readonly width: number;
  readonly height: number;
  #band: Band | undefined;
  #holders = 1;

  constructor(
    private readonly parts: PictureParts,
    readonly sequence: number,
    readonly captured: CaptureTime,
    readonly origin: string,
    readonly file: FrameFile,
  ) {
    this.width = parts.width;
    this.height = parts.height;
  }

  get pixels(): never {
    throw new FastsamError(
      'SOURCE_UNSUPPORTED',
      `${this.origin}: ${this.width}×${this.height} pixels are read in parts: annotated pictures, cut-outs and text prompts need the whole picture in memory`,
    );
  }

  async part(region: PixelRegion): Promise<Frame> {
    const { x, y, width, height } = region;
    if (this.#band?.y !== y || this.#band.height !== height) {
      this.#letBandGo();
      this.#band = { y, height, pixels: this.parts.read({ x: 0, y, width: this.width, height }) };
    }
    const band = await this.#band!.pixels;
    const pixels = native().cropFrame(band, { x, y: 0, width, height });
    return new SourceFrame(pixels, this.sequence, this.captured, this.origin, null, this.file);
  }

  retain(): this {
    this.#holders += 1;
    return this;
  }

  [Symbol.dispose](): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.#letBandGo();
  }

  /** Parts keep the memory that they lie in. */
  #letBandGo(): void {
    this.#band?.pixels.then(
      (pixels) => pixels.release(),
      () => undefined,
    );
    this.#band = undefined;
  }
}
