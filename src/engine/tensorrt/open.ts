/** From a model to a TensorRT engine at work: the engine file that is there, or one that is built first. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, extname, parse } from 'node:path';
import type { LoadedEngine } from '../../addon/tensorrt.js';
import type { Precision } from '../../domain/precision.js';
import { FastsamError, isEngineRebuildable, messageOf } from '../../errors.js';
import { sha256OfFile } from '../../model/checksum.js';
import { calibrationPictures } from '../convert/pictures.js';
import { needsCalibration, precisionOf } from '../convert/tensorrt.js';
import type { SegmentationEngine } from '../engine.js';
import { tensorRt } from './available.js';
import { type BuildProgress, buildEngine } from './build.js';
import { TensorRtEngine } from './engine.js';
import { enginePathOf, isEngineFile } from './engine-file.js';
import { demandIntact, differences, readSidecar, reasonToBuild, type Sidecar, type Wanted } from './sidecar.js';

export interface TensorRtSettings {
  readonly precision: Precision;
  /** Deep Learning Accelerator core. */
  readonly dlaCore?: number | undefined;
  /** Scratch memory of the builder; 0: all there is. */
  readonly workspaceMiB: number;
  /** How long the builder looks for fast tactics, 0 to 5. */
  readonly optimizationLevel: number;
  /** Frames in flight. */
  readonly contexts: number;
  /** Where engines are kept; beside the model when absent. */
  readonly engineDirectory?: string | undefined;
  /** Folder of pictures: for int8, and to verify what is built. */
  readonly calibration?: string | undefined;
}

export const TENSORRT_DEFAULTS: TensorRtSettings = { precision: 'fp16', workspaceMiB: 0, optimizationLevel: 3, contexts: 2 };

export interface TensorRtHooks {
  /** Called when an engine has to be built, with why, and as the build goes on. */
  readonly onBuild?: (progress: BuildProgress) => void;
  /** Refuse an int8 engine that has not passed its verification, and a float16 one that has failed it. */
  readonly demandVerified?: boolean;
  /** Told what TensorRT warns of when it loads an engine, and once when the GPU cannot read frames where they lie. */
  readonly onWarning?: (message: string) => void;
  /** Told when such an engine is used all the same. */
  readonly onUnverified?: (message: string) => void;
}

/**
 * The engine of an ONNX file, built first where there is none that fits this machine; or an engine file as it is. Errors:
 * those of buildEngine and TensorRtAddon.load; ENGINE_STALE and ENGINE_CORRUPT only for a file given as it is;
 * ENGINE_UNVERIFIED.
 */
export async function openTensorRt(model: string, settings: TensorRtSettings, hooks: TensorRtHooks = {}): Promise<SegmentationEngine> {
  if (isEngineFile(model)) return openEngineFile(model, settings, hooks);
  const wanted = await wantedFor(model, settings);
  const enginePath = enginePathOf(model, wanted.precision, wanted.dlaCore, settings.engineDirectory);
  const build = (why: string) => {
    hooks.onBuild?.({ text: `building ${basename(enginePath)}: ${why}`, fraction: null });
    const { onBuild } = hooks;
    const { workspaceMiB, optimizationLevel, calibration: pictures } = settings;
    return buildEngine({
      ...wanted,
      workspaceMiB,
      optimizationLevel,
      pictures,
      model,
      enginePath,
      ...(onBuild ? { onProgress: onBuild } : {}),
    });
  };
  const why = await reasonToBuild(enginePath, wanted);
  let sidecar = why === undefined ? (await readSidecar(enginePath))! : await build(why);
  demandVerdict(enginePath, sidecar, hooks);
  try {
    return engineOf(await load(enginePath, settings.contexts, wanted.dlaCore, hooks), parse(model).name, sidecar, hooks);
  } catch (error) {
    // TensorRT looks deeper than the sidecar does. Once: an engine just built that is refused again is no matter of age.
    if (!isEngineRebuildable(error) || why !== undefined) throw error;
    sidecar = await build(messageOf(error));
    demandVerdict(enginePath, sidecar, hooks);
    return engineOf(await load(enginePath, settings.contexts, wanted.dlaCore, hooks), parse(model).name, sidecar, hooks);
  }
}

