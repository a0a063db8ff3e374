/** What "fastsamd teach" has learnt from good parts, and its file. */
import { z } from 'zod';
import type { NativeFrame } from '../addon/frame.js';
import { decodeImage } from '../addon/picture.js';
import { count, timestamp } from '../contract/common.js';
import type { MaskRuns } from '../domain/mask.js';
import { idSchema } from '../domain/prompt.js';
import { readBounded } from '../durable.js';
import { FastsamError, messageOf, systemCodeOf } from '../errors.js';
import type { Golden, GoldenPlace } from './golden.js';
import { canonicalJson, sha256Of } from './identity.js';
import type { FeatureSource, GoodSurface, Surfaces } from './surface.js';
import type { TaughtSurface } from './surface-lesson.js';

/** What good parts taught, loaded. The caller of `loadTaught` disposes of it. */
export interface Taught extends AsyncDisposable {
  /** Of the file's canonical JSON: what a verdict names it by. */
  readonly sha256: string;
  readonly golden?: Golden | undefined;
  readonly surfaces?: Surfaces | undefined;
}

/** The model that surfaces were taught with, and the file that says so. */
export interface TaughtModel {
  readonly file: string;
  readonly name: string;
  readonly sha256: string;
}

/** The network whose feature maps surfaces are compared by. The caller stops it. Errors: TAUGHT_STALE for another model than the taught one. */
export type OpenFeatures = (model: TaughtModel) => Promise<FeatureSource & { start(): Promise<unknown>; stop(): Promise<void> }>;

const MAX_BYTES = 2 ** 27;

const base64 = z.base64().max(MAX_BYTES);
const finite = z.number().min(-1e6).max(1e6);

