/**
 * J and F of video object segmentation (Perazzi et al. 2016): how well a mask covers its object, and how well its outline
 * follows the object's, as the DAVIS benchmark computes them. Masks are [height × width], row-major, 0 outside. Pure.
 */

/** Region similarity: intersection over union; 1 when both are empty. */
export function regionSimilarity(truth: Uint8Array, mask: Uint8Array): number {
  let both = 0;
  let either = 0;
  for (let k = 0; k < truth.length; k += 1) {
    const a = truth[k] !== 0;
    const b = mask[k] !== 0;
    if (a && b) both += 1;
    if (a || b) either += 1;
  }
  return either === 0 ? 1 : both / either;
}

/** Tolerance of outlines: this share of the picture's diagonal. */
const TOLERANCE = 0.008;

/**
 * Contour accuracy: F1 of the outlines' pixels that lie within the tolerance (a disk of ceil(0.008 × diagonal) pixels) of
 * the other's.
 */
export function contourAccuracy(truth: Uint8Array, mask: Uint8Array, width: number, height: number): number {
  const radius = Math.ceil(TOLERANCE * Math.hypot(width, height));
  const truthOutline = outline(truth, width, height);
  const maskOutline = outline(mask, width, height);
  const truthPixels = count(truthOutline);
  const maskPixels = count(maskOutline);
  if (truthPixels === 0 && maskPixels === 0) return 1;
  if (truthPixels === 0 || maskPixels === 0) return 0;
  const precision = near(maskOutline, dilate(truthOutline, width, height, radius)) / maskPixels;
  const recall = near(truthOutline, dilate(maskOutline, width, height, radius)) / truthPixels;
  return precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
}

/** Pixels that differ from their right, lower or lower right neighbour (seg2bmap of the Berkeley benchmark). */
function outline(mask: Uint8Array, width: number, height: number): Uint8Array {
  const edges = new Uint8Array(mask.length);
  const at = (x: number, y: number) => (mask[y * width + x] === 0 ? 0 : 1);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const here = at(x, y);
      const right = x + 1 < width;
      const below = y + 1 < height;
      const differs = (right && at(x + 1, y) !== here) || (below && at(x, y + 1) !== here) || (right && below && at(x + 1, y + 1) !== here);
      if (differs) edges[y * width + x] = 1;
    }
  }
  return edges;
}

function count(bits: Uint8Array): number {
  return bits.reduce((sum, bit) => sum + bit, 0);
}

function near(outlinePixels: Uint8Array, area: Uint8Array): number {
  return outlinePixels.reduce((sum, bit, k) => sum + (bit & area[k]!), 0);
}

function dilate(bits: Uint8Array, width: number, height: number, radius: number): Uint8Array {
  const grown = new Uint8Array(bits.length);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (bits[y * width + x] === 0) continue;
      for (let dy = -radius; dy <= radius; dy += 1) {
        const row = y + dy;
        if (row < 0 || row >= height) continue;
        const reach = Math.floor(Math.sqrt(radius * radius - dy * dy));
        grown.fill(1, row * width + Math.max(x - reach, 0), row * width + Math.min(x + reach, width - 1) + 1);
      }
    }
  }
  return grown;
}
