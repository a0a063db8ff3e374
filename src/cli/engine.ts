/** `fastsamd engine build | info | verify`. */
import { stat } from 'node:fs/promises';
import { native } from '../addon/addon.js';
import { PRECISIONS, type Precision } from '../domain/precision.js';
import { tensorRt } from '../engine/tensorrt/available.js';
import { buildEngine } from '../engine/tensorrt/build.js';
import { enginePathOf, isEngineFile } from '../engine/tensorrt/engine-file.js';
import { wantedFor } from '../engine/tensorrt/open.js';
import { demandIntact, differences, readSidecar } from '../engine/tensorrt/sidecar.js';
import { FastsamError, messageOf } from '../errors.js';
import { megabytes } from '../model/bytes.js';
import { resolveModel } from '../model/installed.js';
import { demandRange } from './model-options.js';
import { startBuildProgress } from './progress.js';
import { say } from './terminal.js';

export interface BuildArguments {
  readonly model: string;
  readonly fp16: boolean;
  readonly fp32: boolean;
  readonly int8: boolean;
  readonly calib?: string | undefined;
  readonly workspace: number;
  readonly optimization: number;
  readonly dla?: number | undefined;
  readonly output?: string | undefined;
}

function precisionOf(args: BuildArguments): Precision {
  const chosen = PRECISIONS.filter((precision) => args[precision]);
  if (chosen.length > 1)
    throw new FastsamError('USAGE', `expected one of --fp16, --fp32 and --int8, got ${chosen.map((name) => `--${name}`).join(' and ')}`);
  return chosen[0] ?? 'fp16';
}

export async function build(args: BuildArguments): Promise<void> {
  demandRange('--workspace', args.workspace, 0, 1_048_576, true);
  demandRange('--optimization', args.optimization, 0, 5, true);
  if (args.dla !== undefined) demandRange('--dla', args.dla, 0, 15, true);
  const model = await resolveModel(args.model);
  if (isEngineFile(model)) throw new FastsamError('USAGE', `${model}: is an engine already; build takes the ONNX model`);
  const wanted = await wantedFor(model, { precision: precisionOf(args), dlaCore: args.dla, calibration: args.calib });
  const { precision } = wanted;
  const enginePath = args.output ?? enginePathOf(model, precision, wanted.dlaCore);
  const begin = performance.now();
  const progress = startBuildProgress();
  try {
    const sidecar = await buildEngine({
      ...wanted,
      model,
      enginePath,
      workspaceMiB: args.workspace,
      optimizationLevel: args.optimization,
      pictures: args.calib,
      onProgress: progress.report,
    });
    progress.stop();
    const seconds = ((performance.now() - begin) / 1000).toFixed(0);
    const verified = sidecar.verification ? `, verification: ${sidecar.verification.verdict}` : '';
    say(
      `wrote ${enginePath}: ${megabytes(sidecar.plan.bytes)}, ${precision}, input ${sidecar.input.join('×')}, in ${seconds} s${verified}`,
    );
  } finally {
    progress.stop();
  }
}

export interface InfoArguments {
  readonly file: string;
  readonly json: boolean;
}

export async function printEngine({ file, json }: InfoArguments): Promise<void> {
  const bytes = await stat(file).then(
    ({ size }) => size,
    () => {
      throw new FastsamError('MODEL_NOT_FOUND', `${file}: no such file (expected a TensorRT engine)`);
    },
  );
  const sidecar = await readSidecar(file);
  const usable = await usableHere(file);
  if (json) return void say(JSON.stringify({ path: file, bytes, usable, sidecar: sidecar ?? null }));
  const rows: [string, string | undefined][] = [
    ['file', `${file} (${megabytes(bytes)})`],
    ['model', sidecar && `${sidecar.model.path}, sha256 ${sidecar.model.sha256}`],
    [
      'built',
      sidecar ? `${sidecar.builtAt}, ${sidecar.precision}, input ${sidecar.input.join('×')}` : 'unknown: there is no sidecar beside it',
    ],
    [
      'for',
      sidecar && `TensorRT ${sidecar.tensorrt}, CUDA ${sidecar.cuda}, ${sidecar.device} (compute capability ${sidecar.computeCapability})`,
    ],
    ['DLA core', sidecar?.dlaCore?.toString()],
    ['classes', sidecar && (sidecar.labels.length > 0 ? `${sidecar.labels.length}` : 'class-agnostic')],
    [
      'verified',
      sidecar &&
        (sidecar.verification
          ? `${sidecar.verification.verdict}, ${sidecar.verification.images} pictures, ${sidecar.verification.at}`
          : 'no'),
    ],
    ['usable here', usable.yes ? 'yes' : `no: ${usable.why}`],
  ];
  for (const [name, value] of rows) if (value !== undefined) say(`${name.padEnd(14)} ${value}`);
}

/** Compares what the sidecar says with this machine; where nothing is left to compare, the plan is loaded. */
async function usableHere(file: string): Promise<{ readonly yes: boolean; readonly why?: string }> {
  try {
    const platform = await tensorRt(native()).platform();
    const sidecar = await readSidecar(file);
    if (sidecar) {
      const { model, precision, dlaCore } = sidecar;
      const stale = differences(sidecar, { platform, modelSha256: model.sha256, precision, dlaCore });
      if (stale.length > 0) return { yes: false, why: `built for another ${stale.join(', ')}` };
      await demandIntact(file, sidecar);
    }
    const { contexts } = await tensorRt().load(file, 1, -1);
    await Promise.all(contexts.map((context) => context.dispose()));
    return { yes: true };
  } catch (error) {
    return { yes: false, why: messageOf(error) };
  }
}
