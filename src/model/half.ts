/** IEEE 754 binary16, rounded to nearest even. Finite numbers only; what is too large becomes infinite. */
export function toHalf(data: Float32Array): Uint16Array {
  const words = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const halves = new Uint16Array(data.length);
  for (let k = 0; k < words.length; k += 1) {
    const word = words[k]!;
    const exponent = (word >>> 23) & 0xff;
    // Below 2^-14 halves are evenly spaced, 2^-24 apart: the implicit bit becomes explicit and more bits are cut off.
    const normal = exponent >= 113;
    const mantissa = normal ? word & 0x7fffff : (word & 0x7fffff) | 0x800000;
    const shift = normal ? 13 : Math.min(126 - exponent, 31);
    const kept = mantissa >>> shift;
    const rest = mantissa - (kept << shift);
    const tie = 2 ** (shift - 1);
    let half = normal ? ((exponent - 112) << 10) + kept : kept;
    // Rounding up past the last mantissa moves into the exponent by itself.
    if (rest > tie || (rest === tie && half % 2 === 1)) half += 1;
    halves[k] = ((word >>> 16) & 0x8000) | Math.min(half, 0x7c00);
  }
  return halves;
}

/** The smallest half that is not smaller than `value`, which is positive and at most 65504. */
export function halfNotBelow(value: number): number {
  const step = 2 ** Math.max(Math.floor(Math.log2(value)) - 10, -24);
  return Math.ceil(value / step) * step;
}
