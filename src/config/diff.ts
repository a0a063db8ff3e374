/** What a changed configuration means for a running daemon. */
import { isDeepStrictEqual } from 'node:util';
import type { Config } from './schema.js';

/** Changed keys, cameras by id: `cameras[belt].prompts`. */
export interface ConfigChanges {
  /** Can be applied while running. */
  readonly live: readonly string[];
  /** Take effect at the next start. */
  readonly restart: readonly string[];
}

const LIVE = [/^cameras\[/, /^segmentation\./, /^log\.level$/, /^telemetry\.intervalMs$/];

/** Compares two effective configurations; pure. A camera that is added or removed is a change of `cameras[ID]`; the order does not count. */
export function diffConfig(before: Config, after: Config): ConfigChanges {
  const changed = changedKeys(before, after, '');
  const isLive = (key: string) => LIVE.some((pattern) => pattern.test(key));
  return { live: changed.filter(isLive), restart: changed.filter((key) => !isLive(key)) };
}

function changedKeys(before: unknown, after: unknown, key: string): string[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (key === 'cameras') return changedCameras(before as Config['cameras'], after as Config['cameras']);
  if (!isMapping(before) || !isMapping(after)) return [key];
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) => changedKeys(before[name], after[name], key === '' ? name : `${key}.${name}`));
}

function changedCameras(before: Config['cameras'], after: Config['cameras']): string[] {
  const find = (cameras: Config['cameras'], wanted: string) => cameras.find(({ id }) => id === wanted);
  const ids = new Set([...before, ...after].map(({ id }) => id));
  return [...ids].flatMap((id) => changedKeys(find(before, id), find(after, id), `cameras[${id}]`));
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
