/**
 * Pictures of verdicts as files, bounded by bytes and age. What a picture is of is in its name, so that the folder is its own index:
 * FOLDER/CAMERA/TIME-VERDICT-ID.original.jpg and ….annotated.jpg. Of a full ring the oldest OK goes first, then the oldest UNSURE, then the
 * oldest NOK; a picture is not kept where only pictures of a worse verdict could make room for it.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { EVIDENCE_KINDS, type EvidenceKind, VERDICTS, type Verdict } from '../contract/inspection.js';
import { makeDirectorySync, putAside } from '../durable.js';
import { systemCodeOf } from '../errors.js';

export interface EvidenceSettings {
  readonly folder: string;
  readonly maxBytes: number;
  readonly maxAgeS: number;
}

/** Pictures of one verdict. */
export interface NewEvidence {
  readonly camera: string;
  /** From `evidenceName`. */
  readonly name: string;
  readonly verdict: Verdict;
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** JPEG files. */
  readonly pictures: Readonly<Partial<Record<EvidenceKind, Uint8Array>>>;
}

export interface WrittenPicture {
  readonly kind: EvidenceKind;
  readonly bytes: number;
  readonly sha256: string;
}

/** The pictures of one verdict that are on the disk. */
interface Kept {
  readonly camera: string;
  readonly verdict: Verdict;
  readonly name: string;
  readonly atMs: number;
  bytes: number;
}

/** Left free on the disk, for the record and everything else. */
const RESERVE_BYTES = 64 * 1024 * 1024;
const MAX_PICTURE_BYTES = 64 * 1024 * 1024;
/** What goes first. */
const ORDER: readonly Verdict[] = ['OK', 'UNSURE', 'NOK'];
const FILE = new RegExp(`^(\\d{8}T\\d{9}Z)-(${VERDICTS.join('|')})-[0-9a-f]{8}\\.(${EVIDENCE_KINDS.join('|')})\\.jpg$`);
const NAME = new RegExp(`^\\d{8}T\\d{9}Z-(?:${VERDICTS.join('|')})-[0-9a-f]{8}$`);
/** Pictures show people and products: others on the machine do not see them. */
const FOLDER_MODE = 0o750;
const FILE_MODE = 0o640;

/** A name that sorts by time. `id`: of the verdict's event, which makes it unique. */
export function evidenceName(atMs: number, verdict: Verdict, id: string): string {
  return `${new Date(atMs).toISOString().replace(/[-:.]/g, '')}-${verdict}-${id.slice(0, 8)}`;
}

/** Where a picture is, or would be. Undefined for what is no name of one: it may come from anywhere. */
export function evidencePath(folder: string, camera: string, name: string, kind: EvidenceKind): string | undefined {
  return /^[a-z0-9-]+$/.test(camera) && NAME.test(name) ? join(folder, camera, `${name}.${kind}.jpg`) : undefined;
}

/** A picture's file, read without following a link. Undefined when it is not kept (any more). Errors: those of the file system. */
export function readEvidence(path: string): Buffer | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const stats = fstatSync(descriptor);
    return stats.isFile() && stats.size <= MAX_PICTURE_BYTES ? readFileSync(descriptor) : undefined;
  } finally {
    closeSync(descriptor);
  }
}

/** All calls wait for the disk: for a thread that only does this. Errors: those of the file system. */
export class EvidenceRing {
  readonly #settings: EvidenceSettings;
  readonly #free: () => number;
  /** By verdict, the oldest first. */
  readonly #kept: Readonly<Record<Verdict, Kept[]>> = { OK: [], UNSURE: [], NOK: [] };
  readonly #bytesOf: Record<Verdict, number> = { OK: 0, UNSURE: 0, NOK: 0 };

  /** `free`: bytes that the disk has left. */
  constructor(settings: EvidenceSettings, free: () => number = () => freeBytes(settings.folder)) {
    this.#settings = settings;
    this.#free = free;
  }

  get bytes(): number {
    return this.#bytesOf.OK + this.#bytesOf.UNSURE + this.#bytesOf.NOK;
  }

