/** `fastsamd engine verify`: does an engine see what its model sees? */
import { type Agreement, agreementOf, compareSegments, SCORE_MARGIN, shortcomings, total } from '../engine/agreement.js';
import { SEGMENTATION_DEFAULTS, type SegmentationEngine } from '../engine/engine.js';
import { openEngine } from '../engine/open.js';
import { isEngineFile } from '../engine/tensorrt/open.js';
import { readSidecar, type Verification, writeSidecar } from '../engine/tensorrt/sidecar.js';
import { FastsamError } from '../errors.js';
import { sha256OfFile } from '../model/checksum.js';
import { resolveModel } from '../model/installed.js';
import { type Finishing, finishBeforeLeaving, withSource } from './leaving.js';
import { demandRange } from './model-options.js';
import { startProgress } from './progress.js';

export interface VerifyArguments {
  readonly engine: string;
  readonly against: string;
  readonly images: string;
  readonly conf: number;
  readonly json: boolean;
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
  const engine = await openEngine({ model: args.engine, backend: 'tensorrt' });
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
  // No verdict on a part of the pictures.
  if (finishing.signal.aborted) return;
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
  if (sidecar) await writeSidecar(args.engine, { ...sidecar, verification });
  if (args.json)
    process.stdout.write(`${JSON.stringify({ engine: args.engine, against, ...verification, shortcomings: short, perImage: compared })}\n`);
  else process.stdout.write(`${report(compared, all, short)}\n`);
  if (short.length > 0) process.exitCode = 1;
}

async function compareAll(
  engine: SegmentationEngine,
  reference: SegmentationEngine,
  { images, conf }: VerifyArguments,
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
