import { expect, it } from 'vitest';
import { fuzzCheckpoints } from './checkpoint.js';

/** `make fuzz` asks for 100,000. */
const FILES = Number(process.env.FUZZ_FILES ?? 3000);
const HANG_MS = 2000;
const GIB = 2 ** 30;

it(`${FILES} mutated checkpoints end in a network or an error with a code`, { timeout: 1_800_000 }, () => {
  const { defects, ...report } = fuzzCheckpoints(FILES, 20261123);
  process.stdout.write(`${JSON.stringify(report)}\n`);
  expect(defects).toEqual([]);
  expect(report.slowestMs).toBeLessThan(HANG_MS);
  // Memory that a file asks for is returned late, so that it shows here.
  expect(report.grownBytes).toBeLessThan(GIB);
  // Both readers were reached, and the mutations are not all fatal.
  expect(report.refused.MODEL_CORRUPT).toBeGreaterThan(0);
  expect(report.refused.MODEL_UNSUPPORTED).toBeGreaterThan(0);
  expect(report.accepted).toBeGreaterThan(0);
});
