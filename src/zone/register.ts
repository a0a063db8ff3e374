/**
 * Lines and zones in force, per camera, and what they have counted. A change is a transaction: checked as a whole, in force from
 * the next frame on, saved, then acknowledged with its revision. On an error the old ones stay, on every camera. Counts outlive
 * the process: at most a second of them is lost with it.
 */
import { isDeepStrictEqual } from 'node:util';
import type { CameraConfig } from '../config/schema.js';
import { toTimestamp } from '../contract/common.js';
import type { CountsMessage, RequestOf, ZonesMessage } from '../contract/messages.js';
import { type LineConfig, type PlaneConfig, type ScaleConfig, ZONE_LIMITS, type ZoneConfig } from '../domain/zone.js';
import { FastsamError } from '../errors.js';
import { assertInFrame } from './frame-check.js';
import type { SavedZones, ZoneSet } from './saved.js';
import { createZones, type Zones } from './zones.js';

/** Counts are saved and announced at most this often. */
const COUNTS_MS = 1000;

/** What the configuration says about the lines and zones of a camera. */
export interface ConfiguredZones {
  readonly lines: readonly LineConfig[];
  readonly zones: readonly ZoneConfig[];
  readonly scale?: ScaleConfig | undefined;
  readonly plane?: PlaneConfig | undefined;
  /** Whether the camera tracks; without tracks, lines and zones count nothing. */
  readonly tracking: boolean;
}

/** The lines and zones of these cameras, by camera. */
export function configuredZones(cameras: readonly CameraConfig[]): ReadonlyMap<string, ConfiguredZones> {
  return new Map(
    cameras.map(({ id, lines, zones, scale, plane, tracking }) => [id, { lines, zones, scale, plane, tracking: tracking.enabled }]),
  );
}

export interface ZoneRegisterDeps {
  readonly cameras: ReadonlyMap<string, ConfiguredZones>;
  /** Told of the lines and zones in force, the first ones on `start` included; undefined: the camera tracks no longer. */
  readonly onApplied: (camera: string, message: ZonesMessage | undefined) => void;
  /** Told of the counts once they are saved, at most once a second; undefined: the camera tracks no longer. */
  readonly onCounts: (camera: string, message: CountsMessage | undefined) => void;
  /** These lines and zones count from 0 again. */
  readonly onReset: (camera: string, ids: readonly string[]) => void;
  /** Keeps everything over a restart; resolves to false where that failed. */
  readonly save?: (state: SavedZones) => Promise<boolean>;
  /** Milliseconds since the Unix epoch. */
  readonly now?: () => number;
}

/** What became of a change. `saved` is false when it will not survive a restart. */
export interface ZonesApplied {
  readonly revision: number;
  readonly saved: boolean;
}

interface CameraZones {
  configured: ConfiguredZones;
  /** The same object for as long as the camera is configured. */
  readonly zones: Zones;
  revision: number;
  sinceMs: number;
  countsSinceMs: number;
  frame?: { readonly width: number; readonly height: number };
  /** Runs while counts wait to be told. */
  telling?: NodeJS.Timeout | undefined;
  toldAtMs: number;
}

type Conditions = { readonly camera?: string | undefined; readonly ifRevision?: number | undefined };
type ZoneChange = (now: ZoneSet) => ZoneSet;

export class ZoneRegister {
  readonly #deps: ZoneRegisterDeps;
  readonly #now: () => number;
  readonly #cameras: Map<string, CameraZones>;
  /** One counter for all cameras, so that a change of all of them has one revision. */
  #revision = 1;

  /** Errors: PROMPT_INVALID, as createZones. */
  constructor(deps: ZoneRegisterDeps) {
    this.#deps = deps;
    this.#now = deps.now ?? Date.now;
    this.#cameras = new Map([...deps.cameras].map(([camera, configured]) => [camera, this.#entry(configured, 1)]));
  }

