/** How often a tensor has which values, in bins that grow with the values. Pure. */
import type { Range } from '../../model/convert/int8.js';

const BINS = 8192;
/** Share of the values that a range covers on either side; the rest are clipped. */
const COVERED = 0.99999;

export class Histogram {
  /** The bins cover −limit…limit. */
  #limit = 0;
  #counts = new Float64Array(BINS);
  #total = 0;
  #low = 0;
  #high = 0;

  /** Errors: a plain Error for values that are not finite. */
  add(values: Float32Array): void {
    let low = this.#low;
    let high = this.#high;
    for (let k = 0; k < values.length; k += 1) {
      const value = values[k]!;
      if (value < low) low = value;
      else if (value > high) high = value;
    }
    const most = Math.max(-low, high);
    if (!Number.isFinite(most)) throw new Error('the network computes infinite values');
    this.#low = low;
    this.#high = high;
    this.#total += values.length;
    if (most === 0) {
      this.#counts[BINS / 2]! += values.length;
      return;
    }
    if (this.#limit === 0) this.#limit = 2 ** Math.floor(Math.log2(most));
    while (this.#limit <= most) this.#double();
    const counts = this.#counts;
    const scale = BINS / 2 / this.#limit;
    for (let k = 0; k < values.length; k += 1) {
      counts[((values[k]! + this.#limit) * scale) | 0]! += 1;
    }
  }

  /** What 99.999 % of the values lie in, counted from each side; 0 is always part of it. */
  range(): Range {
    const allowed = this.#total * (1 - COVERED);
    const edge = (bin: number) => (bin / BINS) * 2 * this.#limit - this.#limit;
    let below = 0;
    let first = 0;
    while (first < BINS - 1 && below + this.#counts[first]! <= allowed) below += this.#counts[first++]!;
    let above = 0;
    let last = BINS - 1;
    while (last > 0 && above + this.#counts[last]! <= allowed) above += this.#counts[last--]!;
    return {
      low: Math.min(Math.max(edge(first), this.#low), 0),
      high: Math.max(Math.min(edge(last + 1), this.#high), 0),
    };
  }

  #double(): void {
    const wider = new Float64Array(BINS);
    for (let k = 0; k < BINS; k += 1) wider[BINS / 4 + (k >> 1)]! += this.#counts[k]!;
    this.#counts = wider;
    this.#limit *= 2;
  }
}
