/** Outlines as SVG paths, and text stamps in colour. */

export function pathOf(ring: Float64Array): string {
  let path = '';
  for (let k = 0; k < ring.length; k += 2) path += `${k === 0 ? 'M' : 'L'}${ring[k]!.toFixed(2)} ${ring[k + 1]!.toFixed(2)}`;
  return `${path}Z`;
}

/** Text in `ink` on `ground`, both packed 0xRRGGBB, as RGB. */
export function blend(alpha: Uint8Array, ink: number, ground: number): Buffer {
  const rgb = Buffer.alloc(alpha.length * 3);
  for (const [k, opacity] of alpha.entries()) {
    for (let c = 0; c < 3; c += 1) {
      const shift = 16 - 8 * c;
      const [over, under] = [(ink >> shift) & 255, (ground >> shift) & 255];
      rgb[3 * k + c] = Math.round(under + ((over - under) * opacity) / 255);
    }
  }
  return rgb;
}
