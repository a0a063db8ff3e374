/** A camera that inspects: its configuration, and what does the work. */
import type { CameraConfig } from '../../config/schema.js';
import type { LoadedCalibration } from '../../inspect/calibration-file.js';
import type { Taught } from '../../inspect/taught.js';
import type { FieldStation } from './field-station.js';
import type { Inspector } from './inspector.js';

/** `tracking`: whether its objects have tracks. `calibration` and `taught` are read. */
export type StationConfig = Omit<NonNullable<CameraConfig['inspection']>, 'calibration' | 'taught'> & {
  readonly tracking: boolean;
  readonly calibration?: LoadedCalibration | undefined;
  /** The station's own: it disposes of it. */
  readonly taught?: Taught | undefined;
};

export interface Station {
  readonly config: StationConfig;
  readonly inspector: Inspector;
  readonly end: () => Promise<void>;
  readonly field: FieldStation;
  /** What the recipe in force was taught, where it names that itself. */
  taught: Taught | undefined;
}

/** Once the station judges nothing any more. */
export async function freeTaught({ inspector, config, taught }: Station): Promise<void> {
  await inspector.settled();
  await taught?.[Symbol.asyncDispose]();
  await config.taught?.[Symbol.asyncDispose]();
}
