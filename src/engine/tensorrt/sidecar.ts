/**
 * What is known about an engine file, beside it as `FILE.json`. An engine only works with the TensorRT, CUDA and GPU it was
 * built with: a sidecar that says otherwise, or a plan that is not the one it describes, means building again.
 */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { z } from 'zod';
import type { TensorRtPlatform } from '../../addon/tensorrt.js';
import { PRECISIONS, type Precision } from '../../domain/precision.js';
import { readBounded, writeDurably } from '../../durable.js';
import { FastsamError, messageOf, systemCodeOf } from '../../errors.js';
import { sha256OfFile } from '../../model/checksum.js';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const size = z.number().int().min(32).max(8192);

const verificationSchema = z.object({
  verdict: z.enum(['pass', 'fail']),
  at: z.iso.datetime(),
  images: z.number().int().min(0),
  /** Share of the objects that both backends found. */
  agreement: z.number(),
  boxIou: z.number(),
  maskIou: z.number(),
  scoreDifference: z.number(),
});

const sidecarSchema = z.object({
  v: z.literal(1),
  model: z.object({ path: z.string(), sha256 }),
  tensorrt: z.string(),
  cuda: z.string(),
  computeCapability: z.string(),
  device: z.string(),
  /** Streaming multiprocessors of the GPU: modules of one name differ in them. Absent in files of before 2026-11-27. */
  multiprocessors: z.number().int().optional(),
  /** BUILDER_OPTIONS at the time. */
  builderOptions: z.number().int().optional(),
  /** Power mode at the time (nvpmodel): tactics are timed in it. For people; an engine runs in any. */
  powerMode: z.string().nullable().optional(),
  precision: z.enum(PRECISIONS),
  /** Digest of the pictures that int8 was calibrated with; null: none were needed. */
  calibration: sha256.nullable().optional(),
  /** Deep Learning Accelerator core; null: the GPU. */
  dlaCore: z.number().int().nullable(),
  /** [height, width]. */
  input: z.tuple([size, size]),
  /** Class names; empty for class-agnostic models. */
  labels: z.array(z.string()).max(65536),
  plan: z.object({ bytes: z.number().int(), sha256 }),
  builtAt: z.iso.datetime(),
  /** Of the build, or a later "engine verify"; null: float32, or no objects in the pictures. */
  verification: verificationSchema.nullable(),
});

export type Verification = z.output<typeof verificationSchema>;
export type Sidecar = z.output<typeof sidecarSchema>;

/** Counts up when engines are built with other options from the same model and configuration. */
export const BUILDER_OPTIONS = 3;

/** What an engine must be of for this machine, model and configuration. */
export interface Wanted {
  readonly modelSha256: string;
  readonly platform: TensorRtPlatform;
  readonly precision: Precision;
  readonly dlaCore: number | null;
  /** Digest of the pictures to calibrate with; undefined: no matter, or they are not there any more. */
  readonly calibration?: string | undefined;
}

const MAX_SIDECAR_BYTES = 4 * 2 ** 20;

export function sidecarPath(enginePath: string): string {
  return `${enginePath}.json`;
}

/** The sidecar of an engine file; undefined when there is none, or none that can be read. */
export async function readSidecar(enginePath: string): Promise<Sidecar | undefined> {
  try {
    const path = sidecarPath(enginePath);
    return sidecarSchema.safeParse(JSON.parse(await readBounded(path, MAX_SIDECAR_BYTES))).data;
  } catch {
    return undefined;
  }
}

/** Errors: OUTPUT_UNWRITABLE. */
export async function writeSidecar(enginePath: string, sidecar: Sidecar): Promise<void> {
  const path = sidecarPath(enginePath);
  try {
    await writeDurably(path, `${JSON.stringify(sidecar, null, 2)}\n`);
  } catch (cause) {
    throw new FastsamError('OUTPUT_UNWRITABLE', `${path}: cannot be written: ${messageOf(cause)}`, { cause });
  }
}

/** Why the engine cannot be what is wanted; empty when it is. Pure. */
export function differences(sidecar: Sidecar, wanted: Wanted): string[] {
  const { platform } = wanted;
  const pairs: [string, unknown, unknown][] = [
    ['model', sidecar.model.sha256.slice(0, 12), wanted.modelSha256.slice(0, 12)],
    ['TensorRT', sidecar.tensorrt, platform.tensorrt],
    ['CUDA', sidecar.cuda, platform.cuda],
    ['compute capability', sidecar.computeCapability, platform.computeCapability],
    ['GPU', sidecar.device, platform.device],
    ['number of multiprocessors', sidecar.multiprocessors, platform.multiprocessors],
    ['builder', sidecar.builderOptions, BUILDER_OPTIONS],
    ['precision', sidecar.precision, wanted.precision],
    ['DLA core', sidecar.dlaCore ?? 'none', wanted.dlaCore ?? 'none'],
  ];
  const { calibration } = wanted;
  if (calibration !== undefined) pairs.push(['set of calibration pictures', sidecar.calibration?.slice(0, 12), calibration.slice(0, 12)]);
  return pairs.filter(([, built, now]) => built !== now).map(([name, built, now]) => `${name} ${built ?? 'unknown'}, now ${now}`);
}

/** Whether the plan is the one that the sidecar describes, byte for byte. Errors: ENGINE_CORRUPT. */
export async function demandIntact(enginePath: string, sidecar: Sidecar): Promise<void> {
  let bytes: number;
  try {
    bytes = (await stat(enginePath)).size;
  } catch (cause) {
    const why = systemCodeOf(cause) === 'ENOENT' ? 'no such file' : messageOf(cause);
    throw new FastsamError('ENGINE_CORRUPT', `${enginePath}: ${why}`, { cause });
  }
  if (bytes !== sidecar.plan.bytes)
    throw new FastsamError('ENGINE_CORRUPT', `${enginePath}: ${bytes} bytes, built with ${sidecar.plan.bytes}: cut short or overwritten`);
  if ((await sha256OfFile(enginePath)) !== sidecar.plan.sha256)
    throw new FastsamError('ENGINE_CORRUPT', `${enginePath}: not the bytes that were built: damaged or overwritten`);
}

/** Why the engine file cannot be used; undefined when it can. */
export async function reasonToBuild(enginePath: string, wanted: Wanted): Promise<string | undefined> {
  if (!existsSync(enginePath)) return 'there is none yet';
  const sidecar = await readSidecar(enginePath);
  if (!sidecar) return 'the existing engine has no sidecar file that can be read';
  const stale = differences(sidecar, wanted);
  if (stale.length > 0) return `the existing engine was built for another ${stale.join(', ')}`;
  return demandIntact(enginePath, sidecar).then(
    () => undefined,
    (error: unknown) => messageOf(error),
  );
}
