/** `fastsamd teach`: limits, a golden sample, and good surfaces, from good parts. */
import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import sharp from 'sharp';
import { isMap, parseDocument } from 'yaml';
import { type NativeFrame, native } from '../addon/addon.js';
import { toTimestamp } from '../contract/common.js';
import type { Frame } from '../domain/frame.js';
import type { Check, Recipe } from '../domain/recipe.js';
import type { FrameResult } from '../domain/result.js';
import { writeDurably } from '../durable.js';
import { FeatureNetwork } from '../engine/onnxruntime/features.js';
import { FastsamError } from '../errors.js';
import { type Golden, goldenPlaces } from '../inspect/golden.js';
import { inspectFrame } from '../inspect/inspect.js';
import { readingsOf } from '../inspect/judge.js';
import { LEAST_PARTS, type TaughtLimits, teachLimits, USUAL_PARTS } from '../inspect/limits.js';
import { surfaceChecks } from '../inspect/surface.js';
import { SurfaceLesson, type TaughtSurface } from '../inspect/surface-lesson.js';
import { storedGolden, storedSurfaces, type TaughtFile } from '../inspect/taught.js';
import { DIFFERENCE_DEFAULTS } from '../measure/difference.js';
import { sha256OfFile } from '../model/checksum.js';
import { resolveModel } from '../model/installed.js';
import { finishBeforeLeaving, writeLine } from './leaving.js';
import { demandRange } from './model-options.js';
import { modelOf } from './open-model.js';
import { Inputs } from './overwriting.js';
import { writeOutput } from './picture-file.js';
import { startProgress } from './progress.js';
import type { RecipeArguments } from './recipe-options.js';
import { readRecipe, segmentForRecipe } from './recipe-pictures.js';
import { tell } from './terminal.js';

export interface TeachArguments extends RecipeArguments {
  readonly out?: string | undefined;
  readonly limits?: string | undefined;
  readonly sigma: number;
  readonly frames: number;
  readonly json: boolean;
}

/** What is learnt from them is held in memory. */
const MOST_FRAMES = 100_000;
/** Parts that were not measured: so many are named, the others counted. */
const NAMED = 5;

interface Values {
  readonly values: number[];
  readonly uncertainties: number[];
}

