/** `fastsamd teach`: limits, and a golden sample, from good parts. */
import { readFile, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { isMap, parseDocument } from 'yaml';
import { type NativeFrame, native } from '../addon/addon.js';
import { toTimestamp } from '../contract/common.js';
import type { Frame } from '../domain/frame.js';
import type { Check, Recipe } from '../domain/recipe.js';
import { writeDurably } from '../durable.js';
import { FastsamError } from '../errors.js';
import { type Golden, goldenPlaces } from '../inspect/golden.js';
import { inspectFrame } from '../inspect/inspect.js';
import { readingsOf } from '../inspect/judge.js';
import { LEAST_PARTS, type TaughtLimits, teachLimits, USUAL_PARTS } from '../inspect/limits.js';
import { storedGolden, type TaughtFile } from '../inspect/taught.js';
import { DIFFERENCE_DEFAULTS } from '../measure/difference.js';
import { finishBeforeLeaving, writeLine } from './leaving.js';
import { demandRange } from './model-options.js';
import { Inputs } from './overwriting.js';
import { writeOutput } from './picture-file.js';
import type { RecipeArguments } from './recipe-options.js';
import { readRecipe, segmentForRecipe } from './recipe-pictures.js';
import { tell } from './terminal.js';

export interface TeachArguments extends RecipeArguments {
  readonly out?: string | undefined;
  readonly limits?: string | undefined;
  readonly sigma: number;
  readonly json: boolean;
}

interface Values {
  readonly values: number[];
  readonly uncertainties: number[];
}

export async function teach(args: TeachArguments): Promise<void> {
  demandRange('--sigma', args.sigma, 1, 20);
  const { recipe, calibration } = await readRecipe(args);
  const compares = recipe.checks.some(({ measure }) => measure === 'difference');
  if (compares && args.out === undefined) {
    throw new FastsamError('USAGE', `recipe "${recipe.recipe}" compares with a golden sample; expected --out FILE to keep it in`);
  }
  const inputs = await Inputs.of([args.pictures, args.recipe, ...(args.calibration === undefined ? [] : [args.calibration])]);
  for (const option of ['out', 'limits'] as const) {
    const path = args[option];
    if (path !== undefined) await inputs.demandOther(path, `--${option}`);
  }

  const found = new Map<string, Values>(measuring(recipe).map(({ id }) => [id, { values: [], uncertainties: [] }]));
  const incomplete: string[] = [];
  let parts = 0;
  let golden: { readonly sample: Golden; readonly frame: Frame } | undefined;
  using finishing = finishBeforeLeaving();
  try {
    await segmentForRecipe(args, recipe, finishing, async (result, frame) => {
      parts += 1;
      const taught = golden && { sha256: '', golden: golden.sample, [Symbol.dispose]: () => undefined };
      const { scene, checks } = await inspectFrame(recipe, frame, result, { scale: args.scale, calibration, taught });
      if (compares && !golden) {
        const places = goldenPlaces(recipe, scene.sets, result.segments);
        if (places) {
          const held = frame.retain();
          golden = { sample: { frame: held, places }, frame: held };
        }
      }
      const before = incomplete.length;
      for (const check of measuring(recipe)) {
        const readings = readingsOf(check, recipe, scene, { scale: args.scale, calibration });
        // The golden sample is not compared with itself.
        if (readings.length === 0 && check.measure !== 'difference' && incomplete.length === before) {
          const code = checks.find(({ id }) => id === check.id)?.code;
          incomplete.push(`${result.file?.name ?? `frame ${result.sequence}`} (${check.id}: ${code})`);
        }
        const { values, uncertainties } = found.get(check.id)!;
        values.push(...readings.map(({ value }) => value));
        uncertainties.push(...readings.map(({ uncertainty }) => uncertainty).filter(Number.isFinite));
      }
    });
    if (compares && !golden) {
      throw new FastsamError('USAGE', `${args.pictures}: no picture has all objects that the recipe compares; expected a good part`);
    }
    await report(args, recipe, { parts, found, incomplete });
    if (args.out === undefined) return;
    const file: TaughtFile = {
      v: 1,
      recipe: recipe.recipe,
      parts,
      at: toTimestamp(Date.now()),
      ...(golden ? { golden: storedGolden(golden.sample.places, await pngOf(golden.frame)) } : {}),
    };
    await writeOutput(args.out, () => writeDurably(args.out!, `${JSON.stringify(file)}\n`));
    tell(`fastsamd: ${args.out} written; "fastsamd inspect --taught" and inspection.taught of a camera take it`);
  } finally {
    golden?.frame[Symbol.dispose]();
  }
}

function measuring({ checks }: Recipe): Check[] {
  return checks.filter(({ measure }) => measure !== undefined);
}

interface Lesson {
  readonly parts: number;
  readonly found: ReadonlyMap<string, Values>;
  readonly incomplete: readonly string[];
}

/** Errors: USAGE for too few parts, or where none of them could be measured; OUTPUT_UNWRITABLE. */
async function report(args: TeachArguments, recipe: Recipe, { parts, found, incomplete }: Lesson): Promise<void> {
  if (parts < LEAST_PARTS) {
    throw new FastsamError('USAGE', `${args.pictures}: ${parts} good parts; expected at least ${LEAST_PARTS}, better ${USUAL_PARTS}`);
  }
  if (parts < USUAL_PARTS) tell(`fastsamd: ${parts} good parts; ${USUAL_PARTS} and more say better how much good parts differ`);
  if (incomplete.length > 0) {
    const shown = incomplete.slice(0, 5).join(', ');
    tell(`fastsamd: not measured in ${incomplete.length} of ${parts} parts: ${shown}${incomplete.length > 5 ? ', …' : ''}`);
  }
  const limits = measuring(recipe).flatMap((check): TaughtLimits[] => {
    const { values, uncertainties } = found.get(check.id)!;
    const kept = (why: string) => {
      tell(`fastsamd: check "${check.id}" keeps its limits: ${why}`);
      return [];
    };
    if (values.length < LEAST_PARTS - 1) return kept(`${values.length} values; expected at least ${LEAST_PARTS - 1}`);
    const taught = teachLimits(check, values, { sigma: args.sigma, least: leastOf(check, uncertainties) });
    return taught.sd > 0
      ? [taught]
      : kept('its values are all equal; expected pictures of different parts, or its "uncertainty" in the recipe');
  });
  if (limits.length === 0) {
    throw new FastsamError(
      'USAGE',
      `recipe "${recipe.recipe}": no check was measured in enough parts; "fastsamd inspect ${args.pictures} --out DIR" draws what it finds`,
    );
  }
  if (args.json) await writeLine(JSON.stringify({ recipe: recipe.recipe, parts, sigma: args.sigma, limits }));
  else for (const line of table(limits)) await writeLine(line);
  const { limits: target } = args;
  if (target !== undefined) await writeOutput(target, async () => writeFile(target, await withLimits(args.recipe, limits)));
}

/** The least standard deviation that a check can tell: its uncertainty; of a difference, the smallest place that counts. */
function leastOf({ uncertainty, measure, minArea }: Check, uncertainties: readonly number[]): number {
  if (measure === 'difference') return minArea ?? DIFFERENCE_DEFAULTS.minArea;
  if (uncertainty !== undefined) return uncertainty;
  const sorted = [...uncertainties].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

function* table(limits: readonly TaughtLimits[]): Iterable<string> {
  const digits = (value: number | undefined) => (value === undefined ? '–' : String(Number(value.toPrecision(6))));
  const rows = [
    ['check', 'n', 'median', 'sd', 'lsl', 'usl', 'outside', 'outside now'],
    ...limits.map(({ check, n, median, sd, lsl, usl, outside, outsideNow }) => [
      check,
      String(n),
      digits(median),
      Number(sd.toPrecision(2)).toString(),
      digits(lsl),
      digits(usl),
      String(outside),
      String(outsideNow),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows) {
    yield row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  ');
  }
}

/** The text of the recipe's file with the taught limits; comments stay. */
async function withLimits(file: string, limits: readonly TaughtLimits[]): Promise<string> {
  const document = parseDocument(await readFile(file, 'utf8'));
  const checks = document.get('checks');
  for (const { check, lsl, usl } of limits) {
    const items = (checks as { items?: unknown[] } | undefined)?.items ?? [];
    const item = items.find((each) => isMap(each) && each.get('id') === check);
    if (!isMap(item)) continue;
    const isPosition = item.get('measure') === 'position';
    for (const key of ['lsl', 'usl', 'min', 'max', 'tol', ...(isPosition ? [] : ['target'])]) item.delete(key);
    if (isPosition) item.set('tol', usl);
    else {
      if (lsl !== undefined) item.set('lsl', lsl);
      if (usl !== undefined) item.set('usl', usl);
    }
  }
  return document.toString({ lineWidth: 0 });
}

async function pngOf(frame: Frame): Promise<Uint8Array> {
  const { width, height } = frame;
  return sharp(await native().toRgb(frame.pixels as NativeFrame), { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}
