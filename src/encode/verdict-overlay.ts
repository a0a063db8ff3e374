/** Pictures for people: what was judged, and how. */
import sharp from 'sharp';
import { type NativeFrame, native } from '../addon/addon.js';
import type { CheckResult, Verdict } from '../contract/inspection.js';
import type { Frame } from '../domain/frame.js';
import { cssColour, inkOn } from './object-colours.js';
import { blend, pathOf } from './outline-drawing.js';
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

/** The frame as tightly packed RGB: outlines in the colour of their result, the verdict and every check as text. */
export async function drawVerdict(frame: Frame, { verdict, title, checks, outlines }: VerdictDrawing): Promise<Uint8Array> {
  const { width, height } = frame;
  const rgb = await native().toRgb(frame.pixels as NativeFrame);
  const line = Math.max(1, Math.min(width, height) / 400);
  const paths = outlines.map(
    ({ rings, result }) =>
      `<path d="${rings.map(pathOf).join('')}" fill="none" stroke="${cssColour(COLOURS[OF_RESULT[result]])}" stroke-width="${line}"/>`,
  );
  const crosses = checks.flatMap(({ at, result }) => {
    if (!at || result === 'ok') return [];
    const arm = 5 * line;
    const d = `M${at[0] - arm} ${at[1] - arm}l${2 * arm} ${2 * arm}m0 ${-2 * arm}l${-2 * arm} ${2 * arm}`;
    return `<path d="${d}" stroke="${cssColour(COLOURS[OF_RESULT[result]])}" stroke-width="${1.5 * line}"/>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${paths.join('')}${crosses.join('')}</svg>`;
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .composite([{ input: Buffer.from(svg), left: 0, top: 0 }, ...(await labels(frame, `${verdict}  ${title}`, verdict, checks))])
    .removeAlpha()
    .raw()
    .toBuffer();
}

async function labels({ width, height }: Frame, title: string, verdict: Verdict, checks: readonly CheckResult[]) {
  const stamps = new TextStamps();
  const fontPixels = fontPixelsFor(width, height);
  // What is wrong comes first: a picture has no room for a hundred checks.
  const sorted = [...checks.filter(({ result }) => result !== 'ok'), ...checks.filter(({ result }) => result === 'ok')];
  const lines = [
    { text: title, colour: COLOURS[verdict] },
    ...sorted.map((check) => ({ text: checkText(check), colour: COLOURS[OF_RESULT[check.result]] })),
  ].slice(0, MAX_LINES);
  const tags: { input: Buffer; raw: { width: number; height: number; channels: 3 }; left: number; top: number }[] = [];
  let top = 0;
  for (const { text, colour } of lines) {
    const stamp = await stamps.render(text, fontPixels);
    if (stamp.width > width || top + stamp.height > height) continue;
    const raw = { width: stamp.width, height: stamp.height, channels: 3 as const };
    tags.push({ input: blend(stamp.alpha, inkOn(colour), colour), raw, left: 0, top });
    top += stamp.height;
  }
  return tags;
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
