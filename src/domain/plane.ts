/** From the picture to a plane in the world, and back to metres. Pure. */

/** Row-major 3 × 3: (x, y, 1) in pixels → (x, y, w) in metres times w. */
export type Homography = readonly number[];

type Pair = { readonly px: readonly [number, number]; readonly m: readonly [number, number] };

/**
 * The map that takes pixels to metres, by least squares over four pairs or more (the direct linear transform with h33 = 1, after
 * Hartley's scaling of the pixels). Undefined where the places do not fix it: three of four on one straight line, or two the same.
 */
export function homographyOf(pairs: readonly Pair[]): Homography | undefined {
  const px = scalingOf(pairs.map(({ px: place }) => place));
  const m = scalingOf(pairs.map(({ m: place }) => place));
  if (!px || !m) return undefined;
  const size = 8;
  const normal = Array.from({ length: size }, () => new Float64Array(size + 1));
  const add = (row: readonly number[], value: number) => {
    for (let i = 0; i < size; i += 1) {
      for (let k = 0; k < size; k += 1) normal[i]![k]! += row[i]! * row[k]!;
      normal[i]![size]! += row[i]! * value;
    }
  };
  for (const pair of pairs) {
    const [x, y] = px.to(pair.px);
    const [u, v] = m.to(pair.m);
    add([x, y, 1, 0, 0, 0, -u * x, -u * y], u);
    add([0, 0, 0, x, y, 1, -v * x, -v * y], v);
  }
  const h = solve(normal);
  if (!h) return undefined;
  return multiply(m.back, multiply([...h, 1], px.matrix));
}

/** Metres of a pixel; NaN on the horizon. */
export function onPlane(h: Homography, [x, y]: readonly [number, number]): readonly [number, number] {
  const w = h[6]! * x + h[7]! * y + h[8]!;
  return w === 0 ? [Number.NaN, Number.NaN] : [(h[0]! * x + h[1]! * y + h[2]!) / w, (h[3]! * x + h[4]! * y + h[5]!) / w];
}

/** Moves places around 0 at a mean distance of 1, so that the equations are well-conditioned. */
function scalingOf(places: readonly (readonly [number, number])[]) {
  const mean = (axis: 0 | 1) => places.reduce((sum, place) => sum + place[axis], 0) / places.length;
  const [cx, cy] = [mean(0), mean(1)];
  const spread = places.reduce((sum, [x, y]) => sum + Math.hypot(x - cx, y - cy), 0) / places.length;
  if (!(spread > 0)) return undefined;
  return {
    to: ([x, y]: readonly [number, number]): [number, number] => [(x - cx) / spread, (y - cy) / spread],
    matrix: [1 / spread, 0, -cx / spread, 0, 1 / spread, -cy / spread, 0, 0, 1],
    back: [spread, 0, cx, 0, spread, cy, 0, 0, 1],
  };
}

/** Gaussian elimination with pivoting of [n × (n + 1)]; undefined where a pivot vanishes. */
function solve(rows: readonly Float64Array[]): number[] | undefined {
  const n = rows.length;
  const a = [...rows];
  for (let column = 0; column < n; column += 1) {
    let pivot = column;
    for (let row = column + 1; row < n; row += 1) if (Math.abs(a[row]![column]!) > Math.abs(a[pivot]![column]!)) pivot = row;
    if (Math.abs(a[pivot]![column]!) < 1e-9) return undefined;
    [a[column], a[pivot]] = [a[pivot]!, a[column]!];
    for (let row = 0; row < n; row += 1) {
      if (row === column) continue;
      const factor = a[row]![column]! / a[column]![column]!;
      for (let k = column; k <= n; k += 1) a[row]![k]! -= factor * a[column]![k]!;
    }
  }
  return a.map((row, k) => row[n]! / row[k]!);
}

function multiply(a: readonly number[], b: readonly number[]): number[] {
  return Array.from({ length: 9 }, (_, k) => {
    const [row, column] = [3 * Math.floor(k / 3), k % 3];
    return a[row]! * b[column]! + a[row + 1]! * b[column + 3]! + a[row + 2]! * b[column + 6]!;
  });
}
