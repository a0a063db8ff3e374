/** `fastsamd engine build | info | verify`. */
import { stat } from 'node:fs/promises';
import type { CommandModule } from 'yargs';
import { PRECISIONS, type Precision } from '../domain/precision.js';
import { tensorRt } from '../engine/tensorrt/available.js';
import { buildEngine } from '../engine/tensorrt/build.js';
import { isEngineFile, wantedFor } from '../engine/tensorrt/open.js';
import { demandIntact, differences, enginePathOf, readSidecar } from '../engine/tensorrt/sidecar.js';
import { FastsamError, messageOf } from '../errors.js';
import { megabytes } from '../model/bytes.js';
import { resolveModel } from '../model/installed.js';
import { native } from '../native.js';
import { engineVerify } from './engine-verify.js';
import { demandRange } from './model-options.js';
import { startBuildProgress } from './progress.js';

interface BuildArguments {
  readonly model: string;
  readonly fp16: boolean;
  readonly fp32: boolean;
  readonly int8: boolean;
  readonly calib?: string | undefined;
  readonly workspace: number;
  readonly dla?: number | undefined;
  readonly output?: string | undefined;
}

function precisionOf(args: BuildArguments): Precision {
  const chosen = PRECISIONS.filter((precision) => args[precision]);
  if (chosen.length > 1)
    throw new FastsamError('USAGE', `expected one of --fp16, --fp32 and --int8, got ${chosen.map((name) => `--${name}`).join(' and ')}`);
  if (args.int8 !== (args.calib !== undefined))
    throw new FastsamError('USAGE', '--int8 and --calib DIR go together: pictures of what the camera will see');
  return chosen[0] ?? 'fp16';
}

const build: CommandModule<object, BuildArguments> = {
  command: 'build <model>',
  describe: "Build a TensorRT engine for this machine's GPU, in a process of its own",
  builder: (yargs) =>
    yargs
      .positional('model', { type: 'string', demandOption: true, describe: 'ONNX file or name of an installed model.' })
      .options({
        fp16: { type: 'boolean', default: false, describe: 'Half precision; the default.' },
        fp32: { type: 'boolean', default: false, describe: 'Single precision.' },
        int8: {
          type: 'boolean',
          default: false,
          describe: 'Eight bit integers; needs --calib, and "engine verify" before "run" takes it.',
        },
        calib: { type: 'string', requiresArg: true, describe: 'Folder of pictures to calibrate int8 with.' },
        workspace: { type: 'number', default: 0, describe: 'Scratch memory of the builder, MiB; 0: all there is.' },
        dla: { type: 'number', describe: 'Deep Learning Accelerator core; layers it lacks run on the GPU.' },
        output: { alias: 'o', type: 'string', requiresArg: true, describe: 'Engine file; MODEL.fp16.engine beside the model when absent.' },
      })
      .example('$0 engine build fastsam-s', 'what "run" would do at its first start')
      .example('$0 engine build FastSAM-s.onnx --int8 --calib pictures', 'then: engine verify'),
  async handler(args) {
    const precision = precisionOf(args);
    demandRange('--workspace', args.workspace, 0, 1_048_576, true);
    if (args.dla !== undefined) demandRange('--dla', args.dla, 0, 15, true);
    const model = await resolveModel(args.model);
    if (isEngineFile(model)) throw new FastsamError('USAGE', `${model}: is an engine already; build takes the ONNX model`);
    const wanted = await wantedFor(model, { precision, dlaCore: args.dla });
    const enginePath = args.output ?? enginePathOf(model, precision, wanted.dlaCore);
    const begin = performance.now();
    const progress = startBuildProgress();
    try {
      const sidecar = await buildEngine({
        ...wanted,
        model,
        enginePath,
        workspaceMiB: args.workspace,
        calibration: args.calib,
        onProgress: progress.report,
      });
      progress.stop();
      const seconds = ((performance.now() - begin) / 1000).toFixed(0);
      process.stdout.write(
        `wrote ${enginePath}: ${megabytes(sidecar.plan.bytes)}, ${precision}, input ${sidecar.input.join('×')}, in ${seconds} s\n`,
      );
    } finally {
      progress.stop();
    }
  },
};

interface InfoArguments {
  readonly file: string;
  readonly json: boolean;
}

const info: CommandModule<object, InfoArguments> = {
  command: 'info <file>',
  describe: 'What an engine file was built from and for, and whether this machine can use it',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', demandOption: true, describe: 'Engine file.' })
      .options({ json: { type: 'boolean', default: false, describe: 'JSON on stdout.' } }),
  async handler({ file, json }) {
    const bytes = await stat(file).then(
      ({ size }) => size,
      () => {
        throw new FastsamError('MODEL_NOT_FOUND', `${file}: no such file (expected a TensorRT engine)`);
      },
    );
    const sidecar = await readSidecar(file);
    const usable = await usableHere(file);
    if (json) return void process.stdout.write(`${JSON.stringify({ path: file, bytes, usable, sidecar: sidecar ?? null })}\n`);
    const rows: [string, string | undefined][] = [
      ['file', `${file} (${megabytes(bytes)})`],
      ['model', sidecar && `${sidecar.model.path}, sha256 ${sidecar.model.sha256}`],
      [
        'built',
        sidecar ? `${sidecar.builtAt}, ${sidecar.precision}, input ${sidecar.input.join('×')}` : 'unknown: there is no sidecar beside it',
      ],
      [
        'for',
        sidecar &&
          `TensorRT ${sidecar.tensorrt}, CUDA ${sidecar.cuda}, ${sidecar.device} (compute capability ${sidecar.computeCapability})`,
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
    for (const [name, value] of rows) if (value !== undefined) process.stdout.write(`${name.padEnd(14)} ${value}\n`);
  },
};

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
    const { contexts } = await tensorRt().load(file, 1);
    await Promise.all(contexts.map((context) => context.dispose()));
    return { yes: true };
  } catch (error) {
    return { yes: false, why: messageOf(error) };
  }
}

export const engineCommand: CommandModule = {
  command: 'engine',
  describe: 'Build, inspect and verify TensorRT engines',
  builder: (yargs) =>
    yargs.command([build, info, engineVerify] as unknown as CommandModule[]).demandCommand(1, 'expected build, info or verify'),
  // A subcommand is demanded, so this is never reached.
  handler() {},
};
