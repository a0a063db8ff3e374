/**
 * The prompts in force, per camera. A change is a transaction: checked as a whole, applied at a frame boundary, saved,
 * then acknowledged with its revision. On an error the old prompts stay, on every camera.
 */
import { isDeepStrictEqual } from 'node:util';
import { toTimestamp } from '../contract/common.js';
import type { BoundData, PromptsMessage, RequestOf } from '../contract/messages.js';
import { followsObject, type Prompt, type PromptInputs, withIds } from '../domain/prompt.js';
import { FastsamError } from '../errors.js';
import { applyChange, type HeldPrompts, inForce, type PromptChange } from './changes.js';
import { assertInFrame, type FrameSize } from './frame-check.js';
import type { SavedPrompts } from './store.js';

/** The rest of a time limit is looked at this often: the clock may have been set meanwhile. */
const CHECK_MS = 1000;
/** The clock is kept right in small steps all the time; only a larger one moves what was announced. */
const CLOCK_STEP_MS = 1000;

/** How long a change waits for a frame before it is acknowledged without one: the camera is away, the next frame will have it. */
const GRACE_MS = 1000;

export interface PromptRegisterDeps {
  /** Configured prompts, by camera: revision 1 of a node that was never asked for others. */
  readonly cameras: ReadonlyMap<string, readonly Prompt[]>;
  /** Told about every prompt set in force, the first ones on `start` included. */
  readonly onApplied: (message: PromptsMessage) => void;
  /** Keeps the prompts over a restart; resolves to false where that failed. */
  readonly save?: (state: SavedPrompts) => Promise<boolean>;
  /**
   * Makes ready what new prompts need, and refuses those that nothing here can answer; the old ones stay in force
   * meanwhile. Undefined when there is nothing to wait for.
   */
  readonly prepare?: (prompts: readonly Prompt[]) => Promise<void> | undefined;
  /**
   * The objects that new prompts of a camera follow, as far as they are known at once. Nothing is changed when it throws: TRACKING_OFF,
   * PROMPT_INVALID.
   */
  readonly bind?: (camera: string, prompts: readonly Prompt[]) => readonly BoundPrompt[];
  /** Milliseconds since the Unix epoch. */
  readonly now?: () => number;
}

/** A prompt set and its revision, as one frame is segmented with. */
export interface PromptSet {
  readonly revision: number;
  readonly prompts: readonly Prompt[];
  /** Those of an earlier run, and those that others stood in for: what followed an object then knows its place no more. */
  readonly restored?: ReadonlySet<Prompt>;
}

/** What became of a change. `saved` is false when it will not survive a restart. */
export interface PromptsApplied {
  readonly revision: number;
  readonly saved: boolean;
  /** Prompts whose object is known already; absent without new prompts that follow one. */
  readonly bound?: readonly BoundPrompt[];
}

/** A prompt that follows an object from its first frame on. */
export type BoundPrompt = BoundData['bound'][number];

interface Applied extends PromptSet {
  readonly sinceMs: number;
  readonly expiresAtMs?: number;
}

interface CameraPrompts {
  configured: readonly Prompt[];
  /** As accepted last, whether a frame has seen it or not. */
  held: HeldPrompts;
  applied: Applied;
  /** Accepted, and not yet seen by a frame. */
  pending?: PromptSet & { readonly expiresAtMs?: number };
  expiry?: NodeJS.Timeout;
  frame?: FrameSize;
}

/** A change that is accepted and not yet in force on every camera it names. */
interface Change {
  readonly revision: number;
  readonly waiting: Set<string>;
  readonly done: () => void;
}

type Conditions = { readonly camera?: string | undefined; readonly ifRevision?: number | undefined; readonly ttlS?: number | undefined };

export class PromptRegister {
  readonly #deps: PromptRegisterDeps;
  readonly #now: () => number;
  readonly #cameras: Map<string, CameraPrompts>;
  readonly #changes = new Set<Change>();
  /** One counter for all cameras, so that a change of all of them has one revision. */
  #revision = 1;

