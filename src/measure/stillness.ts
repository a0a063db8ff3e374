/** How still a picture is from frame to frame: sensor noise, flicker of the light, vibration. Pure. */

export interface StillnessResult {
  readonly frames: number;
  /** Standard deviation of a pixel over time, in grey levels: mean of all pixels, and of the pixel below which 99 % are. */
  readonly noise: number;
  readonly noise99: number;
  /** Mean grey level: of all frames, its standard deviation from frame to frame, and last quarter less first quarter. */
  readonly level: number;
  readonly flicker: number;
  readonly drift: number;
}

/** Levels per step of the histogram of deviations. */
const STEPS = 20;

/** Welford's update for the luma of each pixel. */
export class Stillness {
  readonly #pixels: number;
  readonly #mean: Float64Array;
  readonly #squares: Float64Array;
  readonly #levels: number[] = [];

  constructor({ width, height }: { readonly width: number; readonly height: number }) {
    this.#pixels = width * height;
    this.#mean = new Float64Array(this.#pixels);
    this.#squares = new Float64Array(this.#pixels);
  }

  /** `rgb`: tightly packed, of the size that was given. */
  add(rgb: Uint8Array): void {
    const n = this.#levels.length + 1;
    let sum = 0;
    for (let k = 0; k < this.#pixels; k += 1) {
      const luma = 0.299 * rgb[3 * k]! + 0.587 * rgb[3 * k + 1]! + 0.114 * rgb[3 * k + 2]!;
      sum += luma;
      const change = luma - this.#mean[k]!;
      this.#mean[k]! += change / n;
      this.#squares[k]! += change * (luma - this.#mean[k]!);
    }
    this.#levels.push(sum / this.#pixels);
  }

  /** Needs two frames or more. */
  result(): StillnessResult {
    const frames = this.#levels.length;
    const histogram = new Uint32Array(256 * STEPS);
    let sum = 0;
    for (const squares of this.#squares) {
      const sd = Math.sqrt(squares / (frames - 1));
      sum += sd;
      histogram[Math.min(histogram.length - 1, Math.floor(sd * STEPS))]! += 1;
    }
    let below = 0;
    let step = 0;
    while (below + histogram[step]! < 0.99 * this.#pixels) {
      below += histogram[step]!;
      step += 1;
    }
    const level = meanOf(this.#levels);
    const quarter = Math.max(1, Math.floor(frames / 4));
    return {
      frames,
      noise: sum / this.#pixels,
      noise99: (step + 1) / STEPS,
      level,
      flicker: Math.sqrt(this.#levels.reduce((total, each) => total + (each - level) ** 2, 0) / (frames - 1)),
      drift: meanOf(this.#levels.slice(-quarter)) - meanOf(this.#levels.slice(0, quarter)),
    };
  }
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
