/** `fastsamd inspect`: pictures judged by a recipe. */
import { writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { VERDICTS, type Verdict } from '../contract/inspection.js';
import type { Frame } from '../domain/frame.js';
import { isTaughtMeasure } from '../domain/recipe.js';
import { ContactSheet } from '../encode/contact-sheet.js';
import { checkText, drawVerdict } from '../encode/verdict-overlay.js';
import { openTaughtNetwork } from '../engine/onnxruntime/features.js';
import { FastsamError } from '../errors.js';
import { identityOf } from '../inspect/identity.js';
import { type Inspected, inspectFrame, outlinesOf } from '../inspect/inspect.js';
import { loadTaught, type TaughtModel } from '../inspect/taught.js';
import { csvLine } from './csv.js';
import { finishBeforeLeaving, writeLine } from './leaving.js';
import { modelOf } from './open-model.js';
import { Inputs } from './overwriting.js';
import { demandPicture, writeOutput, writePicture } from './picture-file.js';
import type { RecipeArguments } from './recipe-options.js';
import { readRecipe, segmentForRecipe } from './recipe-pictures.js';
import { tell } from './terminal.js';

export interface InspectArguments extends RecipeArguments {
  readonly taught?: string | undefined;
  readonly json: boolean;
  readonly csv?: string | undefined;
  readonly out?: string | undefined;
  readonly sheet?: string | undefined;
}

/** Exit code 1 when a part is not OK. */
export async function inspect(args: InspectArguments): Promise<void> {
  const { recipe, calibration } = await readRecipe(args);
  if (args.taught === undefined && recipe.checks.some(({ measure }) => isTaughtMeasure(measure))) {
    const message = `recipe "${recipe.recipe}" compares with good parts; expected --taught FILE, which "fastsamd teach" writes`;
    throw new FastsamError('USAGE', message);
  }
  const openFeatures = async (model: TaughtModel) => openTaughtNetwork(await modelOf(args), model, { threads: args.threads });
  await using taught = args.taught === undefined ? undefined : await loadTaught(args.taught, openFeatures);
  if (recipe.taught !== undefined && taught !== undefined && recipe.taught !== taught.sha256) {
    const [names, has] = [recipe.taught, taught.sha256].map((sum) => sum.slice(0, 12));
    throw new FastsamError(
      'CONFIG_INVALID',
      `${args.taught}: recipe "${recipe.recipe}" was taught another one (${names}…, this is ${has}…)`,
    );
  }
  const identity = identityOf(recipe, 0);
  const inputs = await Inputs.of([args.pictures, args.recipe, ...[args.calibration, args.taught].filter((path) => path !== undefined)]);
  for (const option of ['csv', 'out', 'sheet'] as const) {
    const path = args[option];
    if (path !== undefined) await inputs.demandOther(path, `--${option}`);
  }
  if (args.sheet !== undefined) demandPicture(args.sheet, '--sheet');
  const sheet = new ContactSheet();
  const rows = [csvLine(['picture', 'verdict', 'reasons', ...recipe.checks.map(({ id }) => id)])];
  const counts: Record<Verdict, number> = { OK: 0, NOK: 0, UNSURE: 0 };
  using finishing = finishBeforeLeaving();
  await segmentForRecipe(args, recipe, finishing, async (result, frame) => {
    const part = result.file?.name ?? `frame ${result.sequence}`;
    const inspected = await inspectFrame(recipe, frame, result, { scale: args.scale, calibration, taught });
    const { verdict, reasons, checks } = inspected;
    counts[verdict] += 1;
    rows.push(csvLine([part, verdict, reasons.join(' '), ...checks.map(({ value }) => value)]));
    if (args.json) await writeLine(JSON.stringify({ part, verdict, reasons, recipe: identity, model: result.model.name, checks }));
    else for (const line of report(part, inspected)) await writeLine(line);
    if (args.out === undefined && args.sheet === undefined) return;
    const drawn = await draw(frame, part, inspected, recipe);
    if (args.out !== undefined) await writePicture(join(args.out, `${part}.jpg`), drawn, frame);
    if (args.sheet !== undefined) await sheet.add(verdict, drawn, frame);
  });
  if (args.csv !== undefined) await writeOutput(args.csv, () => writeFile(args.csv!, `${rows.join('\n')}\n`));
  if (args.sheet !== undefined) {
    await writeOutput(args.sheet, () => sheet.write(args.sheet!));
    if (sheet.left > 0) tell(`fastsamd: ${args.sheet} has no room for ${sheet.left} parts; those not OK are shown first`);
  }
  const total = counts.OK + counts.NOK + counts.UNSURE;
  tell(`fastsamd: ${total} inspected by ${identity.id}: ${VERDICTS.map((verdict) => `${counts[verdict]} ${verdict}`).join(', ')}`);
  if (counts.OK < total || total === 0) process.exitCode = 1;
}

function* report(part: string, { verdict, reasons, checks }: Inspected): Iterable<string> {
  yield `${part}: ${[verdict, ...reasons].join(' ')}`;
  for (const check of checks) {
    yield `  ${check.result.padEnd(6)} ${checkText(check)}`;
    if (check.message !== undefined) yield `         ${check.message}`;
  }
}

function draw(frame: Frame, part: string, inspected: Inspected, recipe: Parameters<typeof outlinesOf>[0]): Promise<Uint8Array> {
  const { verdict, checks } = inspected;
  return drawVerdict(frame, {
    verdict,
    title: `${recipe.recipe}  ${basename(part, extname(part))}`,
    checks,
    outlines: outlinesOf(recipe, inspected),
  });
}