async function load(path: string, contexts: number, dlaCore: number | null, { onWarning }: TensorRtHooks): Promise<LoadedEngine> {
  const loaded = await tensorRt().load(path, contexts, dlaCore ?? -1);
  for (const warning of loaded.warnings) onWarning?.(`TensorRT: ${warning}`);
  return loaded;
}

/** What an engine of this model has to be on this machine. Errors: ENGINE_UNAVAILABLE; those of readModel. */
export async function wantedFor(
  model: string,
  { precision: asked, dlaCore, calibration }: Pick<TensorRtSettings, 'precision' | 'dlaCore' | 'calibration'>,
): Promise<Wanted> {
  const platform = await tensorRt().platform();
  const modelSha256 = await sha256OfFile(model);
  const precision = await precisionOf(model, asked);
  const calibrated = calibration !== undefined && precision === 'int8' && (await needsCalibration(model));
  return { platform, modelSha256, precision, dlaCore: dlaCore ?? null, calibration: calibrated ? await digestOf(calibration) : undefined };
}

/** Of all pictures of a folder; undefined when there is none to read. */
async function digestOf(folder: string): Promise<string | undefined> {
  const pictures = await calibrationPictures(folder).catch(() => []);
  if (pictures.length === 0) return undefined;
  const hash = createHash('sha256');
  for (const picture of pictures) hash.update(await sha256OfFile(picture));
  return hash.digest('hex');
}

async function openEngineFile(path: string, { contexts }: TensorRtSettings, hooks: TensorRtHooks): Promise<SegmentationEngine> {
  const addon = tensorRt();
  if (!existsSync(path)) throw new FastsamError('MODEL_NOT_FOUND', `${path}: no such file (expected a TensorRT engine or an ONNX model)`);
  const sidecar = await readSidecar(path);
  if (sidecar) {
    const { modelSha256, precision, dlaCore } = { modelSha256: sidecar.model.sha256, ...sidecar };
    const stale = differences(sidecar, { platform: await addon.platform(), modelSha256, precision, dlaCore });
    if (stale.length > 0)
      throw new FastsamError(
        'ENGINE_STALE',
        `${path}: built for another ${stale.join(', ')}; build it again: fastsamd engine build ${sidecar.model.path} --${precision}`,
      );
    await demandIntact(path, sidecar);
    demandVerdict(path, sidecar, hooks);
  }
  return engineOf(await load(path, contexts, sidecar?.dlaCore ?? null, hooks), basename(path, extname(path)), sidecar, hooks);
}

function demandVerdict(enginePath: string, { precision, verification, model }: Sidecar, hooks: TensorRtHooks): void {
  if (precision === 'fp32' || verification?.verdict === 'pass') return;
  const state = verification ? 'did not pass its verification' : 'has not been verified';
  const verify = `run "fastsamd engine verify ${enginePath} --against ${model.path} --images DIR"`;
  const problem = `${enginePath}: ${precision} can lose objects, and this engine ${state}; ${verify}`;
  // Float16 is rarely wrong: without a verdict, because the pictures showed no objects, it is used and told.
  if (!hooks.demandVerified || (precision === 'fp16' && !verification)) {
    hooks.onUnverified?.(problem);
    return;
  }
  const safer = precision === 'int8' ? 'fp16' : 'fp32';
  throw new FastsamError('ENGINE_UNVERIFIED', `${problem}, use ${safer}, or set model.tensorrt.allowUnverified`);
}

function engineOf(loaded: LoadedEngine, name: string, sidecar: Sidecar | undefined, { onWarning }: TensorRtHooks): SegmentationEngine {
  const { inputWidth, inputHeight, classes, graph } = loaded;
  const names = sidecar?.labels ?? labelsOf(loaded.metadata);
  const labels = classes > 1 ? Array.from({ length: classes }, (_, k) => names[k] ?? `class ${k}`) : [];
  return new TensorRtEngine({ name, backend: 'tensorrt', inputWidth, inputHeight, labels, graph }, loaded, onWarning);
}

/** `names` of the metadata that Ultralytics writes: {"0": "person", …}. Anything else has none. */
export function labelsOf(metadata: string): string[] {
  try {
    const { names } = JSON.parse(metadata) as { names?: unknown };
    if (typeof names !== 'object' || names === null) return [];
    const labels: string[] = [];
    for (const [index, name] of Object.entries(names)) {
      if (/^\d{1,5}$/.test(index) && typeof name === 'string') labels[Number(index)] = name;
    }
    return labels;
  } catch {
    return [];
  }
}
