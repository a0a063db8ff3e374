/** Pixels in native memory, and how those of JavaScript lie. */
import type { PixelFormat, PixelRegion } from '../domain/frame.js';

export type ColorMatrix = 'bt601' | 'bt709' | 'bt2020';

export type ColorRange = 'limited' | 'full';

/** Pixels in native memory. `release` may be called twice; any other use after it throws `MISUSE`. */
export interface NativeFrame {
  readonly width: number;
  readonly height: number;
  readonly format: PixelFormat;
  release(): void;
}

export interface PixelLayout {
  readonly width: number;
  readonly height: number;
  readonly format: PixelFormat;
  /** Bytes from one row to the next, one per plane; tightly packed when absent. */
  readonly strides?: readonly number[];
  /** For nv12 and i420; default bt601, limited. */
  readonly matrix?: ColorMatrix;
  readonly range?: ColorRange;
}

export type Region = PixelRegion;
