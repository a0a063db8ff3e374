/**
 * Reads the zip container of a PyTorch checkpoint (APPNOTE.TXT 6.3.10): stored and deflated entries, zip64. The file is
 * untrusted: every offset is checked, every size is bounded before it is allocated, every CRC is verified.
 */
import { crc32, inflateRawSync } from 'node:zlib';
import { MAX_CHECKPOINT_ENTRY_BYTES } from '../../domain/limits.js';
import { FastsamError, messageOf } from '../../errors.js';

const END = 0x06054b50;
const END64 = 0x06064b50;
const END64_LOCATOR = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const ZIP64_EXTRA = 0x0001;
const IN_ZIP64 = 0xffffffff;

const MAX_ENTRIES = 20_000;
/** No deflate stream expands further. */
const MAX_DEFLATE_RATIO = 1032;

interface Entry {
  readonly method: number;
  readonly crc: number;
  readonly packedBytes: number;
  readonly bytes: number;
  readonly offset: number;
}

export class ZipArchive {
  readonly #file: Buffer;
  readonly #entries: ReadonlyMap<string, Entry>;

  /** Errors: MODEL_CORRUPT. `name` is for messages. */
  constructor(
    file: Buffer,
    private readonly name: string,
  ) {
    this.#file = file;
    try {
      this.#entries = readDirectory(file);
    } catch (cause) {
      throw this.#corrupt(messageOf(cause), cause);
    }
  }

  get names(): string[] {
    return [...this.#entries.keys()];
  }

  /** The content of an entry; a view of the file when it is stored. Errors: MODEL_CORRUPT. */
  read(name: string): Buffer {
    const entry = this.#entries.get(name);
    if (!entry) throw this.#corrupt(`"${name}" is missing`);
    let content: Buffer;
    try {
      content = unpack(this.#file, entry);
    } catch (cause) {
      throw this.#corrupt(`"${name}": ${messageOf(cause)}`, cause);
    }
    if (crc32(content) !== entry.crc) throw this.#corrupt(`"${name}": wrong checksum (CRC-32)`);
    return content;
  }

  #corrupt(why: string, cause?: unknown): FastsamError {
    return new FastsamError('MODEL_CORRUPT', `${this.name}: not a whole PyTorch checkpoint (a zip file): ${why}`, { cause });
  }
}

/** Reads past the end throw a RangeError, which the caller turns into an error with the file's name. */
function readDirectory(file: Buffer): Map<string, Entry> {
  const { count, offset, bytes } = findDirectory(file);
  if (count > MAX_ENTRIES) throw new Error(`${count} entries, at most ${MAX_ENTRIES} are read`);
  if (offset + bytes > file.length) throw new Error('the directory lies outside of the file');
  const entries = new Map<string, Entry>();
  let at = offset;
  for (let k = 0; k < count; k += 1) {
    if (file.readUInt32LE(at) !== CENTRAL) throw new Error('the directory is damaged');
    const nameBytes = file.readUInt16LE(at + 28);
    const extraBytes = file.readUInt16LE(at + 30);
    const commentBytes = file.readUInt16LE(at + 32);
    const name = file.toString('utf8', at + 46, at + 46 + nameBytes);
    const sizes = wideSizes(file.subarray(at + 46 + nameBytes, at + 46 + nameBytes + extraBytes), {
      bytes: file.readUInt32LE(at + 24),
      packedBytes: file.readUInt32LE(at + 20),
      offset: file.readUInt32LE(at + 42),
    });
    entries.set(name, { method: file.readUInt16LE(at + 10), crc: file.readUInt32LE(at + 16), ...sizes });
    at += 46 + nameBytes + extraBytes + commentBytes;
  }
  return entries;
}

function findDirectory(file: Buffer): { count: number; offset: number; bytes: number } {
  // The end record is the last 22 bytes, plus a comment of at most 65535.
  for (let at = file.length - 22; at >= Math.max(0, file.length - 22 - 0xffff); at -= 1) {
    if (file.readUInt32LE(at) !== END) continue;
    const wide = at >= 20 && file.readUInt32LE(at - 20) === END64_LOCATOR;
    if (!wide) return { count: file.readUInt16LE(at + 10), bytes: file.readUInt32LE(at + 12), offset: file.readUInt32LE(at + 16) };
    const end64 = safe(file.readBigUInt64LE(at - 12));
    if (file.readUInt32LE(end64) !== END64) throw new Error('the zip64 end record is damaged');
    return {
      count: safe(file.readBigUInt64LE(end64 + 32)),
      bytes: safe(file.readBigUInt64LE(end64 + 40)),
      offset: safe(file.readBigUInt64LE(end64 + 48)),
    };
  }
  throw new Error('no zip directory at the end');
}

/** Sizes that do not fit 32 bits are in the zip64 extra field, in this order, each only when it does not fit. */
function wideSizes(
  extra: Buffer,
  narrow: Pick<Entry, 'bytes' | 'packedBytes' | 'offset'>,
): Pick<Entry, 'bytes' | 'packedBytes' | 'offset'> {
  const sizes = { ...narrow };
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== ZIP64_EXTRA) continue;
    let field = at + 4;
    for (const key of ['bytes', 'packedBytes', 'offset'] as const) {
      if (sizes[key] !== IN_ZIP64) continue;
      sizes[key] = safe(extra.readBigUInt64LE(field));
      field += 8;
    }
    break;
  }
  return sizes;
}

function safe(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error('a size is out of range');
  return Number(value);
}

function unpack(file: Buffer, entry: Entry): Buffer {
  if (entry.bytes > MAX_CHECKPOINT_ENTRY_BYTES) throw new Error(`${entry.bytes} bytes, at most ${MAX_CHECKPOINT_ENTRY_BYTES} are read`);
  if (file.readUInt32LE(entry.offset) !== LOCAL) throw new Error('its header is damaged');
  const begin = entry.offset + 30 + file.readUInt16LE(entry.offset + 26) + file.readUInt16LE(entry.offset + 28);
  const end = begin + entry.packedBytes;
  if (end > file.length) throw new Error('cut short');
  const packed = file.subarray(begin, end);
  if (entry.method === 0) {
    if (entry.bytes !== entry.packedBytes) throw new Error('stored with two sizes');
    return packed;
  }
  if (entry.method !== 8) throw new Error(`packed with method ${entry.method}; expected stored or deflated`);
  if (entry.bytes > entry.packedBytes * MAX_DEFLATE_RATIO) throw new Error('says it expands further than deflate can (a zip bomb)');
  const content = inflateRawSync(packed, { maxOutputLength: Math.max(entry.bytes, 1) });
  if (content.length !== entry.bytes) throw new Error(`${content.length} bytes, the directory says ${entry.bytes}`);
  return content;
}