const taughtSchema = z.strictObject({
  v: z.literal(1),
  recipe: idSchema,
  parts: count,
  at: timestamp,
  golden: z
    .strictObject({
      /** PNG. */
      picture: base64,
      places: z.record(
        idSchema,
        z.strictObject({
          at: z.tuple([finite, finite]),
          degrees: z.number().min(-360).max(360),
          /** Runs [start, end) of the picture's columns, as little-endian 32 bit numbers. */
          mask: base64.optional(),
        }),
      ),
    })
    .optional(),
  surfaces: z
    .strictObject({
      model: z.strictObject({ name: z.string().max(200), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
      checks: z.record(
        idSchema,
        z.strictObject({
          side: z
            .number()
            .int()
            .min(1)
            .max(2 ** 20)
            .nullable(),
          parts: count,
          dims: z.number().int().min(1).max(4096),
          uncertainty: z.number().min(0).max(1e12),
          /** Little-endian 32 bit floats: one for each feature; patches × features. */
          mean: base64,
          sd: base64,
          rows: base64,
        }),
      ),
    })
    .optional(),
});

export type TaughtFile = z.output<typeof taughtSchema>;

/** The text of a taught file, and the SHA-256 that `loadTaught` will find. */
export function writtenTaught(file: TaughtFile): { readonly text: string; readonly sha256: string } {
  const text = canonicalJson(file);
  return { text: `${text}\n`, sha256: sha256Of(text) };
}

/** The golden sample as its file has it. `png`: of the frame that the places are in. */
export function storedGolden(places: ReadonlyMap<string, GoldenPlace>, png: Uint8Array): NonNullable<TaughtFile['golden']> {
  return {
    picture: Buffer.from(png).toString('base64'),
    places: Object.fromEntries(
      [...places].map(([id, { at, degrees, mask }]) => [
        id,
        { at: [at[0], at[1]] as [number, number], degrees, ...(mask ? { mask: packed(mask) } : {}) },
      ]),
    ),
  };
}

/** The surfaces as their file has them. */
export function storedSurfaces(
  model: Omit<TaughtModel, 'file'>,
  learnt: ReadonlyMap<string, TaughtSurface>,
): NonNullable<TaughtFile['surfaces']> {
  const checks = [...learnt].map(
    ([
      id,
      {
        side,
        uncertainty,
        scores,
        memory: { dims, mean, sd, rows },
      },
    ]) => {
      const memory = { mean: packedFloats(mean), sd: packedFloats(sd), rows: packedFloats(rows) };
      return [id, { side, parts: scores.length, dims, uncertainty, ...memory }] as const;
    },
  );
  return { model, checks: Object.fromEntries(checks) };
}

/**
 * Reads a file of "fastsamd teach"; the caller disposes of the result. `open` is asked where the file has surfaces. Errors: CONFIG_INVALID,
 * naming the file and what is wrong with it; those of `open`.
 */
export async function loadTaught(file: string, open: OpenFeatures): Promise<Taught> {
  const invalid = (reason: string) =>
    new FastsamError('CONFIG_INVALID', `${file}: ${reason}; expected a file that "fastsamd teach" writes`);
  let value: unknown;
  try {
    value = JSON.parse(await readBounded(file, MAX_BYTES));
  } catch (error) {
    throw invalid(systemCodeOf(error) === 'ENOENT' ? 'no such file' : messageOf(error));
  }
  const parsed = taughtSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`${issue!.path.join('.')}: ${issue!.message}`);
  }
  const sha256 = sha256Of(canonicalJson(parsed.data));
  const golden = parsed.data.golden && (await goldenOf(parsed.data.golden, file, invalid));
  const release = () => golden?.frame.pixels.release();
  try {
    const good = parsed.data.surfaces && goodOf(parsed.data.surfaces, invalid);
    const network = parsed.data.surfaces && (await open({ file, ...parsed.data.surfaces.model }));
    return {
      sha256,
      golden,
      surfaces: network && good && { network, good, warmUp: () => void network.start().catch(() => undefined) },
      async [Symbol.asyncDispose]() {
        release();
        await network?.stop();
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

type Invalid = (reason: string) => FastsamError;

async function goldenOf(
  { picture, places: stored }: NonNullable<TaughtFile['golden']>,
  file: string,
  invalid: Invalid,
): Promise<Golden & { readonly frame: { readonly pixels: NativeFrame } }> {
  const pixels = await decodeImage(Buffer.from(picture, 'base64'), `${file}: golden.picture`).catch((error: unknown) => {
    throw invalid(messageOf(error));
  });
  try {
    const places = new Map(
      Object.entries(stored).map(([id, { at, degrees, mask }]): [string, GoldenPlace] => {
        const runs = mask === undefined ? undefined : unpacked(mask, pixels);
        if (runs === null) throw invalid(`golden.places.${id}.mask: not a mask of the picture`);
        return [id, { at, degrees, mask: runs }];
      }),
    );
    return { frame: { pixels }, places };
  } catch (error) {
    pixels.release();
    throw error;
  }
}

function goodOf({ checks }: NonNullable<TaughtFile['surfaces']>, invalid: Invalid): ReadonlyMap<string, GoodSurface> {
  return new Map(
    Object.entries(checks).map(([id, { side, dims, uncertainty, ...stored }]) => {
      const floats = (key: 'mean' | 'sd' | 'rows', fits: (length: number) => boolean) => {
        const values = unpackedFloats(stored[key]);
        if (values && fits(values.length) && values.every(Number.isFinite)) return values;
        throw invalid(`surfaces.checks.${id}.${key}: not numbers for ${dims} features`);
      };
      const [mean, sd] = [floats('mean', (length) => length === dims), floats('sd', (length) => length === dims)];
      const rows = floats('rows', (length) => length > 0 && length % dims === 0);
      return [id, { side, uncertainty, memory: { dims, mean, sd, rows } }];
    }),
  );
}

function packedFloats(values: Float32Array): string {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [k, value] of values.entries()) bytes.writeFloatLE(value, 4 * k);
  return bytes.toString('base64');
}

/** Undefined for what is not whole numbers of 32 bits. */
function unpackedFloats(text: string): Float32Array | undefined {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length % 4 !== 0) return undefined;
  return Float32Array.from({ length: bytes.length / 4 }, (_, k) => bytes.readFloatLE(4 * k));
}

function packed(mask: MaskRuns): string {
  const bytes = Buffer.alloc(4 * mask.length);
  for (const [k, value] of mask.entries()) bytes.writeUInt32LE(value, 4 * k);
  return bytes.toString('base64');
}

/** Null for what is no mask of the picture: pairs that ascend, do not touch and end within it. */
function unpacked(text: string, { width, height }: NativeFrame): MaskRuns | null {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 0 || bytes.length % 8 !== 0) return null;
  const runs = Uint32Array.from({ length: bytes.length / 4 }, (_, k) => bytes.readUInt32LE(4 * k));
  let end = -1;
  for (const [k, value] of runs.entries()) {
    if (value <= end) return null;
    if (k % 2 === 1 && value > width * height) return null;
    end = value;
  }
  return runs;
}