  /** Announces lines, zones and counts: those that were in force when they were saved, unless the configured ones have changed since. */
  start(saved?: SavedZones): void {
    if (saved) this.#restore(saved);
    for (const camera of this.#cameras.keys()) this.#announce(camera);
  }

  /** Settles when the counts of the last second are on disk. */
  async stop(): Promise<void> {
    let isOpen = false;
    for (const entry of this.#cameras.values()) {
      isOpen ||= entry.telling !== undefined;
      clearTimeout(entry.telling);
      entry.telling = undefined;
    }
    if (isOpen) await this.#save();
  }

  /** What counts the objects of a camera; it stays the same while lines and zones change. Errors: MISUSE. */
  zonesOf(camera: string): Zones {
    const entry = this.#cameras.get(camera);
    if (!entry) throw new FastsamError('MISUSE', `no camera "${camera}" in the register of zones`);
    return entry.zones;
  }

  /** The pipeline's side: what a frame of this size has done to the counts is to be told. */
  counted(camera: string, frame: { readonly width: number; readonly height: number }, changed: boolean): void {
    const entry = this.#cameras.get(camera);
    if (!entry) return;
    if (entry.frame?.width !== frame.width || entry.frame.height !== frame.height) {
      entry.frame = { width: frame.width, height: frame.height };
    }
    if (!changed || entry.telling) return;
    const waitMs = Math.max(entry.toldAtMs + COUNTS_MS - performance.now(), 0);
    entry.telling = setTimeout(() => void this.#tell(camera), waitMs);
    entry.telling.unref();
  }

  /**
   * Replaces the lines and zones of one camera, or of all. What keeps its id keeps its counts.
   * Errors: REQUEST_INVALID (no such camera), TRACKING_OFF, PROMPT_INVALID, REVISION_CONFLICT.
   */
  set({ lines, zones, ...conditions }: Omit<RequestOf<'zone/set'>, 'id'>): Promise<ZonesApplied> {
    return this.#change(() => ({ lines, zones }), conditions);
  }

  /** Puts lines and zones beside those in force; one with the id of another takes its place. As `set`. */
  add({ lines, zones, ...conditions }: Omit<RequestOf<'zone/add'>, 'id'>): Promise<ZonesApplied> {
    const replaced = new Set([...lines, ...zones].map(({ id }) => id));
    const kept = <T extends { readonly id: string }>(known: readonly T[]) => known.filter(({ id }) => !replaced.has(id));
    return this.#change((now) => ({ lines: [...kept(now.lines), ...lines], zones: [...kept(now.zones), ...zones] }), conditions);
  }

  /** Takes lines and zones away by id, and their counts with them. As `set`; PROMPT_INVALID for an id that no camera concerned has. */
  async remove({ ids, ...conditions }: Omit<RequestOf<'zone/remove'>, 'id'>): Promise<ZonesApplied> {
    this.#demandIds(this.#select(conditions.camera), ids);
    const rest = <T extends { readonly id: string }>(known: readonly T[]) => known.filter(({ id }) => !ids.includes(id));
    return this.#change(({ lines, zones }) => ({ lines: rest(lines), zones: rest(zones) }), conditions);
  }

  /** Lines and zones in force of one camera, or of all that track. Errors: REQUEST_INVALID, TRACKING_OFF. */
  get({ camera }: Pick<RequestOf<'zone/get'>, 'camera'>): ZonesMessage[] {
    return this.#select(camera).map((each) => this.#zonesMessage(each));
  }

  /** What has been counted, of the cameras that track. */
  get counts(): CountsMessage[] {
    return [...this.#cameras].flatMap(([camera, { configured }]) => (configured.tracking ? [this.#countsMessage(camera)] : []));
  }

  /**
   * Counts from 0 again: all lines and zones of a camera (of all cameras), or those named. Resolves, once that is saved, to what
   * they had counted until now. Errors: REQUEST_INVALID, TRACKING_OFF, PROMPT_INVALID for an id that no camera concerned has.
   */
  async resetCounts({ camera, ids }: Pick<RequestOf<'count/reset'>, 'camera' | 'ids'>): Promise<CountsReset> {
    const cameras = this.#select(camera);
    if (ids) this.#demandIds(cameras, ids);
    const until = cameras.map((each) => this.#countsMessage(each));
    for (const each of cameras) {
      const entry = this.#cameras.get(each)!;
      const known = idsOf(entry.zones);
      const named = ids ? known.filter((id) => ids.includes(id)) : known;
      entry.zones.reset(named);
      // Some lines go on counting, so that the time when all of them began stays.
      if (named.length === known.length) entry.countsSinceMs = this.#now();
      this.#deps.onReset(each, named);
    }
    const saved = await this.#save();
    for (const each of cameras) this.#deps.onCounts(each, this.#countsMessage(each));
    return { until, saved };
  }

  /**
   * The configuration names these lines and zones of each camera. Changed ones replace those that requests have set; cameras whose
   * configured ones are as before keep theirs. Errors: PROMPT_INVALID, and nothing has changed.
   */
  reconfigure(cameras: ReadonlyMap<string, ConfiguredZones>): void {
    // Checks all of them before any changes.
    for (const configured of cameras.values()) createZones(configured);
    let isChanged = false;
    for (const [camera, configured] of cameras) {
      const entry = this.#cameras.get(camera);
      if (entry && isDeepStrictEqual(entry.configured, configured)) continue;
      if (!isChanged) this.#revision += 1;
      isChanged = true;
      if (entry) {
        const same = isDeepStrictEqual(setOf(entry.configured), setOf(configured));
        entry.configured = configured;
        if (!same) {
          entry.zones.replace(configured);
          entry.revision = this.#revision;
          entry.sinceMs = this.#now();
        }
        entry.zones.measure(configured);
      } else this.#cameras.set(camera, this.#entry(configured, this.#revision));
      this.#announce(camera);
    }
    if (isChanged) void this.#save();
  }

  /** A camera that is no longer configured. */
  forget(camera: string): void {
    clearTimeout(this.#cameras.get(camera)?.telling);
    if (this.#cameras.delete(camera)) void this.#save();
  }

  #entry(configured: ConfiguredZones, revision: number): CameraZones {
    const now = this.#now();
    const toldAtMs = Number.NEGATIVE_INFINITY;
    return { configured, zones: createZones(configured), revision, sinceMs: now, countsSinceMs: now, toldAtMs };
  }

  #select(camera: string | undefined): string[] {
    const known = [...this.#cameras.keys()];
    if (camera === undefined) {
      const tracking = known.filter((each) => this.#cameras.get(each)!.configured.tracking);
      if (tracking.length === 0) throw trackingOff('no camera of this node tracks');
      return tracking;
    }
    const entry = this.#cameras.get(camera);
    if (!entry) {
      throw new FastsamError('REQUEST_INVALID', `no camera "${camera}"; expected one of ${known.join(', ') || '(this node has none)'}`);
    }
    if (!entry.configured.tracking) throw trackingOff(`camera "${camera}" does not track`);
    return [camera];
  }

  #demandIds(cameras: readonly string[], ids: readonly string[]): void {
    const known = new Set(cameras.flatMap((camera) => idsOf(this.#cameras.get(camera)!.zones)));
    const unknown = ids.find((id) => !known.has(id));
    if (unknown === undefined) return;
    const there = [...known].slice(0, 20).join(', ') || 'none: there are no lines and zones';
    throw new FastsamError('PROMPT_INVALID', `ids: no line or zone "${unknown}"; expected ${there}`);
  }

  async #change(change: ZoneChange, { camera: which, ifRevision }: Conditions): Promise<ZonesApplied> {
    const accepted = this.#select(which).map((camera) => {
      const entry = this.#cameras.get(camera)!;
      if (ifRevision !== undefined && ifRevision !== entry.revision) {
        throw new FastsamError('REVISION_CONFLICT', `expected revision ${ifRevision} on camera "${camera}", which is at ${entry.revision}`);
      }
      const next = change(entry.zones);
      for (const kind of ['lines', 'zones'] as const) {
        if (next[kind].length <= ZONE_LIMITS.each) continue;
        throw new FastsamError('PROMPT_INVALID', `${kind}: expected at most ${ZONE_LIMITS.each} in all, got ${next[kind].length}`);
      }
      createZones(next);
      if (entry.frame) assertInFrame(next, camera, entry.frame);
      return [camera, entry, next] as const;
    });
    this.#revision += 1;
    const revision = this.#revision;
    for (const [camera, entry, next] of accepted) {
      entry.zones.replace(next);
      entry.revision = revision;
      entry.sinceMs = this.#now();
      this.#announce(camera);
    }
    return { revision, saved: await this.#save() };
  }

  async #tell(camera: string): Promise<void> {
    const entry = this.#cameras.get(camera);
    if (!entry) return;
    entry.telling = undefined;
    entry.toldAtMs = performance.now();
    const message = this.#countsMessage(camera);
    // A count is published only once a crash cannot take it back.
    await this.#save();
    if (this.#cameras.get(camera) === entry) this.#deps.onCounts(camera, message);
  }

  #restore(saved: SavedZones): void {
    this.#revision = Math.max(this.#revision, saved.revision);
    const isNew = (camera: string, entry: CameraZones) => !isDeepStrictEqual(saved.cameras[camera]?.configured, setOf(entry.configured));
    if ([...this.#cameras].some(([camera, entry]) => isNew(camera, entry))) this.#revision += 1;
    for (const [camera, entry] of this.#cameras) {
      const known = saved.cameras[camera];
      if (known && !isNew(camera, entry)) {
        entry.zones.replace(known.held);
        entry.revision = known.revision;
        entry.sinceMs = known.sinceMs;
      } else entry.revision = this.#revision;
      if (!known) continue;
      entry.zones.restore(known.counts);
      entry.countsSinceMs = known.counts.sinceMs;
    }
  }

  async #save(): Promise<boolean> {
    if (!this.#deps.save) return true;
    const cameras = [...this.#cameras].map(([camera, { configured, zones, revision, sinceMs, countsSinceMs }]) => {
      const counts = { sinceMs: countsSinceMs, ...zones.counts };
      return [camera, { configured: setOf(configured), held: setOf(zones), revision, sinceMs, counts }] as const;
    });
    return this.#deps.save({ v: 1, revision: this.#revision, cameras: Object.fromEntries(cameras) });
  }

  #announce(camera: string): void {
    const { tracking } = this.#cameras.get(camera)!.configured;
    this.#deps.onApplied(camera, tracking ? this.#zonesMessage(camera) : undefined);
    this.#deps.onCounts(camera, tracking ? this.#countsMessage(camera) : undefined);
  }

  #zonesMessage(camera: string): ZonesMessage {
    const { zones, revision, sinceMs } = this.#cameras.get(camera)!;
    return { v: 1, camera, revision, since: toTimestamp(sinceMs), lines: [...zones.lines], zones: [...zones.zones] };
  }

  #countsMessage(camera: string): CountsMessage {
    const { zones, countsSinceMs } = this.#cameras.get(camera)!;
    const { lines, zones: visits } = zones.counts;
    return { v: 1, camera, since: toTimestamp(countsSinceMs), lines: { ...lines }, zones: { ...visits } };
  }
}

/** What a reset of counts has done. */
export interface CountsReset {
  /** What was counted before, by camera. */
  readonly until: readonly CountsMessage[];
  readonly saved: boolean;
}

function trackingOff(why: string): FastsamError {
  return new FastsamError('TRACKING_OFF', `${why}; expected tracking.enabled: true in the camera's configuration`);
}

function setOf({ lines, zones }: ZoneSet): ZoneSet {
  return { lines: [...lines], zones: [...zones] };
}

function idsOf({ lines, zones }: ZoneSet): string[] {
  return [...lines, ...zones].map(({ id }) => id);
}
