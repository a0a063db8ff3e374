/** Quality levels of a preview, and when a viewer changes from one to another. Pure. */

export interface QualityLevel {
  /** Largest width of the picture, pixels. */
  readonly width: number;
  /** Of the JPEG. */
  readonly quality: number;
  /** Cells of the region map along the longer side. */
  readonly cells: number;
  readonly fps: number;
}

/** The best first. */
export const LEVELS: readonly QualityLevel[] = [
  { width: 960, quality: 70, cells: 320, fps: 15 },
  { width: 640, quality: 70, cells: 320, fps: 15 },
  { width: 480, quality: 60, cells: 240, fps: 15 },
  { width: 480, quality: 50, cells: 160, fps: 8 },
  { width: 320, quality: 45, cells: 160, fps: 4 },
];
export const START_LEVEL = 1;
/** Where the governor turns something down, the console has to do with this at most. */
export const GOVERNED_LEVEL = 3;

const WINDOW_MS = 2000;
const SLOW_ACK_MS = 400;
const SKIPPED_SHARE = 0.3;
const CALM_MS = 5000;
const LONGEST_CALM_MS = 80_000;

/** The level of one viewer: down after two bad seconds, up after five calm ones, then ten, and so on. */
export class QualityControl {
  #level = START_LEVEL;
  #windowFrom: number | undefined;
  #sent = 0;
  #skipped = 0;
  #slow = 0;
  #calmFrom: number | undefined;
  #calmMs = CALM_MS;

  get level(): number {
    return this.#level;
  }

  /** A frame went out, or could not because the viewer has not drawn the ones before. */
  offered(wasSent: boolean): void {
    if (wasSent) this.#sent += 1;
    else this.#skipped += 1;
  }

  acknowledged(ms: number): void {
    if (ms > SLOW_ACK_MS) this.#slow += 1;
  }

  /** The level from now on. */
  update(now: number): number {
    this.#windowFrom ??= now;
    this.#calmFrom ??= now;
    if (now - this.#windowFrom < WINDOW_MS) return this.#level;
    const total = this.#sent + this.#skipped;
    const isBad = total > 0 && (this.#skipped / total > SKIPPED_SHARE || this.#slow > this.#sent / 2);
    this.#windowFrom = now;
    this.#sent = 0;
    this.#skipped = 0;
    this.#slow = 0;
    if (isBad) {
      this.#calmFrom = now;
      if (this.#level === LEVELS.length - 1) return this.#level;
      this.#level += 1;
      this.#calmMs = Math.min(this.#calmMs * 2, LONGEST_CALM_MS);
    } else if (now - this.#calmFrom >= this.#calmMs && this.#level > 0 && total > 0) {
      this.#level -= 1;
      this.#calmFrom = now;
    }
    return this.#level;
  }
}
