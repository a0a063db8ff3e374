/** `fastsamd engine verify` and `model verify --against`: does an engine, or a converted model, see what its model sees? */

import { SEGMENTATION_DEFAULTS } from '../domain/segmentation.js';
import { type Agreement, agreementOf, compareSegments, SCORE_MARGIN, shortcomings, total } from '../engine/agreement.js';
import type { SegmentationEngine } from '../engine/engine.js';
import { openEngine } from '../engine/open.js';
import { isEngineFile } from '../engine/tensorrt/open.js';
import { readSidecar, type Verification, writeSidecar } from '../engine/tensorrt/sidecar.js';
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

interface Verdict {
  readonly compared: readonly Compared[];
  readonly all: Agreement;
  readonly shortcomings: readonly string[];
  readonly verification: Verification;
}

/** The verdict over all pictures; undefined when the user ended it before: there is no verdict on a part of them. */
async function judge(open: () => Promise<SegmentationEngine>, against: string, args: PictureArguments): Promise<Verdict | undefined> {
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
  const all = total(compared);
  const short = shortcomings(all);
  const verification: Verification = {
    verdict: short.length === 0 ? 'pass' : 'fail',
    at: new Date().toISOString(),
    images: compared.length,
    agreement: agreementOf(all),
    boxIou: all.boxIou,
    maskIou: all.maskIou,
    scoreDifference: all.scoreDifference,
  };
  return { compared, all, shortcomings: short, verification };
}

function tell(what: Readonly<Record<string, string>>, { compared, all, shortcomings: short, verification }: Verdict, json: boolean): void {
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
  const options = { ...SEGMENTATION_DEFAULTS, conf: conf - SCORE_MARGIN };
  const progress = startProgress(undefined);
  const compared: Compared[] = [];
  try {
    await withSource(images, {}, finishing, async (source) => {
      for await (const frame of source) {
        using held = frame;
        const [got, expected] = await Promise.all([engine.segment(held, options), reference.segment(held, options)]);
        compared.push({ image: held.origin, ...compareSegments(got.segments, expected.segments, conf) });
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
