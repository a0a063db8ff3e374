/** Builds an engine in a separate process, and puts it in place whole or not at all. */
import { type ChildProcess, fork } from 'node:child_process';
import { readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { TensorRtPlatform } from '../../addon/tensorrt.js';
import { compiledModule } from '../../compiled.js';
import { POWER_MODE_FILES, parsePowerMode } from '../../domain/power-mode.js';
import { makeDirectory } from '../../durable.js';
import { FastsamError, messageOf } from '../../errors.js';
import { sha256OfFile } from '../../model/checksum.js';
import { type ModelMetadata, readModelMetadata } from '../../model/onnx.js';
import { needsCalibration } from '../convert/tensorrt.js';
import type { BuildOrder, FromBuilder } from './build-protocol.js';
import { demandMemory, MEMORY_ADVICE, outOfMemoryKills, watchMemory } from './memory.js';
import { BUILDER_OPTIONS, readSidecar, type Sidecar, type Verification, type Wanted, writeSidecar } from './sidecar.js';

const DEFAULT_SIZE = [640, 640] as const;

export interface BuildProgress {
  /** In words: a phase of the builder, or a line of its log. */
  readonly text: string;
  /** 0…1; null while unknown. */
  readonly fraction: number | null;
}

export interface BuildOptions extends Wanted {
  readonly model: string;
  readonly enginePath: string;
  /** 0: all there is. */
  readonly workspaceMiB: number;
  /** How long the builder looks for fast tactics, 0 to 5. */
  readonly optimizationLevel: number;
  /** Folder of pictures to calibrate int8 with, unless the model is quantised already, and to verify with. */
  readonly pictures?: string | undefined;
  readonly onProgress?: (progress: BuildProgress) => void;
}

/**
 * Builds `model` into `enginePath` and its sidecar. An engine that is there is replaced at the end, or stays. Errors: those of
 * typedModel, TensorRtAddon.build, verifyPlan and demandMemory; ENGINE_FAILED when the process crashes.
 */
export async function buildEngine(options: BuildOptions): Promise<Sidecar> {
  const { model, enginePath, precision, dlaCore, pictures, workspaceMiB } = options;
  if (precision === 'int8' && pictures === undefined && (await needsCalibration(model)))
    throw new FastsamError('USAGE', 'int8 needs a folder of pictures to calibrate with (--calib, model.tensorrt.calibration)');
  const metadata = await readModelMetadata(model);
  await demandMemory();
  const part = `${enginePath}.${process.pid}.part`;
  await prepareFolder(enginePath);
  const [inputHeight, inputWidth] = inputSizeOf(metadata);
  const order: BuildOrder = {
    model,
    onnxPath: model,
    planPath: part,
    precision,
    inputWidth,
    inputHeight,
    workspaceBytes: workspaceMiB * 2 ** 20,
    dlaCore: dlaCore ?? -1,
    optimizationLevel: options.optimizationLevel,
    // Of one TensorRT and GPU; TensorRT refuses any other by itself.
    timingCachePath: join(dirname(enginePath), 'tensorrt-timing.cache'),
    lockPath: join(dirname(enginePath), 'tensorrt-build.lock'),
    enginePath,
    wanted: { modelSha256: options.modelSha256, platform: options.platform, precision, dlaCore, calibration: options.calibration },
    ...(pictures === undefined ? {} : { pictures }),
  };
  try {
    const built = await runBuilder(order, options.onProgress ?? (() => {}));
    if (built === undefined) {
      const other = await readSidecar(enginePath);
      if (other) return other;
      throw new FastsamError('ENGINE_FAILED', `${enginePath}: built by another process, and gone again`);
    }
    const sidecar: Sidecar = {
      v: 1,
      model: { path: model, sha256: options.modelSha256 },
      ...tiedTo(options.platform),
      powerMode: await powerMode(),
      precision,
      calibration: options.calibration ?? null,
      dlaCore,
      input: built.input,
      labels: metadata.names.length > 1 ? [...metadata.names] : [],
      plan: { bytes: (await stat(part)).size, sha256: await sha256OfFile(part) },
      builtAt: new Date().toISOString(),
      verification: built.verification,
    };
    // In this order: a crash in between leaves a plan that its sidecar does not describe, which is built again.
    await rename(part, enginePath);
    await writeSidecar(enginePath, sidecar);
    return sidecar;
  } finally {
    for (const file of [part, `${part}.onnx`]) await unlink(file).catch(() => undefined);
  }
}

/** [height, width] of the model's input; for models that leave it open what their metadata says. */
function inputSizeOf({ inputs, imgsz }: ModelMetadata): readonly [number, number] {
  const [, , height, width] = inputs[0]?.shape ?? [];
  if (typeof height === 'number' && typeof width === 'number' && height > 0 && width > 0) return [height, width];
  return imgsz ?? DEFAULT_SIZE;
}

function tiedTo({ tensorrt, cuda, computeCapability, device, multiprocessors }: TensorRtPlatform) {
  return { tensorrt, cuda, computeCapability, device, multiprocessors, builderOptions: BUILDER_OPTIONS };
}

/** `15W`; null where there is no nvpmodel. */
async function powerMode(): Promise<string | null> {
  const [status, modes] = await Promise.all(POWER_MODE_FILES.map((path) => readFile(path, 'utf8').catch(() => null)));
  const mode = parsePowerMode(status!, modes!);
  return mode && (mode.name ?? `mode ${mode.id}`);
}

/** Makes the folder, and removes what builds that were killed left in it. Errors: OUTPUT_UNWRITABLE. */
async function prepareFolder(enginePath: string): Promise<void> {
  const folder = dirname(enginePath);
  try {
    await makeDirectory(folder);
    const left = new RegExp(`^${basename(enginePath).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\.(?:json\\.)?(\\d+)\\.part`);
    for (const file of await readdir(folder)) {
      const pid = left.exec(file)?.[1];
      if (pid !== undefined && !isRunning(Number(pid))) await unlink(join(folder, file));
    }
  } catch (cause) {
    throw new FastsamError(
      'OUTPUT_UNWRITABLE',
      `${folder}: engines cannot be stored here: ${messageOf(cause)}; name another folder (model.tensorrt.engineDirectory, --output)`,
      { cause },
    );
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

interface Built {
  /** [height, width]. */
  readonly input: [number, number];
  readonly verification: Verification | null;
}

/** Undefined: another process has built it meanwhile. */
async function runBuilder(order: BuildOrder, onProgress: (progress: BuildProgress) => void): Promise<Built | undefined> {
  const killedBefore = await outOfMemoryKills();
  const child = fork(compiledModule('./build-process.js', import.meta.url), {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let short: FastsamError | undefined;
  const guard = watchMemory((error) => {
    short = error;
    child.kill('SIGKILL');
  });
  try {
    const outcome = await outcomeOf(child, order, onProgress);
    if (outcome.type === 'there') return undefined;
    if (outcome.type === 'killed') throw killed((await outOfMemoryKills()) > killedBefore);
    if (outcome.type === 'failed') throw new FastsamError(outcome.code, outcome.message);
    return { input: [outcome.inputHeight, outcome.inputWidth], verification: outcome.verification };
  } catch (error) {
    throw short ?? error;
  } finally {
    guard.stop();
    child.kill('SIGKILL');
  }
}

/** The kernel counts the processes that it has killed for want of memory. */
function killed(forMemory: boolean): FastsamError {
  return forMemory
    ? new FastsamError('OUT_OF_MEMORY', `the kernel killed the builder because memory ran out: ${MEMORY_ADVICE}`)
    : new FastsamError(
        'ENGINE_FAILED',
        'the builder was killed (SIGKILL), and not by the kernel for want of memory: another program ended it',
      );
}

function outcomeOf(
  child: ChildProcess,
  order: BuildOrder,
  onProgress: (progress: BuildProgress) => void,
): Promise<Exclude<FromBuilder, { type: 'report' }> | { readonly type: 'killed' }> {
  return new Promise((resolve, reject) => {
    child.on('message', (message: FromBuilder) => {
      if (message.type !== 'report') return resolve(message);
      const { kind, text, step, steps } = message;
      if (kind === 'progress') onProgress({ text, fraction: steps > 0 ? step / steps : null });
      else if (kind !== 'info') onProgress({ text, fraction: null });
    });
    child.once('error', (cause) => reject(new FastsamError('ENGINE_FAILED', `the builder does not start: ${messageOf(cause)}`, { cause })));
    child.once('exit', (code, signal) => {
      if (signal === 'SIGKILL') return resolve({ type: 'killed' });
      reject(
        new FastsamError('ENGINE_FAILED', `the builder ended (${signal ?? `exit code ${code}`}) without an engine; see its messages above`),
      );
    });
    child.send(order, (cause) => {
      if (cause) reject(new FastsamError('ENGINE_FAILED', `the builder does not listen: ${messageOf(cause)}`, { cause }));
    });
  });
}
