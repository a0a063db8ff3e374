/** Outlines with right angles, as buildings have them. */
type Point = readonly [x: number, y: number];

/** A squared outline may change the area by this share; else the object is no building and keeps its outline. */
const MAX_CHANGE = 0.15;

/**
 * Turns every side of a closed ring (no repeated last point) to the ring's dominant direction or at right angles to it. The
 * dominant direction is the mean of the sides' directions modulo 90°, weighted by length; sides that follow each other in one
 * direction become one, through their length-weighted middle; corners are where neighbours cross. Simplify first: a side is
 * what lies between two corners. Returns the ring as it was when that moves its area by more than 15 %, or leaves no four sides.
 */
export function squareUp(ring: readonly Point[]): Point[] {
  const sides = ring.map((from, k): { from: Point; to: Point; length: number } => {
    const to = ring[(k + 1) % ring.length]!;
    return { from, to, length: Math.hypot(to[0] - from[0], to[1] - from[1]) };
  });
  // Four times the angle makes directions that differ by 90° equal (a mean of directions, Mardia and Jupp 2000).
  let [cosine, sine] = [0, 0];
  for (const { from, to, length } of sides) {
    const angle = 4 * Math.atan2(to[1] - from[1], to[0] - from[0]);
    cosine += length * Math.cos(angle);
    sine += length * Math.sin(angle);
  }
  const turn = Math.atan2(sine, cosine) / 4;
  const rotate = ([x, y]: Point, angle: number): [number, number] => [
    x * Math.cos(angle) - y * Math.sin(angle),
    x * Math.sin(angle) + y * Math.cos(angle),
  ];
  /** In the turned frame: a level side has a height, an upright one a place across. */
  const lines: { level: boolean; at: number; length: number }[] = [];
  for (const { from, to, length } of sides) {
    if (length === 0) continue;
    const [a, b] = [rotate(from, -turn), rotate(to, -turn)];
    const level = Math.abs(b[0] - a[0]) >= Math.abs(b[1] - a[1]);
    const at = level ? (a[1] + b[1]) / 2 : (a[0] + b[0]) / 2;
    const last = lines.at(-1);
    if (last?.level === level) merge(last, at, length);
    else lines.push({ level, at, length });
  }
  const [first, last] = [lines[0], lines.at(-1)];
  if (first && last && lines.length > 1 && first.level === last.level) {
    merge(first, last.at, last.length);
    lines.pop();
  }
  if (lines.length < 4) return [...ring];
  const squared = lines.map(({ level, at }, k): Point => {
    const next = lines[(k + 1) % lines.length]!;
    return rotate(level ? [next.at, at] : [at, next.at], turn);
  });
  const [before, after] = [Math.abs(signedArea(ring)), Math.abs(signedArea(squared))];
  return Math.abs(after - before) <= MAX_CHANGE * before ? squared : [...ring];
}

function merge(line: { at: number; length: number }, at: number, length: number): void {
  line.at = (line.at * line.length + at * length) / (line.length + length);
  line.length += length;
}

/** Positive where the corners run from x to y: anticlockwise with y upwards. */
export function signedArea(ring: readonly Point[]): number {
  let sum = 0;
  for (const [k, [x, y]] of ring.entries()) {
    const [nextX, nextY] = ring[(k + 1) % ring.length]!;
    sum += x * nextY - nextX * y;
  }
  return sum / 2;
}
