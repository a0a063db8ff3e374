/** Files of `fastsamd calibrate`. */
import { readBounded } from '../durable.js';
import { FastsamError, messageOf, systemCodeOf } from '../errors.js';
import { type Calibration, calibrationSchema } from '../measure/calibration.js';
import { canonicalJson, sha256Of } from './identity.js';

export interface LoadedCalibration {
  readonly calibration: Calibration;
  /** Of its canonical JSON: what a verdict names it by. */
  readonly sha256: string;
}

const MAX_BYTES = 65_536;

/** Errors: CONFIG_INVALID, naming the file and what is wrong with it. */
export async function loadCalibration(file: string): Promise<LoadedCalibration> {
  const invalid = (reason: string) =>
    new FastsamError('CONFIG_INVALID', `${file}: ${reason}; expected a calibration, which "fastsamd calibrate" writes`);
  let value: unknown;
  try {
    value = JSON.parse(await readBounded(file, MAX_BYTES));
  } catch (error) {
    throw invalid(systemCodeOf(error) === 'ENOENT' ? 'no such file' : messageOf(error));
  }
  const parsed = calibrationSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`${issue!.path.join('.')}: ${issue!.message}`);
  }
  return { calibration: parsed.data, sha256: sha256Of(canonicalJson(parsed.data)) };
}
