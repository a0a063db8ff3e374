/** From a camera's configuration to what its source is asked for. */
import type { CameraConfig } from '../config/schema.js';
import type { SourceOptions } from '../source/source.js';

export function sourceOptions(config: CameraConfig): SourceOptions {
  const { passwordFile, passwordEnv, startAtS, ...options } = config;
  const secret = passwordFile !== undefined || passwordEnv !== undefined ? { file: passwordFile, env: passwordEnv } : undefined;
  return { ...present(options), startAtMs: startAtS * 1000, ...(secret && { secret }) };
}

/** Without the keys that are undefined, for options that are either there or not. */
function present<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
