/** Small files below a root, as the kernel's sysfs and procfs offer them: read with bounds, and only for as long as needed. */
import { closeSync, openSync, readdirSync, readSync, statfsSync } from 'node:fs';
import path from 'node:path';
import { messageOf, systemCodeOf } from '../../errors.js';

/** Attributes of sysfs are at most one page; the largest file that is read is nvpmodel.conf. */
const MAX_BYTES = 64 * 1024;
const MAX_ENTRIES = 512;
/** What is not there, and (EAGAIN) a unit that is powered down: the zones cv0 to cv2 of JetPack 6 always answer so. */
const NO_VALUE = ['ENOENT', 'ENOTDIR', 'ENODEV', 'ENXIO', 'EAGAIN'];

export interface SensorProblem {
  readonly path: string;
  readonly reason: string;
}

export interface DiskSpace {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/** Paths start with "/" and are taken below the root. Nothing here throws. */
export interface SensorFiles {
  /** Text without white space around it; null when the file is absent or unreadable. */
  read(file: string): string | null;
  /** A number within [min, max], multiplied by `scale`; null when absent, unreadable, garbage or outside. */
  number(file: string, range?: { readonly min?: number; readonly max?: number; readonly scale?: number }): number | null;
  /** Names in a folder, sorted as people count; empty when it is absent. */
  list(folder: string): readonly string[];
  disk(folder: string): DiskSpace | null;
  /** What was there and could not be used. What is absent is no problem. */
  readonly problems: readonly SensorProblem[];
}

export interface SensorFilesOptions {
  readonly root: string;
  /** Called before every access, so that the watching process knows which file a read hangs in. */
  readonly onAccess?: (file: string) => void;
  /** Never touched: files in which a read hung before. */
  readonly skip?: ReadonlySet<string>;
}

/** Every call blocks until the kernel answers: not for the main thread. */
export function sensorFiles({ root, onAccess = () => undefined, skip = new Set() }: SensorFilesOptions): SensorFiles {
  const problems: SensorProblem[] = [];
  const buffer = Buffer.alloc(MAX_BYTES);

  const access = <T>(file: string, use: (absolute: string) => T): T | null => {
    if (skip.has(file)) return null;
    onAccess(file);
    try {
      return use(path.join(root, file));
    } catch (error) {
      if (!NO_VALUE.includes(systemCodeOf(error) ?? '')) problems.push({ path: file, reason: messageOf(error) });
      return null;
    }
  };
  const read = (file: string): string | null =>
    access(file, (absolute) => {
      const descriptor = openSync(absolute, 'r');
      try {
        let length = 0;
        for (;;) {
          const bytes = readSync(descriptor, buffer, length, MAX_BYTES - length, null);
          length += bytes;
          if (bytes === 0) break;
          if (length === MAX_BYTES) throw new Error(`larger than ${MAX_BYTES} bytes`);
        }
        return buffer.toString('utf8', 0, length).replaceAll('\0', '').trim();
      } finally {
        closeSync(descriptor);
      }
    });

  return {
    problems,
    read,
    number(file, { min = 0, max = Number.MAX_SAFE_INTEGER, scale = 1 } = {}) {
      const text = read(file);
      if (text === null) return null;
      const value = /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
      if (value >= min && value <= max) return value * scale;
      problems.push({ path: file, reason: `expected a number from ${min} to ${max}, got "${text.slice(0, 40)}"` });
      return null;
    },
    list: (folder) =>
      access(folder, (absolute) =>
        readdirSync(absolute)
          .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
          .slice(0, MAX_ENTRIES),
      ) ?? [],
    disk: (folder) =>
      access(folder, (absolute) => {
        const { bsize, blocks, bavail } = statfsSync(absolute);
        return { totalBytes: bsize * blocks, freeBytes: bsize * bavail };
      }),
  };
}
