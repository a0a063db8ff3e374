/** Tags of a TIFF file's first picture: those that georeference it, which the picture decoder does not hand out. */
import { type FileHandle, open } from 'node:fs/promises';
import { FastsamError, messageOf } from '../errors.js';

/** Bytes of one tag: GeoTIFF's parameters are a few kilobytes at most. */
const MAX_TAG_BYTES = 2 ** 16;
const MAX_TAGS = 4096;

/** Bytes of one value, by the type's number (TIFF 6.0, section 2; 16 to 18 are BigTIFF's). */
const TYPE_BYTES: Readonly<Record<number, number>> = {
  1: 1,
  2: 1,
  3: 2,
  4: 4,
  6: 1,
  7: 1,
  8: 2,
  9: 4,
  11: 4,
  12: 8,
  13: 4,
  16: 8,
  17: 8,
  18: 8,
};

/** Numbers, or the text of an ASCII tag without its closing zero. */
export type TagValue = readonly number[] | string;

/**
 * The values of the tags in `wanted` that the file has; undefined when it is no TIFF. Classic and BigTIFF, either byte order.
 * Errors: SOURCE_NOT_FOUND; SOURCE_CORRUPT for a directory that reaches outside of the file, or a tag that is larger than 64 KiB.
 */
export async function readTiffTags(path: string, wanted: readonly number[]): Promise<ReadonlyMap<number, TagValue> | undefined> {
  const file = await open(path).catch((cause) => {
    throw new FastsamError('SOURCE_NOT_FOUND', `${path}: cannot be read: ${messageOf(cause)}`, { cause });
  });
  try {
    return await readFirstDirectory(file, wanted);
  } catch (cause) {
    throw new FastsamError('SOURCE_CORRUPT', `${path}: its TIFF tags cannot be read: ${messageOf(cause)}`, { cause });
  } finally {
    await file.close();
  }
}

async function readFirstDirectory(file: FileHandle, wanted: readonly number[]): Promise<ReadonlyMap<number, TagValue> | undefined> {
  const head = Buffer.alloc(16);
  const { bytesRead } = await file.read(head, 0, 16, 0);
  const order = head.toString('latin1', 0, 2);
  if (bytesRead < 8 || (order !== 'II' && order !== 'MM')) return undefined;
  const little = order === 'II';
  const view = (bytes: Buffer) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view(head).getUint16(2, little);
  if (version !== 42 && version !== 43) return undefined;
  const big = version === 43;
  const long = (bytes: Buffer, at: number) => (big ? Number(view(bytes).getBigUint64(at, little)) : view(bytes).getUint32(at, little));
  const read = async (at: number, length: number) => {
    const bytes = Buffer.alloc(length);
    const { bytesRead: got } = await file.read(bytes, 0, length, at);
    if (got < length) throw new Error('it reaches outside of the file');
    return bytes;
  };
  const start = long(head, big ? 8 : 4);
  const count = big ? long(await read(start, 8), 0) : view(await read(start, 2)).getUint16(0, little);
  if (count > MAX_TAGS) throw new Error(`it has ${count} tags`);
  const [entryBytes, inlineBytes] = big ? [20, 8] : [12, 4];
  const directory = await read(start + (big ? 8 : 2), count * entryBytes);
  const tags = new Map<number, TagValue>();
  for (let k = 0; k < count; k += 1) {
    const at = k * entryBytes;
    const tag = view(directory).getUint16(at, little);
    if (!wanted.includes(tag)) continue;
    const type = view(directory).getUint16(at + 2, little);
    const bytes = TYPE_BYTES[type];
    const values = long(directory, at + 4);
    if (bytes === undefined) continue;
    if (values * bytes > MAX_TAG_BYTES) throw new Error(`tag ${tag} has ${values * bytes} bytes`);
    const place = at + 4 + inlineBytes;
    const inline = values * bytes <= inlineBytes;
    const data = inline ? directory.subarray(place, place + values * bytes) : await read(long(directory, place), values * bytes);
    tags.set(tag, type === 2 ? data.toString('latin1').replace(/\0.*$/s, '') : numbersOf(view(data), type, values, little));
  }
  return tags;
}

function numbersOf(view: DataView, type: number, count: number, little: boolean): number[] {
  const at = (k: number) => {
    switch (type) {
      case 3:
        return view.getUint16(2 * k, little);
      case 8:
        return view.getInt16(2 * k, little);
      case 4:
      case 13:
        return view.getUint32(4 * k, little);
      case 9:
        return view.getInt32(4 * k, little);
      case 11:
        return view.getFloat32(4 * k, little);
      case 12:
        return view.getFloat64(8 * k, little);
      case 16:
      case 18:
        return Number(view.getBigUint64(8 * k, little));
      case 17:
        return Number(view.getBigInt64(8 * k, little));
      default:
        return view.getUint8(k);
    }
  };
  return Array.from({ length: count }, (_, k) => at(k));
}