  constructor(deps: PromptRegisterDeps) {
    this.#deps = deps;
    this.#now = deps.now ?? Date.now;
    const sinceMs = this.#now();
    this.#cameras = new Map(
      [...deps.cameras].map(([camera, prompts]) => [
        camera,
        { configured: prompts, held: { base: prompts }, applied: { revision: 1, prompts, sinceMs } },
      ]),
    );
  }

  /**
   * Announces the prompts at start: those that were in force when they were saved, unless the configured ones have
   * changed since.
   */
  start(saved?: SavedPrompts): void {
    if (saved) this.#restore(saved);
    for (const camera of this.#cameras.keys()) this.#announce(camera);
  }

  stop(): void {
    for (const { expiry } of this.#cameras.values()) clearTimeout(expiry);
  }

  /**
   * Replaces the prompts of one camera, or of all; for `ttlS` seconds, where that is given. Resolves once every camera
   * concerned has started a frame with them, or after a second for those without frames.
   * Errors: REQUEST_INVALID (no such camera), PROMPT_INVALID (out of frame), REVISION_CONFLICT, those of `prepare`.
   */
  set({ prompts, ...conditions }: Omit<RequestOf<'prompt/set'>, 'id'>): Promise<PromptsApplied> {
    return this.#change({ kind: 'set', prompts }, conditions);
  }

  /** Puts prompts beside those in force; one with the id of another takes its place. As `set`. */
  add({ prompts, ...conditions }: Omit<RequestOf<'prompt/add'>, 'id'>): Promise<PromptsApplied> {
    return this.#change({ kind: 'add', prompts }, conditions);
  }

  /** Takes prompts away by id. As `set`; PROMPT_INVALID for an id that no camera concerned has. */
  async remove({ ids, ...conditions }: Omit<RequestOf<'prompt/remove'>, 'id'>): Promise<PromptsApplied> {
    const known = new Set(
      this.#select(conditions.camera).flatMap((camera) => inForce(this.#cameras.get(camera)!.held).map(({ id }) => id)),
    );
    const unknown = ids.find((id) => !known.has(id));
    if (unknown !== undefined) {
      throw new FastsamError(
        'PROMPT_INVALID',
        `ids: no prompt "${unknown}"; expected ${[...known].slice(0, 20).join(', ') || 'none: there are no prompts'}`,
      );
    }
    return this.#change({ kind: 'remove', ids }, conditions);
  }

  /** Back to no prompts: everything is segmented and published. As `set`. */
  clear(conditions: Omit<RequestOf<'prompt/clear'>, 'id'>): Promise<PromptsApplied> {
    return this.#change({ kind: 'set', prompts: [] }, conditions);
  }

  /**
   * The configuration names these prompts of each camera. New cameras begin with them; changed prompts replace those that
   * requests have set; cameras whose configured prompts are as before keep theirs. All of it or, on an error, nothing. As `set`. `onAccepted` is
   * called once nothing can be refused any more and before any prompt changes: what goes with the prompts changes with them.
   */
  async reconfigure(cameras: ReadonlyMap<string, PromptInputs>, onAccepted: () => void = () => {}): Promise<PromptsApplied> {
    const configured = new Map([...cameras].map(([camera, prompts]) => [camera, withIds(prompts)]));
    const isChanged = (camera: string) => !isDeepStrictEqual(this.#cameras.get(camera)?.configured, configured.get(camera));
    const preparing = this.#deps.prepare?.([...configured.keys()].filter(isChanged).flatMap((camera) => configured.get(camera)!));
    if (preparing) await preparing;
    // Requests may have changed other cameras meanwhile; from here on nothing waits until all is done.
    const changed = [...configured].filter(([camera]) => isChanged(camera));
    for (const [camera, prompts] of changed) {
      const frame = this.#cameras.get(camera)?.frame;
      if (frame) assertInFrame(prompts, `camera "${camera}"`, frame);
    }
    onAccepted();
    if (changed.length === 0) return { revision: this.#revision, saved: true };
    this.#revision += 1;
    const revision = this.#revision;
    const waiting: string[] = [];
    for (const [camera, prompts] of changed) {
      const entry = this.#cameras.get(camera);
      if (entry) {
        entry.configured = prompts;
        this.#hold(camera, { base: prompts }, revision);
        waiting.push(camera);
      } else {
        this.#cameras.set(camera, { configured: prompts, held: { base: prompts }, applied: { revision, prompts, sinceMs: this.#now() } });
        this.#announce(camera);
      }
    }
    const [saved] = await Promise.all([this.#save(), this.#takesEffect(revision, waiting)]);
    return { revision, saved };
  }

  /** A camera that has stopped is no longer configured. Changes that wait for its next frame wait no longer. */
  forget(camera: string): void {
    clearTimeout(this.#cameras.get(camera)?.expiry);
    if (!this.#cameras.delete(camera)) return;
    for (const change of this.#changes) if (change.waiting.delete(camera) && change.waiting.size === 0) change.done();
    void this.#save();
  }

  /** The prompts in force of one camera, or of all. Errors: REQUEST_INVALID. */
  get(request: Pick<RequestOf<'prompt/get'>, 'camera'>): PromptsMessage[] {
    return this.#select(request.camera).map((camera) => this.#message(camera));
  }

  /** The pipeline's side: called at each frame boundary, for the prompts that this frame is to be answered with. */
  take(camera: string, frameWidth: number, frameHeight: number): PromptSet {
    const entry = this.#cameras.get(camera);
    if (!entry) throw new FastsamError('MISUSE', `no camera "${camera}" in the prompt register`);
    if (entry.frame?.width !== frameWidth || entry.frame.height !== frameHeight) entry.frame = { width: frameWidth, height: frameHeight };
    this.#apply(camera);
    return entry.applied;
  }

  #select(camera: string | undefined): string[] {
    const known = [...this.#cameras.keys()];
    if (camera === undefined) return known;
    if (this.#cameras.has(camera)) return [camera];
    throw new FastsamError('REQUEST_INVALID', `no camera "${camera}"; expected one of ${known.join(', ') || '(this node has none)'}`);
  }

  async #change(change: PromptChange, { camera: which, ifRevision, ttlS }: Conditions): Promise<PromptsApplied> {
    const cameras = this.#select(which);
    const preparing = 'prompts' in change ? this.#deps.prepare?.(withIds(change.prompts)) : undefined;
    if (preparing) await preparing;
    const expiresAtMs = ttlS === undefined ? undefined : this.#now() + ttlS * 1000;
    const accepted = cameras.map((camera) => {
      const entry = this.#cameras.get(camera)!;
      const { revision } = entry.pending ?? entry.applied;
      if (ifRevision !== undefined && ifRevision !== revision) {
        throw new FastsamError('REVISION_CONFLICT', `expected revision ${ifRevision} on camera "${camera}", which is at ${revision}`);
      }
      const held = applyChange(entry.held, change, expiresAtMs);
      if (entry.frame) assertInFrame(inForce(held), `camera "${camera}"`, entry.frame);
      const before = new Set(inForce(entry.held));
      const following = inForce(held).filter((prompt) => !before.has(prompt) && followsObject(prompt));
      const bound = following.length > 0 ? (this.#deps.bind?.(camera, following) ?? []) : undefined;
      return [camera, held, bound] as const;
    });
    const bound = accepted.flatMap((each) => each[2] ?? []);
    const isFollowing = accepted.some((each) => each[2] !== undefined);
    this.#revision += 1;
    const revision = this.#revision;
    for (const [camera, held] of accepted) this.#hold(camera, held, revision);
    const [saved] = await Promise.all([this.#save(), this.#takesEffect(revision, cameras)]);
    return { revision, saved, ...(isFollowing ? { bound } : {}) };
  }

  /** Makes prompts the accepted ones of a camera; its next frame has them. */
  #hold(camera: string, held: HeldPrompts, revision: number): void {
    const entry = this.#cameras.get(camera)!;
    entry.held = held;
    entry.pending = { revision, prompts: inForce(held), ...(held.temporary && { expiresAtMs: held.temporary.expiresAtMs }) };
    clearTimeout(entry.expiry);
    if (held.temporary) this.#expireAt(camera, held.temporary.expiresAtMs);
  }

  /**
   * The prompts of a camera keep their duration when the clock is set; the announced time of their end
   * moves with the clock.
   */
  #expireAt(camera: string, atMs: number): void {
    const entry = this.#cameras.get(camera)!;
    const deadline = performance.now() + (atMs - this.#now());
    const check = () => {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) return this.#expire(camera);
      this.#moveExpiry(entry, camera, this.#now() + leftMs);
      entry.expiry = setTimeout(check, Math.min(leftMs, CHECK_MS));
      entry.expiry.unref();
    };
    check();
  }

  #expire(camera: string): void {
    const entry = this.#cameras.get(camera)!;
    this.#revision += 1;
    this.#hold(camera, { base: entry.held.base }, this.#revision);
    entry.pending = { ...entry.pending!, restored: new Set(entry.held.base) };
    void this.#save();
    void this.#takesEffect(this.#revision, [camera]);
  }

  #moveExpiry(entry: CameraPrompts, camera: string, expiresAtMs: number): void {
    const { temporary } = entry.held;
    if (!temporary || Math.abs(expiresAtMs - temporary.expiresAtMs) < CLOCK_STEP_MS) return;
    entry.held = { ...entry.held, temporary: { ...temporary, expiresAtMs } };
    if (entry.pending) entry.pending = { ...entry.pending, expiresAtMs };
    if (entry.applied.expiresAtMs !== undefined) {
      entry.applied = { ...entry.applied, expiresAtMs };
      this.#announce(camera);
    }
    void this.#save();
  }

  #takesEffect(revision: number, cameras: readonly string[]): Promise<void> {
    if (cameras.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#changes.delete(change);
        resolve();
      };
      const timer = setTimeout(() => {
        for (const camera of change.waiting) if (this.#cameras.has(camera)) this.#apply(camera);
      }, GRACE_MS);
      timer.unref();
      const change: Change = { revision, waiting: new Set(cameras), done };
      this.#changes.add(change);
    });
  }

  /** Puts the pending prompts of a camera in force, and settles all changes it held up, those that were overtaken included. */
  #apply(camera: string): void {
    const entry = this.#cameras.get(camera)!;
    if (!entry.pending) return;
    entry.applied = { ...entry.pending, sinceMs: this.#now() };
    delete entry.pending;
    this.#announce(camera);
    for (const change of this.#changes) {
      if (change.revision > entry.applied.revision || !change.waiting.delete(camera)) continue;
      if (change.waiting.size === 0) change.done();
    }
  }

  #restore(saved: SavedPrompts): void {
    const now = this.#now();
    this.#revision = Math.max(this.#revision, saved.revision);
    const isNew = (camera: string) => !isDeepStrictEqual(saved.cameras[camera]?.configured, this.#cameras.get(camera)!.configured);
    // Prompts that differ from those at the last stop get a new revision, so that no client takes them for the old ones.
    if ([...this.#cameras.keys()].some((camera) => isNew(camera) || expired(saved.cameras[camera]?.held, now))) this.#revision += 1;
    for (const [camera, entry] of this.#cameras) {
      const known = saved.cameras[camera];
      if (!known || isNew(camera)) {
        entry.applied = { ...entry.applied, revision: this.#revision };
        continue;
      }
      const over = expired(known.held, now);
      entry.held = over ? { base: known.held.base } : known.held;
      entry.applied = {
        prompts: inForce(entry.held),
        // What the configuration names holds from the start on, at every start.
        restored: new Set(inForce(entry.held).filter((prompt) => !entry.configured.some((each) => isDeepStrictEqual(each, prompt)))),
        revision: over ? this.#revision : known.revision,
        sinceMs: over ? now : known.sinceMs,
        ...(entry.held.temporary && { expiresAtMs: entry.held.temporary.expiresAtMs }),
      };
      if (entry.held.temporary) this.#expireAt(camera, entry.held.temporary.expiresAtMs);
    }
  }

  async #save(): Promise<boolean> {
    if (!this.#deps.save) return true;
    const cameras = [...this.#cameras].map(([camera, { configured, held, applied, pending }]) => {
      const sinceMs = pending ? this.#now() : applied.sinceMs;
      return [camera, { configured, held, revision: (pending ?? applied).revision, sinceMs }] as const;
    });
    return this.#deps.save({ v: 1, revision: this.#revision, cameras: Object.fromEntries(cameras) });
  }

  #announce(camera: string): void {
    this.#deps.onApplied(this.#message(camera));
  }

  #message(camera: string): PromptsMessage {
    const { revision, prompts, sinceMs, expiresAtMs } = this.#cameras.get(camera)!.applied;
    const expires = expiresAtMs === undefined ? {} : { expiresAt: toTimestamp(expiresAtMs) };
    return { v: 1, camera, revision, since: toTimestamp(sinceMs), ...expires, prompts: [...prompts] };
  }
}

function expired(held: HeldPrompts | undefined, now: number): boolean {
  return held?.temporary !== undefined && held.temporary.expiresAtMs <= now;
}
