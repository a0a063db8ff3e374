/**
 * Mutates a valid checkpoint and converts it: every outcome is a network or an error with a code. Mutations of the file
 * reach the zip reader; mutations of the pickle, packed again with right checksums, reach the readers behind it.
 */
import { isFastsamError } from '../../src/errors.js';
import { convert } from '../../src/model/import.js';
import { tinyCheckpoint, zip } from '../helpers/checkpoint.js';
import { mutate, randomOf } from './mutate.js';

export interface FuzzReport {
  readonly files: number;
  /** How many converted after all. */
  readonly accepted: number;
  /** How many ended with each code. */
  readonly refused: Readonly<Record<string, number>>;
  readonly slowestMs: number;
  /** Resident memory of the process at its highest, after any file, beyond what it had before the first. */
  readonly grownBytes: number;
  /** Anything that is not a FastsamError: a defect. */
  readonly defects: readonly string[];
}

export function fuzzCheckpoints(files: number, seed: number): FuzzReport {
  const random = randomOf(seed);
  const entries = tinyCheckpoint();
  const whole = zip(entries);
  const refused: Record<string, number> = {};
  const defects: string[] = [];
  let accepted = 0;
  let slowestMs = 0;
  let highestBytes = 0;
  const bytesBefore = process.memoryUsage.rss();
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
    highestBytes = Math.max(highestBytes, process.memoryUsage.rss());
  }
  return { files, accepted, refused, slowestMs, grownBytes: highestBytes - bytesBefore, defects };
}
