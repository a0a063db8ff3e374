/** How far two backends agree on what is in a picture. Pure. */
import { boxIou } from '../domain/box.js';
import { maskIou, maskOf } from '../domain/mask.js';
import { boxOf, type Segments } from '../domain/segments.js';

/** Boxes that overlap less are not the same object. */
const SAME_OBJECT_IOU = 0.7;
/** An object this close to the threshold may be above it on one side only: it is looked for down to here on the other. */
export const SCORE_MARGIN = 0.1;

export interface Agreement {
  /** Objects above the threshold, of both sides together. */
  readonly objects: number;
  /** Those of them that the other side has too. */
  readonly found: number;
  /** Means over the found ones; 1, 1 and 0 when there are none. */
  readonly boxIou: number;
  readonly maskIou: number;
  readonly scoreDifference: number;
}

/** What an engine must reach over all pictures to be used in place of the reference. */
export const REQUIRED = { agreement: 0.95, boxIou: 0.9, maskIou: 0.9, scoreDifference: 0.05 } as const;

/** `a` and `b` are the segments above `conf - SCORE_MARGIN` of one frame; objects are those above `conf`. */
export function compareSegments(a: Segments, b: Segments, conf: number): Agreement {
  return total([oneWay(a, b, conf), oneWay(b, a, conf)]);
}

/** All pictures together, each object with the same weight. */
export function total(parts: readonly Agreement[]): Agreement {
  const objects = sum(parts, ({ objects }) => objects);
  const found = sum(parts, ({ found }) => found);
  const mean = (value: (part: Agreement) => number, none: number) =>
    found === 0 ? none : sum(parts, (part) => part.found * value(part)) / found;
  return {
    objects,
    found,
    boxIou: mean((part) => part.boxIou, 1),
    maskIou: mean((part) => part.maskIou, 1),
    scoreDifference: mean((part) => part.scoreDifference, 0),
  };
}

/** Share of the objects that both sides have; 1 when there are none. */
export function agreementOf({ objects, found }: Agreement): number {
  return objects === 0 ? 1 : found / objects;
}

/** What falls short of REQUIRED, in words; empty: passed. */
export function shortcomings(agreement: Agreement): string[] {
  const share = agreementOf(agreement);
  const checks: readonly [string, boolean, number, string, number][] = [
    ['agreement', share >= REQUIRED.agreement, share, '≥', REQUIRED.agreement],
    ['box IoU', agreement.boxIou >= REQUIRED.boxIou, agreement.boxIou, '≥', REQUIRED.boxIou],
    ['mask IoU', agreement.maskIou >= REQUIRED.maskIou, agreement.maskIou, '≥', REQUIRED.maskIou],
    ['score difference', agreement.scoreDifference <= REQUIRED.scoreDifference, agreement.scoreDifference, '≤', REQUIRED.scoreDifference],
  ];
  const failed = checks
    .filter(([, ok]) => !ok)
    .map(([name, , value, relation, limit]) => `${name} ${value.toFixed(3)}, expected ${relation} ${limit}`);
  if (agreement.objects === 0) failed.push('no objects in any picture, expected some');
  return failed;
}

function oneWay(from: Segments, to: Segments, conf: number): Agreement {
  const others = Array.from({ length: to.count }, (_, j) => boxOf(to, j));
  let objects = 0;
  const matches: { readonly box: number; readonly mask: number; readonly score: number }[] = [];
  for (let i = 0; i < from.count; i += 1) {
    if (!(from.scores[i]! > conf)) continue;
    objects += 1;
    const box = boxOf(from, i);
    let best = -1;
    let bestIou = SAME_OBJECT_IOU;
    for (let j = 0; j < to.count; j += 1) {
      const iou = from.classes[i] === to.classes[j] ? boxIou(box, others[j]!) : 0;
      if (iou < bestIou) continue;
      best = j;
      bestIou = iou;
    }
    if (best < 0) continue;
    matches.push({ box: bestIou, mask: maskIou(maskOf(from, i), maskOf(to, best)), score: Math.abs(from.scores[i]! - to.scores[best]!) });
  }
  const mean = (value: (match: (typeof matches)[number]) => number, none: number) =>
    matches.length === 0 ? none : sum(matches, value) / matches.length;
  return {
    objects,
    found: matches.length,
    boxIou: mean(({ box }) => box, 1),
    maskIou: mean(({ mask }) => mask, 1),
    scoreDifference: mean(({ score }) => score, 0),
  };
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((all, item) => all + value(item), 0);
}
