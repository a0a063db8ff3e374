/**
 * Mutates a valid checkpoint and converts it: every outcome is a network or an error with a code. Mutations of the file
 * reach the zip reader; mutations of the pickle, packed again with right checksums, reach the readers behind it.
 */
import { isFastsamError } from '../../src/errors.js';
import { convert } from '../../src/model/import.js';
import { tinyCheckpoint, zip } from '../helpers/checkpoint.js';

export interface FuzzReport {
  readonly files: number;
  /** How many converted after all. */
  readonly accepted: number;
  /** How many ended with each code. */
  readonly refused: Readonly<Record<string, number>>;
  readonly slowestMs: number;
  readonly maxRssBytes: number;
  /** Anything that is not a FastsamError: a defect. */
  readonly defects: readonly string[];
}

/** mulberry32: small, seeded, the same everywhere. */
function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const INTERESTING = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x28, 0x2e, 0x52, 0x62, 0x63, 0x68, 0x71, 0x72, 0x74, 0x75, 0x81, 0x8a];

function mutate(original: Buffer, random: (below: number) => number): Buffer {
  let bytes = Buffer.from(original);
  for (let left = 1 + random(6); left > 0 && bytes.length > 0; left -= 1) {
    const at = random(bytes.length);
    switch (random(6)) {
      case 0:
        bytes[at] = random(256);
        break;
      case 1:
        bytes[at] = INTERESTING[random(INTERESTING.length)]!;
        break;
      case 2:
        bytes = bytes.subarray(0, at);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(64))]);
        break;
      case 4: {
        const from = random(bytes.length);
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(from, from + random(200)), bytes.subarray(at)]);
        break;
      }
      default:
        if (at + 4 <= bytes.length) bytes.writeUInt32LE([0, 0xffffffff, 0x7fffffff, 0x10000][random(4)]!, at);
    }
  }
  return bytes;
}

export function fuzzCheckpoints(files: number, seed: number): FuzzReport {
  const random = randomOf(seed);
  const entries = tinyCheckpoint();
  const whole = zip(entries);
  const refused: Record<string, number> = {};
  const defects: string[] = [];
  let accepted = 0;
  let slowestMs = 0;
  for (let k = 0; k < files; k += 1) {
    const inPickle = k % 2 === 0;
    const file = inPickle
      ? zip([{ ...entries[0]!, content: mutate(entries[0]!.content, random) }, ...entries.slice(1)])
      : mutate(whole, random);
    const begin = performance.now();
    try {
      convert(file, 'fuzz.pt', 64, 64, false);
      accepted += 1;
    } catch (error) {
      if (isFastsamError(error)) refused[error.code] = (refused[error.code] ?? 0) + 1;
      else defects.push(`file ${k}, seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`);
    }
    slowestMs = Math.max(slowestMs, performance.now() - begin);
  }
  return { files, accepted, refused, slowestMs, maxRssBytes: process.resourceUsage().maxRSS * 1024, defects };
}
