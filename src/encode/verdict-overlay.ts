/** Pictures for people: what was judged, and how. */
import { native } from '../addon/addon.js';
import type { AnnotationStamp } from '../addon/drawing.js';
import type { NativeFrame } from '../addon/frame.js';
import type { CheckResult, Verdict } from '../contract/inspection.js';
import type { Frame } from '../domain/frame.js';
import { inkOn } from './object-colours.js';
import { fontPixelsFor, TextStamps } from './text-stamp.js';

const COLOURS: Readonly<Record<Verdict, number>> = { OK: 0x1f8f3f, NOK: 0xc8281e, UNSURE: 0xd98a00 };
const OF_RESULT = { ok: 'OK', nok: 'NOK', unsure: 'UNSURE' } as const;
/** Lines of text that a picture can take. */
const MAX_LINES = 24;

export interface VerdictDrawing {
  readonly verdict: Verdict;
  /** Beside the verdict: recipe, revision, number, part. */
  readonly title: string;
  readonly checks: readonly CheckResult[];
  /** Outlines of the objects, and what became of each. */
  readonly outlines: readonly { readonly rings: readonly Float64Array[]; readonly result: CheckResult['result'] }[];
}

/** As `annotateVerdict`, as tightly packed RGB. */
export async function drawVerdict(frame: Frame, drawing: VerdictDrawing): Promise<Uint8Array> {
  const annotated = await annotateVerdict(frame, drawing);
  try {
    return await native().toRgb(annotated);
  } finally {
    annotated.release();
  }
}

/**
 * A copy of the frame with outlines in the colour of their result, the verdict and every check as text; the caller releases it. The pixels
 * stay in native memory.
 */
export async function annotateVerdict(frame: Frame, { verdict, title, checks, outlines }: VerdictDrawing): Promise<NativeFrame> {
  const { width, height } = frame;
  const line = Math.max(1, Math.min(width, height) / 400);
  const colourOf = (result: CheckResult['result']) => COLOURS[OF_RESULT[result]];
  const rings = outlines.flatMap(({ rings, result }) =>
    rings.map((points) => ({ points, closed: true, color: colourOf(result), width: line })),
  );
  const crosses = checks.flatMap(({ at, result }) => {
    if (!at || result === 'ok') return [];
    const [[x, y], arm] = [at, 5 * line];
    const strokes = [
      [x - arm, y - arm, x + arm, y + arm],
      [x + arm, y - arm, x - arm, y + arm],
    ];
    return strokes.map((points) => ({ points: Float64Array.from(points), closed: false, color: colourOf(result), width: 1.5 * line }));
  });
  const stamps = await labels(frame, `${verdict}  ${title}`, verdict, checks);
  return native().annotate(frame.pixels as NativeFrame, [...rings, ...crosses], stamps);
}

async function labels(
  { width, height }: Frame,
  title: string,
  verdict: Verdict,
  checks: readonly CheckResult[],
): Promise<AnnotationStamp[]> {
  const texts = new TextStamps();
  const fontPixels = fontPixelsFor(width, height);
  // What is wrong comes first: a picture has no room for a hundred checks.
  const sorted = [...checks.filter(({ result }) => result !== 'ok'), ...checks.filter(({ result }) => result === 'ok')];
  const lines = [
    { text: title, ground: COLOURS[verdict] },
    ...sorted.map((check) => ({ text: checkText(check), ground: COLOURS[OF_RESULT[check.result]] })),
  ].slice(0, MAX_LINES);
  const stamps: AnnotationStamp[] = [];
  let top = 0;
  for (const { text, ground } of lines) {
    const stamp = await texts.render(text, fontPixels);
    if (stamp.width > width || top + stamp.height > height) continue;
    stamps.push({ ...stamp, left: 0, top, ink: inkOn(ground), ground });
    top += stamp.height;
  }
  return stamps;
}

/** `bore-d: 6.083 ± 0.012 mm [5.95 … 6.05] ABOVE`. */
export function checkText({ id, value, uncertainty, unit, lsl, usl, code, warn, of }: CheckResult): string {
  const digits = uncertainty !== null && uncertainty > 0 ? Math.max(0, Math.min(6, 1 - Math.floor(Math.log10(uncertainty)))) : 3;
  const number = (each: number) => String(Number(each.toFixed(digits)));
  const spread = uncertainty !== null && uncertainty > 0 ? ` ± ${uncertainty.toFixed(digits)}` : '';
  const limits = lsl === undefined ? (usl === undefined ? '' : ` [≤ ${usl}]`) : usl === undefined ? ` [≥ ${lsl}]` : ` [${lsl} … ${usl}]`;
  return [
    `${id}: ${value === null ? '–' : number(value)}${spread}${unit === undefined ? '' : ` ${unit}`}${limits}`,
    ...(of === undefined ? [] : [`(worst of ${of})`]),
    ...(code === undefined ? [] : [code]),
    ...(warn ? ['near the limit'] : []),
  ].join(' ');
}
