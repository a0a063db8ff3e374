/** `fastsamd gauge stability | repeat | rr`: how far a picture, and what is measured in it, can be trusted. */
import { readFile } from 'node:fs/promises';
import { native } from '../addon/addon.js';
import type { NativeFrame } from '../addon/frame.js';
import { FastsamError, isFastsamError, messageOf } from '../errors.js';
import { type Component, type GaugeStudy, type GaugeValue, gaugeStudy, repeatability } from '../inspect/gauge.js';
import { Stillness } from '../measure/stillness.js';
import { firstFrames } from '../source/limit.js';
import { parseCsv } from './csv.js';
import { finishBeforeLeaving, withSource, writeLine } from './leaving.js';
import { demandRange } from './model-options.js';
import { startProgress } from './progress.js';

export interface GaugeArguments {
  readonly table: string;
  readonly check?: string | undefined;
  readonly value: string;
  readonly tolerance?: number | undefined;
  readonly json: boolean;
}

export interface RepeatArguments extends GaugeArguments {
  readonly reference?: number | undefined;
}

export interface RrArguments extends GaugeArguments {
  readonly part: string;
  readonly by: string;
}

export interface StabilityArguments {
  readonly source: string;
  readonly frames: number;
  readonly limit: number;
  readonly json: boolean;
}

/** Frames of a scene that does not move: noise, flicker, drift. Exit code 1 when one of them is above the limit. */
export async function gaugeStability({ source, frames, limit, json }: StabilityArguments): Promise<void> {
  demandRange('--frames', frames, 2, 10_000, true);
  demandRange('--limit', limit, 0.01, 255);
  let stillness: Stillness | undefined;
  let size: { width: number; height: number } | undefined;
  using finishing = finishBeforeLeaving();
  const progress = startProgress(frames);
  try {
    await withSource(source, {}, finishing, async (camera) => {
      for await (const frame of firstFrames(camera, frames)) {
        using held = frame;
        size ??= { width: held.width, height: held.height };
        if (held.width !== size.width || held.height !== size.height) {
          const message = `${source}: a frame of ${held.width}×${held.height} after ${size.width}×${size.height}; expected one size`;
          throw new FastsamError('SOURCE_UNSUPPORTED', message);
        }
        stillness ??= new Stillness(size);
        stillness.add(await native().toRgb(held.pixels as NativeFrame));
        progress.advance();
      }
    });
  } finally {
    progress.stop();
  }
  const result = stillness?.result();
  if (!result || result.frames < 2) throw new FastsamError('USAGE', `${source}: expected two frames or more of a camera or video`);
  const { noise, noise99, level, flicker, drift } = result;
  const good = Math.max(noise, flicker, Math.abs(drift)) < limit;
  if (json) await writeLine(JSON.stringify({ ...result, limit, good }));
  else {
    await writeLine(`${result.frames} frames, mean level ${level.toFixed(1)}`);
    await writeLine(`noise    ${noise.toFixed(2)} grey levels (sd of a pixel; 99 % below ${noise99.toFixed(2)})${over(noise, limit)}`);
    await writeLine(`flicker  ${flicker.toFixed(2)} (sd of the frames' mean)${over(flicker, limit)}`);
    await writeLine(
      `drift    ${drift >= 0 ? '+' : '−'}${Math.abs(drift).toFixed(2)} (last quarter less the first)${over(Math.abs(drift), limit)}`,
    );
  }
  if (!good) process.exitCode = 1;
}

function over(value: number, limit: number): string {
  return value < limit ? '' : `  not below ${limit}: fix exposure, gain and white balance, steady the light and the mount`;
}

/** Repeats of one part: Cg, Cgk, and the uncertainty for the recipe. Exit code 1 when Cg or Cgk is below 1.33. */
export async function gaugeRepeat(args: RepeatArguments): Promise<void> {
  if (args.tolerance !== undefined) demandRange('--tolerance', args.tolerance, 1e-12, 1e12);
  const rows = await rowsOf(args);
  const values = rows.map((row) => numberIn(row, args));
  const result = studied(() => repeatability(values, args));
  if (args.json) await writeLine(JSON.stringify(result));
  else {
    const { n, mean, sd, cg, cgk } = result;
    await writeLine(`${n} values, mean ${digits(mean)}, sd ${digits(sd)}${n < 25 ? ' (25 to 50 are usual)' : ''}`);
    if (cg !== null) await writeLine(`Cg  ${cg.toFixed(2)}  ${cg >= 1.33 ? 'good' : 'below 1.33'}`);
    if (cgk !== null) await writeLine(`Cgk ${cgk.toFixed(2)}  ${cgk >= 1.33 ? 'good' : 'below 1.33'}`);
    await writeLine(`for the recipe: uncertainty: ${digits(sd)}`);
  }
  if ([result.cg, result.cgk].some((capability) => capability !== null && capability < 1.33)) process.exitCode = 1;
}