export async function teach(args: TeachArguments): Promise<void> {
  demandRange('--sigma', args.sigma, 1, 20);
  demandRange('--frames', args.frames, LEAST_PARTS, MOST_FRAMES, true);
  const { recipe, calibration } = await readRecipe(args);
  const compares = recipe.checks.some(({ measure }) => measure === 'difference');
  const looks = surfaceChecks(recipe).length > 0;
  if ((compares || looks) && args.out === undefined) {
    const kept = compares ? 'a golden sample; expected --out FILE to keep it in' : 'good surfaces; expected --out FILE to keep these in';
    throw new FastsamError('USAGE', `recipe "${recipe.recipe}" compares with ${kept}`);
  }
  const inputs = await Inputs.of([args.pictures, args.recipe, ...(args.calibration === undefined ? [] : [args.calibration])]);
  for (const option of ['out', 'limits'] as const) {
    const path = args[option];
    if (path !== undefined) await inputs.demandOther(path, `--${option}`);
  }

  const found = new Map<string, Values>(measuring(recipe).map(({ id }) => [id, { values: [], uncertainties: [] }]));
  const incomplete: Incomplete = { count: 0, named: [] };
  const leaveOut = (name: string) => {
    incomplete.count += 1;
    if (incomplete.named.length < NAMED) incomplete.named.push(name);
  };
  let parts = 0;
  let unseen = 0;
  let golden: { readonly sample: Golden; readonly frame: Frame } | undefined;
  const model = looks ? await resolveModel(await modelOf(args)) : undefined;
  const network = model === undefined ? undefined : await FeatureNetwork.open(model, { threads: args.threads });
  const surfaces = network && new SurfaceLesson(recipe, network);
  using finishing = finishBeforeLeaving();
  try {
    await segmentForRecipe(
      args,
      recipe,
      finishing,
      async (result, frame) => {
        parts += 1;
        const taught = golden && { golden: golden.sample };
        const { scene, checks } = await inspectFrame(recipe, frame, result, { scale: args.scale, calibration, taught });
        if (compares && !golden) {
          const places = goldenPlaces(recipe, scene.sets, result.segments);
          if (places) {
            const held = frame.retain();
            golden = { sample: { frame: held, places }, frame: held };
          }
        }
        const before = incomplete.count;
        if (surfaces?.isFull) unseen += 1;
        const unlearnt = await surfaces?.add(frame, scene.sets, result.segments);
        for (const check of measuring(recipe)) {
          if (check.measure === 'anomaly') {
            const code = unlearnt?.get(check.id);
            if (code !== undefined && incomplete.count === before) leaveOut(`${nameOf(result)} (${check.id}: ${code})`);
            continue;
          }
          const readings = readingsOf(check, recipe, scene, { scale: args.scale, calibration });
          // The golden sample is not compared with itself.
          if (readings.length === 0 && check.measure !== 'difference' && incomplete.count === before) {
            const code = checks.find(({ id }) => id === check.id)?.code;
            leaveOut(`${nameOf(result)} (${check.id}: ${code})`);
          }
          const { values, uncertainties } = found.get(check.id)!;
          values.push(...readings.map(({ value }) => value));
          uncertainties.push(...readings.map(({ uncertainty }) => uncertainty).filter(Number.isFinite));
        }
      },
      args.frames,
    );
    if (compares && !golden) {
      throw new FastsamError('USAGE', `${args.pictures}: no picture has all objects that the recipe compares; expected a good part`);
    }
    if (parts >= LEAST_PARTS && unseen > 0) {
      tell(`fastsamd: the surfaces of the first ${parts - unseen} parts were learnt; there is no room for those of ${unseen} more`);
    }
    const learnt = parts >= LEAST_PARTS ? await learnSurfaces(surfaces) : new Map<string, TaughtSurface>();
    for (const [id, { scores, uncertainty }] of learnt) found.set(id, { values: [...scores], uncertainties: [uncertainty] });
    await report(args, recipe, { parts, found, incomplete });
    if (args.out === undefined) return;
    const file: TaughtFile = {
      v: 1,
      recipe: recipe.recipe,
      parts,
      at: toTimestamp(Date.now()),
      ...(golden ? { golden: storedGolden(golden.sample.places, await pngOf(golden.frame)) } : {}),
      ...(model !== undefined && learnt.size > 0
        ? { surfaces: storedSurfaces({ name: basename(model), sha256: await sha256OfFile(model) }, learnt) }
        : {}),
    };
    await writeOutput(args.out, () => writeDurably(args.out!, `${JSON.stringify(file)}\n`));
    tell(`fastsamd: ${args.out} written; "fastsamd inspect --taught" and inspection.taught of a camera take it`);
  } finally {
    golden?.frame[Symbol.dispose]();
    await network?.stop();
  }
}

async function learnSurfaces(lesson: SurfaceLesson | undefined): Promise<ReadonlyMap<string, TaughtSurface>> {
  if (!lesson) return new Map();
  const progress = startProgress(undefined);
  try {
    return await lesson.finish((done, total) => progress.reached(done, total, 'memories of surfaces'));
  } finally {
    progress.stop();
  }
}

function nameOf({ file, sequence }: FrameResult): string {
  return file?.name ?? `frame ${sequence}`;
}

function measuring({ checks }: Recipe): Check[] {
  return checks.filter(({ measure }) => measure !== undefined);
}

/** Parts in which a check had no value. */
interface Incomplete {
  count: number;
  readonly named: string[];
}

interface Lesson {
  readonly parts: number;
  readonly found: ReadonlyMap<string, Values>;
  readonly incomplete: Incomplete;
}

/** Errors: USAGE for too few parts, or where none of them could be measured; OUTPUT_UNWRITABLE. */
async function report(args: TeachArguments, recipe: Recipe, { parts, found, incomplete }: Lesson): Promise<void> {
  if (parts < LEAST_PARTS) {
    throw new FastsamError('USAGE', `${args.pictures}: ${parts} good parts; expected at least ${LEAST_PARTS}, better ${USUAL_PARTS}`);
  }
  if (parts < USUAL_PARTS) tell(`fastsamd: ${parts} good parts; ${USUAL_PARTS} and more say better how much good parts differ`);
  const { count, named } = incomplete;
  if (count > 0) tell(`fastsamd: not measured in ${count} of ${parts} parts: ${named.join(', ')}${count > NAMED ? ', …' : ''}`);
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
