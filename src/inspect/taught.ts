/** What "fastsamd teach" has learnt from good parts, and its file. */
import { z } from 'zod';
import type { NativeFrame } from '../addon/addon.js';
import { decodeImage } from '../addon/picture.js';
import { count, timestamp } from '../contract/common.js';
import type { MaskRuns } from '../domain/mask.js';
import { idSchema } from '../domain/prompt.js';
import { readBounded } from '../durable.js';
import { FastsamError, messageOf, systemCodeOf } from '../errors.js';
import type { Golden, GoldenPlace } from './golden.js';
import { canonicalJson, sha256Of } from './identity.js';

/** What good parts taught, loaded. The caller of `loadTaught` disposes of it. */
export interface Taught extends Disposable {
  /** Of the file's canonical JSON: what a verdict names it by. */
  readonly sha256: string;
  readonly golden?: Golden | undefined;
}

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
});

export type TaughtFile = z.output<typeof taughtSchema>;

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

/** Reads a file of "fastsamd teach"; the caller disposes of the result. Errors: CONFIG_INVALID, naming the file and what is wrong with it. */
export async function loadTaught(file: string): Promise<Taught> {
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
  const { golden } = parsed.data;
  const sha256 = sha256Of(canonicalJson(parsed.data));
  if (!golden) return { sha256, [Symbol.dispose]: () => undefined };
  const pixels = await decodeImage(Buffer.from(golden.picture, 'base64'), `${file}: golden.picture`).catch((error: unknown) => {
    throw invalid(messageOf(error));
  });
  try {
    const places = new Map(
      Object.entries(golden.places).map(([id, { at, degrees, mask }]): [string, GoldenPlace] => {
        const runs = mask === undefined ? undefined : unpacked(mask, pixels);
        if (runs === null) throw invalid(`golden.places.${id}.mask: not a mask of the picture`);
        return [id, { at, degrees, mask: runs }];
      }),
    );
    return { sha256, golden: { frame: { pixels }, places }, [Symbol.dispose]: () => pixels.release() };
  } catch (error) {
    pixels.release();
    throw error;
  }
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
