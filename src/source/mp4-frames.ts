/** How many frames an MP4 or MOV file has, from its index (ISO/IEC 14496-12), without decoding anything. */
import { type FileHandle, open } from 'node:fs/promises';

/** An index has a few boxes on each level; a file with more is not worth reading on. */
const MAX_BOXES = 1000;
const CONTAINERS = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl']);

interface Box {
  readonly type: string;
  /** Of what the box holds, in the file. */
  readonly begin: number;
  readonly end: number;
}

/** Frames of the first video track; undefined for any other file, and for a fragmented one, whose index says nothing. */
export async function mp4FrameCount(path: string): Promise<number | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const { size } = await file.stat();
    const found = await videoSamples(file, { type: '', begin: 0, end: size });
    return found !== undefined && found > 0 ? found : undefined;
  } catch {
    return undefined;
  } finally {
    await file?.close();
  }
}

/** The sample count below `parent` of the first track whose handler is "vide". */
async function videoSamples(file: FileHandle, parent: Box, depth = 0): Promise<number | undefined> {
  let isVideo = false;
  for await (const box of boxesOf(file, parent)) {
    if (box.type === 'hdlr') isVideo = (await bytesAt(file, box.begin + 8, 4)).toString('latin1') === 'vide';
    if (box.type === 'stsz' || box.type === 'stz2') return (await bytesAt(file, box.begin + 8, 4)).readUInt32BE();
    // A handler comes before the index that it describes.
    const other = !CONTAINERS.has(box.type) || depth === CONTAINERS.size || (box.type === 'minf' && !isVideo);
    const samples = other ? undefined : await videoSamples(file, box, depth + 1);
    if (samples !== undefined) return samples;
  }
  return undefined;
}

async function* boxesOf(file: FileHandle, { begin, end }: Box): AsyncGenerator<Box> {
  let at = begin;
  for (let k = 0; k < MAX_BOXES && at + 8 <= end; k += 1) {
    const header = await bytesAt(file, at, 16);
    const short = header.readUInt32BE();
    const long = short === 1 ? Number(header.readBigUInt64BE(8)) : short;
    const size = short === 0 ? end - at : long;
    const skip = short === 1 ? 16 : 8;
    if (size < skip || at + size > end) return;
    yield { type: header.toString('latin1', 4, 8), begin: at + skip, end: at + size };
    at += size;
  }
}

/** Zeros where the file ends. */
async function bytesAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  await file.read(buffer, 0, length, position);
  return buffer;
}
