/**
 * What coverage-guided fuzzing (`make fuzz-readers`) calls with each input, by name: the readers of files that come from outside. An
 * input either is read or ends in a FastsamError; anything else that is thrown, a hang and too much memory are defects.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isFastsamError } from '../../src/errors.js';
import { parseMat } from '../../src/eval/edges/mat.js';
import { readGeoreference } from '../../src/geo/georeference.js';
import { readPickle } from '../../src/model/checkpoint/pickle.js';
import { ZipArchive } from '../../src/model/checkpoint/zip.js';
import { convert } from '../../src/model/import.js';
import { metadataOf, parseNames, readModel } from '../../src/model/onnx.js';
import { mp4FrameCount } from '../../src/source/mp4-frames.js';
import { tinyCheckpoint, zip } from '../helpers/checkpoint.js';
import { geoTiff } from '../helpers/geotiff.js';
import { testModel } from '../helpers/onnx-model.js';

// For the fuzzer's loop, which knows this file only.
export { mutate, randomOf } from './mutate.js';

interface Target {
  readonly seeds: () => readonly Uint8Array[];
  readonly read: (input: Buffer) => unknown;
}

const text = (value: string) => Buffer.from(value);

/** For readers of files: the input as a file, always the same one. */
let directory: string | undefined;
function fileOf(input: Buffer, name: string): string {
  directory ??= mkdtempSync(join(tmpdir(), 'fastsamd-fuzz-'));
  const path = join(directory, name);
  writeFileSync(path, input);
  return path;
}

const SIDE = 64;
const CHECKPOINT = tinyCheckpoint();

export const TARGETS: Readonly<Record<string, Target>> = {
  zip: {
    seeds: () => [zip(CHECKPOINT), zip(CHECKPOINT, true)],
    read: (input) => {
      const archive = new ZipArchive(input, 'fuzz.pt');
      for (const name of archive.names) archive.read(name);
    },
  },
  pickle: {
    seeds: () => [CHECKPOINT[0]!.content],
    read: (input) => readPickle(input, 'fuzz.pt'),
  },
  // A pickle in a container whose checksums are right: what stands behind the pickle reader.
  checkpoint: {
    seeds: () => [CHECKPOINT[0]!.content],
    read: (input) => {
      convert(zip([{ ...CHECKPOINT[0]!, content: input }, ...CHECKPOINT.slice(1)]), 'fuzz.pt', SIDE, SIDE, false);
    },
  },
  onnx: {
    seeds: () => [testModel({ width: SIDE, height: SIDE })],
    read: async (input) => metadataOf(await readModel(fileOf(input, 'fuzz.onnx'))),
  },
  names: {
    seeds: () => [text("{0: 'person', 1: 'bicycle'}"), text("['a', \"b\\'c\", '\\xa0\\u00e9']")],
    read: (input) => parseNames(input.toString('utf8')),
  },
  geotiff: {
    seeds: () =>
      [false, true].map((big) =>
        geoTiff({ width: 2, height: 1, samples: new Uint16Array(2), doubles: { 33550: [1, 1, 0] }, keys: { 3072: 32633 }, big }),
      ),
    read: (input) => readGeoreference(fileOf(input, 'fuzz.tif')),
  },
  mp4: {
    seeds: () => [Buffer.concat([text('\0\0\0\x10ftypisom\0\0\0\0'), text('\0\0\0\x08moov')])],
    read: (input) => mp4FrameCount(fileOf(input, 'fuzz.mp4')),
  },
  mat: {
    seeds: () => [Buffer.concat([text('MATLAB 5.0 MAT-file'.padEnd(124)), Buffer.from([0, 1, 0x49, 0x4d])])],
    read: (input) => parseMat(input, 'fuzz.mat'),
  },
};

/** Reads `input` with the target of that name. Errors: whatever is a defect. */
export async function attempt(target: string, input: Buffer): Promise<void> {
  try {
    await TARGETS[target]!.read(input);
  } catch (error) {
    if (!isFastsamError(error)) throw error;
  }
}