  /** Makes the folder, takes stock of it, and removes what unfinished writes left behind. Files of other names are left alone. */
  open(): void {
    const { folder } = this.#settings;
    makeDirectorySync(folder, FOLDER_MODE);
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) this.#takeStock(entry.name);
    }
    for (const verdict of VERDICTS) this.#kept[verdict].sort((one, other) => (one.name < other.name ? -1 : 1));
    this.#makeRoom(0, 'NOK');
  }

  /**
   * Writes the pictures; once this returns they are on the disk. None where there is no room for them. `nowMs` undefined: the time is not
   * known for certain, nothing is removed for its age.
   */
  write({ camera, name, verdict, atMs, pictures }: NewEvidence, nowMs: number | undefined): WrittenPicture[] {
    if (nowMs !== undefined) this.removeOld(nowMs);
    const files = EVIDENCE_KINDS.flatMap((kind) => {
      const content = pictures[kind];
      return content ? [{ kind, content }] : [];
    });
    const bytes = files.reduce((sum, { content }) => sum + content.length, 0);
    if (bytes === 0 || !this.#makeRoom(bytes, verdict)) return [];
    this.#makeFolder(camera);
    const kept: Kept = { camera, verdict, name, atMs, bytes: 0 };
    this.#kept[verdict].push(kept);
    try {
      return files.map(({ kind, content }) => {
        this.#writeFile(evidencePath(this.#settings.folder, camera, name, kind)!, content);
        kept.bytes += content.length;
        this.#bytesOf[verdict] += content.length;
        return { kind, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
      });
    } catch (error) {
      this.#kept[verdict].pop();
      this.#remove(kept);
      throw error;
    }
  }

  /** Removes what is older than `maxAgeS`. */
  removeOld(nowMs: number): void {
    const oldest = nowMs - this.#settings.maxAgeS * 1000;
    for (const verdict of ORDER) {
      const kept = this.#kept[verdict];
      while (kept.length > 0 && kept[0]!.atMs < oldest) this.#remove(kept.shift()!);
    }
  }

  #takeStock(camera: string): void {
    const folder = join(this.#settings.folder, camera);
    const found = new Map<string, Kept>();
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (/\.jpg\.\d+\.part$/.test(entry.name)) {
        rmSync(path, { force: true, recursive: true });
        continue;
      }
      const [, time, verdict] = FILE.exec(entry.name) ?? [];
      const size = entry.isFile() ? (lstatSync(path, { throwIfNoEntry: false })?.size ?? 0) : 0;
      if (time === undefined) continue;
      if (size === 0) {
        // Of a power cut, or no picture at all.
        rmSync(path, { force: true, recursive: true });
        continue;
      }
      const name = entry.name.slice(0, entry.name.indexOf('.'));
      const kept = found.get(name) ?? { camera, verdict: verdict as Verdict, name, atMs: timeOf(time), bytes: 0 };
      kept.bytes += size;
      this.#bytesOf[kept.verdict] += size;
      found.set(name, kept);
    }
    for (const kept of found.values()) this.#kept[kept.verdict].push(kept);
  }

  /** Whether `bytes` more of this verdict fit, once what may go for them is gone. Nothing is removed where that would not do. */
  #makeRoom(bytes: number, verdict: Verdict): boolean {
    const mayGo = ORDER.slice(0, ORDER.indexOf(verdict) + 1);
    let excess = Math.max(this.bytes + bytes - this.#settings.maxBytes, RESERVE_BYTES + bytes - this.#free());
    if (excess > mayGo.reduce((sum, each) => sum + this.#bytesOf[each], 0)) return false;
    for (const each of mayGo) {
      while (excess > 0 && this.#kept[each].length > 0) {
        const kept = this.#kept[each].shift()!;
        excess -= kept.bytes;
        this.#remove(kept);
      }
    }
    return true;
  }

  #remove({ camera, verdict, name, bytes }: Kept): void {
    this.#bytesOf[verdict] -= bytes;
    for (const kind of EVIDENCE_KINDS) {
      const path = evidencePath(this.#settings.folder, camera, name, kind);
      if (path) rmSync(path, { force: true });
    }
  }

  /** What is there under the camera's name and is no folder (a link may lead anywhere) is put aside. */
  #makeFolder(camera: string): void {
    const path = join(this.#settings.folder, camera);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats && !stats.isDirectory()) putAside(path);
    if (!stats?.isDirectory()) makeDirectorySync(path, FOLDER_MODE);
  }

  /** A new file, never through a link: whole under its name, or not there. */
  #writeFile(path: string, content: Uint8Array): void {
    const part = `${path}.${process.pid}.part`;
    rmSync(part, { force: true, recursive: true });
    const descriptor = openSync(part, 'wx', FILE_MODE);
    try {
      for (let at = 0; at < content.length; ) at += writeSync(descriptor, content, at);
      fdatasyncSync(descriptor);
    } catch (error) {
      rmSync(part, { force: true });
      throw error;
    } finally {
      closeSync(descriptor);
    }
    renameSync(part, path);
  }
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Of the time in a name. */
function timeOf(compact: string): number {
  const [, year, month, day, hour, minute, second, ms] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z$/.exec(compact)!;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`);
}
