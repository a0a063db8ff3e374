/** The text format of MOTChallenge: one box a line, `frame,id,x,y,w,h,score,class…`; corners and sizes in pixels. */
import { FastsamError } from '../../errors.js';
import { assign } from './assignment.js';
import type { ScoredFrame } from './scores.js';

export interface MotBox {
  readonly id: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Of a detection its score; of a true box 0 when it does not count. */
  readonly score: number;
  /** Of a true box; 1 is a pedestrian. */
  readonly class: number;
}

/** Boxes by frame number (from 1). Errors: SOURCE_CORRUPT with the line. */
export function parseMot(text: string, name: string): Map<number, MotBox[]> {
  const frames = new Map<number, MotBox[]>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const fields = line.split(',').map(Number);
    const [frame, id, x, y, width, height, score = 1, kind = 1] = fields;
    if (fields.length < 6 || fields.some((field) => !Number.isFinite(field))) {
      throw new FastsamError(
        'SOURCE_CORRUPT',
        `${name}, line ${index + 1}: expected frame,id,x,y,w,h,score with numbers, got "${line.slice(0, 80)}"`,
      );
    }
    const boxes = frames.get(frame!) ?? [];
    boxes.push({ id: id!, x: x!, y: y!, width: width!, height: height!, score, class: kind });
    frames.set(frame!, boxes);
  }
  return frames;
}

/** One line of a result file: a track's box in a frame (from 1). */
export function motLine(frame: number, id: number, box: readonly [number, number, number, number], score: number): string {
  const [x1, y1, x2, y2] = box;
  const fixed = (value: number) => value.toFixed(2);
  return `${frame},${id},${fixed(x1)},${fixed(y1)},${fixed(x2 - x1)},${fixed(y2 - y1)},${score.toFixed(3)},-1,-1,-1`;
}

/** People on vehicles, people who sit still, things that look like people, reflections: finding them is no mistake. */
const DISTRACTORS = new Set([2, 7, 8, 12]);
const MATCH = 0.5;

/**
 * One frame as MOT17 scores it: tracks that lie on a distractor are left out, and so is what is not a pedestrian or is
 * marked as not counting. Similarities are the IoU of boxes.
 */
export function scoreMotFrame(truth: readonly MotBox[], tracks: readonly MotBox[]): ScoredFrame {
  const n = tracks.length;
  const iou = new Float64Array(truth.length * n);
  for (const [i, a] of truth.entries()) for (const [j, b] of tracks.entries()) iou[i * n + j] = boxIou(a, b);
  const columnOf = assign(
    iou.map((value) => (value < MATCH - Number.EPSILON ? 0 : -value)),
    truth.length,
    n,
  );
  const dropped = new Set<number>();
  for (const [i, j] of columnOf.entries()) {
    if (j >= 0 && iou[i * n + j]! >= MATCH - Number.EPSILON && DISTRACTORS.has(truth[i]!.class)) dropped.add(j);
  }
  const rows = [...truth.keys()].filter((i) => truth[i]!.class === 1 && truth[i]!.score !== 0);
  const columns = [...tracks.keys()].filter((j) => !dropped.has(j));
  const similarity = new Float64Array(rows.length * columns.length);
  for (const [a, i] of rows.entries()) for (const [b, j] of columns.entries()) similarity[a * columns.length + b] = iou[i * n + j]!;
  return { truth: rows.map((i) => truth[i]!.id), tracks: columns.map((j) => tracks[j]!.id), similarity };
}

function boxIou(a: MotBox, b: MotBox): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  return (width * height) / (a.width * a.height + b.width * b.height - width * height);
}
