/** `fastsamd teach`: limits, a golden sample, and good surfaces, from good parts. */
import { readFile, writeFile } from 'node:fs/promises';
import { isMap, parseDocument } from 'yaml';
import type { Check, Recipe } from '../domain/recipe.js';
import type { FrameResult } from '../domain/result.js';
import { writeDurably } from '../durable.js';
import { openTeachingNetwork } from '../engine/onnxruntime/features.js';
import { FastsamError } from '../errors.js';
import { comparesWithGolden, type Learnt, Lesson } from '../inspect/lesson.js';
import { LEAST_PARTS, limitKeys, type TaughtLimits, USUAL_PARTS } from '../inspect/limits.js';
import { surfaceChecks } from '../inspect/surface.js';
import { writtenTaught } from '../inspect/taught.js';
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
/** Of features of surfaces. */
const MOST_BYTES = 2 ** 30;
/** Parts that were not measured: so many are named, the others counted. */
const NAMED = 5;

export async function teach(args: TeachArguments): Promise<void> {
  demandRange('--sigma', args.sigma, 1, 20);
  demandRange('--frames', args.frames, LEAST_PARTS, MOST_FRAMES, true);
  const { recipe, calibration } = await readRecipe(args);
  const compares = comparesWithGolden(recipe);
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

  let parts = 0;
  let unmeasured = 0;
  let unseen = 0;
  const named: string[] = [];
  const surfaces = looks ? await openTeachingNetwork(await modelOf(args), { threads: args.threads }) : undefined;
  const { scale, sigma } = args;
  using lesson = new Lesson(recipe, { scale, calibration, sigma, surfaces, mostBytes: MOST_BYTES });
  using finishing = finishBeforeLeaving();
  try {
    await segmentForRecipe(
      args,
      recipe,
      finishing,
      async (result, frame) => {
        const shown = await lesson.add(frame, result);
        parts += shown.parts;
        if (shown.isFull) unseen += shown.parts;
        const [first] = shown.missing;
        if (!first) return;
        unmeasured += 1;
        if (named.length < NAMED) named.push(`${nameOf(result)} (${first.check}: ${first.code})`);
      },
      args.frames,
    );
    if (compares && !lesson.hasGolden) {
      throw new FastsamError('USAGE', `${args.pictures}: no picture has all objects that the recipe compares; expected a good part`);
    }
    if (parts < LEAST_PARTS) {
      throw new FastsamError('USAGE', `${args.pictures}: ${parts} good parts; expected at least ${LEAST_PARTS}, better ${USUAL_PARTS}`);
    }
    if (unseen > 0) {
      tell(`fastsamd: the surfaces of the first ${parts - unseen} parts were learnt; there is no room for those of ${unseen} more`);
    }
    if (parts < USUAL_PARTS) tell(`fastsamd: ${parts} good parts; ${USUAL_PARTS} and more say better how much good parts differ`);
    if (unmeasured > 0) {
      tell(`fastsamd: not measured in ${unmeasured} of ${parts} parts: ${named.join(', ')}${unmeasured > NAMED ? ', …' : ''}`);
    }
    const learnt = await finish(lesson);
    await report(args, recipe, parts, learnt);
    if (args.out === undefined || !learnt.file) return;
    const { text } = writtenTaught(learnt.file);
    await writeOutput(args.out, () => writeDurably(args.out!, text));
    tell(`fastsamd: ${args.out} written; "fastsamd inspect --taught" and inspection.taught of a camera take it`);
  } finally {
    await surfaces?.network.stop();
  }
}

async function finish(lesson: Lesson): Promise<Learnt> {
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

/** Errors: USAGE where no part could be measured; OUTPUT_UNWRITABLE. */
async function report(args: TeachArguments, recipe: Recipe, parts: number, { limits, kept }: Learnt): Promise<void> {
  for (const { check, reason } of kept) tell(`fastsamd: check "${check}" keeps its limits: ${reason}`);
  if (limits.length === 0) {
    throw new FastsamError(
      'USAGE',
      `recipe "${recipe.recipe}": no check was measured in enough parts; "fastsamd inspect ${args.pictures} --out DIR" draws what it finds`,
    );
  }
  if (args.json) await writeLine(JSON.stringify({ recipe: recipe.recipe, parts, sigma: args.sigma, limits }));
  else for (const line of table(limits)) await writeLine(line);
  const { limits: target } = args;
  if (target !== undefined) await writeOutput(target, async () => writeFile(target, await textWithLimits(args.recipe, limits)));
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
async function textWithLimits(file: string, limits: readonly TaughtLimits[]): Promise<string> {
  const document = parseDocument(await readFile(file, 'utf8'));
  const checks = document.get('checks');
  for (const taught of limits) {
    const items = (checks as { items?: unknown[] } | undefined)?.items ?? [];
    const item = items.find((each) => isMap(each) && each.get('id') === taught.check);
    if (!isMap(item)) continue;
    const { gone, come } = limitKeys(item.get('measure') as Check['measure'], taught);
    for (const key of gone) item.delete(key);
    for (const [key, value] of Object.entries(come)) item.set(key, value);
  }
  return document.toString({ lineWidth: 0 });
}
