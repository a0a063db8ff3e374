/** `fastsamd engine verify` and `model verify --against`: does an engine, or a converted model, see what its model sees? */
import { type Agreement, SCORE_MARGIN } from '../engine/agreement.js';
import type { SegmentationEngine } from '../engine/engine.js';
import { openEngine } from '../engine/open.js';
import { isEngineFile } from '../engine/tensorrt/engine-file.js';
import { readSidecar, writeSidecar } from '../engine/tensorrt/sidecar.js';
import { compareOn, type Verdict, verdictOf } from '../engine/verdict.js';
import { FastsamError } from '../errors.js';
import { sha256OfFile } from '../model/checksum.js';
import { resolveModel } from '../model/installed.js';
import { type Finishing, finishBeforeLeaving, withSource } from './leaving.js';
import { demandRange } from './model-options.js';
import { startProgress } from './progress.js';
import { say } from './terminal.js';

interface PictureArguments {
  readonly images: string;
  readonly conf: number;
  readonly json: boolean;
}

export interface VerifyArguments extends PictureArguments {
  readonly engine: string;
  readonly against: string;
}

interface Compared extends Agreement {
  readonly image: string;
}

export async function verifyEngine(args: VerifyArguments): Promise<void> {
  demandRange('--conf', args.conf, SCORE_MARGIN, 1);
  if (!isEngineFile(args.engine)) throw new FastsamError('USAGE', `${args.engine}: expected a TensorRT engine (.engine)`);
  const against = await resolveModel(args.against);
  const sidecar = await readSidecar(args.engine);
  if (sidecar && sidecar.model.sha256 !== (await sha256OfFile(against)))
    throw new FastsamError('USAGE', `${args.engine} was not built from ${against} but from ${sidecar.model.path}; verify it against that`);
  const verdict = await judge(() => openEngine({ model: args.engine, backend: 'tensorrt' }), against, args);
  if (!verdict) return;
  if (sidecar) await writeSidecar(args.engine, { ...sidecar, verification: verdict.verification });
  tell({ engine: args.engine, against }, verdict, args.json);
}

export interface AgainstArguments extends PictureArguments {
  readonly file: string;
  readonly against: string;
}

/** Compares two ONNX models, both on onnxruntime. */
export async function verifyModelAgainst(args: AgainstArguments): Promise<void> {
  demandRange('--conf', args.conf, SCORE_MARGIN, 1);
  const [path, against] = [await resolveModel(args.file), await resolveModel(args.against)];
  if (isEngineFile(path)) throw new FastsamError('USAGE', `${path}: is a TensorRT engine; check it with "fastsamd engine verify"`);
  const verdict = await judge(() => openEngine({ model: path, backend: 'onnxruntime' }), against, args);
  if (verdict) tell({ model: path, against }, verdict, args.json);
}

interface Judged extends Verdict {
  readonly compared: readonly Compared[];
}

/** The verdict over all pictures; undefined when the user ended it before: there is no verdict on a part of them. */
async function judge(open: () => Promise<SegmentationEngine>, against: string, args: PictureArguments): Promise<Judged | undefined> {
  const engine = await open();
  using finishing = finishBeforeLeaving();
  let compared: Compared[];
  try {
    const reference = await openEngine({ model: against, backend: 'onnxruntime' });
    try {
      compared = await compareAll(engine, reference, args, finishing);
    } finally {
      await reference.stop();
    }
  } finally {
    await engine.stop();
  }
  if (finishing.signal.aborted) return undefined;
  return { compared, ...verdictOf(compared) };
}

function tell(what: Readonly<Record<string, string>>, { compared, all, shortcomings: short, verification }: Judged, json: boolean): void {
  const figures = { ...what, ...verification, shortcomings: short, perImage: compared };
  say(json ? JSON.stringify(figures) : report(compared, all, short));
  if (short.length > 0) process.exitCode = 1;
}

async function compareAll(
  engine: SegmentationEngine,
  reference: SegmentationEngine,
  { images, conf }: PictureArguments,
  finishing: Finishing,
): Promise<Compared[]> {
  const progress = startProgress(undefined);
  const compared: Compared[] = [];
  try {
    await withSource(images, {}, finishing, async (source) => {
      for await (const frame of source) {
        using held = frame;
        compared.push({ image: held.origin, ...(await compareOn(engine, reference, held, conf)) });
        progress.advance();
      }
    });
  } finally {
    progress.stop();
  }
  return compared;
}

function report(compared: readonly Compared[], all: Agreement, short: readonly string[]): string {
  const line = (name: string, { objects, found, boxIou, maskIou, scoreDifference }: Agreement) =>
    `  ${name.padEnd(40)} ${String(found).padStart(5)} of ${String(objects).padEnd(5)} box ${boxIou.toFixed(3)}  mask ${maskIou.toFixed(3)}  score ±${scoreDifference.toFixed(3)}`;
  return [
    '  objects of either side that both have; mean IoU of boxes and masks, mean difference of scores',
    ...compared.map((each) => line(each.image, each)),
    line(`all ${compared.length} pictures`, all),
    short.length === 0 ? 'pass' : `fail: ${short.join('; ')}`,
  ].join('\n');
}