/** Parts × conditions × trials: EV, AV, GRR, PV, ndc. Exit code 1 when GRR is 30 % or more. */
export async function gaugeRr(args: RrArguments): Promise<void> {
  if (args.tolerance !== undefined) demandRange('--tolerance', args.tolerance, 1e-12, 1e12);
  const rows = await rowsOf(args);
  const values = rows.map(
    (row): GaugeValue => ({ part: textIn(row, args.part, args.table), by: row.get(args.by) ?? '', value: numberIn(row, args) }),
  );
  const study = studied(() => gaugeStudy(values, args));
  if (args.json) await writeLine(JSON.stringify(study));
  else for (const line of report(study)) await writeLine(line);
  if ((study.gauge.ofTolerance ?? study.gauge.ofTotal) >= 30) process.exitCode = 1;
}

function* report(study: GaugeStudy): Iterable<string> {
  const { parts, conditions, trials, table, interacts, equipment, conditionsVary, gauge, part, categories } = study;
  yield `${parts} parts, ${conditions} conditions, ${trials} trials`;
  yield '';
  yield row('', 'df', 'sum of squares', 'mean square', 'F');
  for (const { source, df, ss, ms, f } of table) yield row(source, String(df), ss.toFixed(4), ms.toFixed(5), f?.toFixed(2) ?? '');
  yield interacts ? 'by × part counts (5 %)' : 'by × part does not count (5 %): taken into the repeatability';
  yield '';
  yield row('', 'sd', '% of total', '% of tolerance', '');
  const line = (name: string, { sd, ofTotal, ofTolerance }: Component) =>
    row(name, digits(sd), ofTotal.toFixed(1), ofTolerance?.toFixed(1) ?? '–', '');
  yield line('EV repeatability', equipment);
  yield line('AV reproducibility', conditionsVary);
  yield line('GRR', gauge);
  yield line('PV part to part', part);
  yield '';
  const share = gauge.ofTolerance ?? gauge.ofTotal;
  yield `GRR ${share.toFixed(1)} %: ${share < 10 ? 'good' : share < 30 ? 'may do, depending on the use' : 'not acceptable'}; ndc ${categories}${categories < 5 ? ' (5 and more is good)' : ''}`;
}

function row(...cells: readonly [string, string, string, string, string]): string {
  const [name, ...rest] = cells;
  return `${name.padEnd(20)}${rest.map((cell) => cell.padStart(15)).join('')}`.trimEnd();
}

type Row = ReadonlyMap<string, string>;

/** Rows of the check. */
async function rowsOf({ table, check }: GaugeArguments): Promise<Row[]> {
  let text: string;
  try {
    text = await readFile(table, 'utf8');
  } catch (cause) {
    throw new FastsamError('SOURCE_NOT_FOUND', `${table}: cannot be read: ${messageOf(cause)}`, { cause });
  }
  const [header, ...lines] = parseCsv(text);
  if (!header || lines.length === 0) throw new FastsamError('SOURCE_CORRUPT', `${table}: expected a table (CSV) with a line of names`);
  const rows = lines.map((cells): Row => new Map(header.map((name, k) => [name, cells[k] ?? ''])));
  if (!header.includes('check')) return rows;
  const checks = [...new Set(rows.map((each) => each.get('check')!))].filter((each) => each !== '');
  const wanted = check ?? (checks.length === 1 ? checks[0] : undefined);
  if (wanted === undefined || !checks.includes(wanted)) {
    throw new FastsamError('USAGE', `--check ${check ?? ''}: expected one of ${checks.join(', ') || '(the table has none)'}`);
  }
  return rows.filter((each) => each.get('check') === wanted && each.get('value') !== '');
}

function textIn(row: Row, column: string, table: string): string {
  const text = row.get(column);
  if (text === undefined) throw new FastsamError('USAGE', `${table}: no column "${column}"; expected one of ${[...row.keys()].join(', ')}`);
  return text;
}

function numberIn(row: Row, { value, table }: GaugeArguments): number {
  const text = textIn(row, value, table);
  const number = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(number)) return number;
  throw new FastsamError('SOURCE_CORRUPT', `${table}: column "${value}": expected a number, got "${text.slice(0, 40)}"`);
}

/** A table that does not fit a study is the user's to mend. */
function studied<T>(study: () => T): T {
  try {
    return study();
  } catch (error) {
    if (isFastsamError(error, 'MISUSE')) throw new FastsamError('USAGE', messageOf(error), { cause: error });
    throw error;
  }
}

function digits(value: number): string {
  return String(Number(value.toPrecision(6)));
}
