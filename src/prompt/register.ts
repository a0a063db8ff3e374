/**
 * The prompts in force, per camera. A change is a transaction: checked as a whole, applied at a frame boundary, then
 * acknowledged with its revision. On an error the old prompts stay, on every camera.
 */
import { type Prompt, withIds } from '../domain/prompt.js';
import { FastsamError } from '../errors.js';
import { toTimestamp } from '../wire/common.js';
import type { PromptsMessage, RequestOf } from '../wire/messages.js';
import { assertInFrame, type FrameSize } from './frame-check.js';

/** How long a change waits for a frame before it is acknowledged without one: the camera is away, the next frame will have it. */
const GRACE_MS = 1000;

export interface PromptRegisterDeps {
  /** Prompts at start, by camera: revision 1. */
  readonly cameras: ReadonlyMap<string, readonly Prompt[]>;
  /** Told about every prompt set in force, the first ones on `start` included. */
  readonly onApplied: (message: PromptsMessage) => void;
  /** Milliseconds since the Unix epoch. */
  readonly now?: () => number;
}

/** A prompt set and its revision, as one frame is segmented with. */
export interface PromptSet {
  readonly revision: number;
  readonly prompts: readonly Prompt[];
}

interface CameraPrompts {
  applied: PromptSet & { readonly sinceMs: number };
  /** Accepted, and not yet seen by a frame. */
  pending?: PromptSet;
  frame?: FrameSize;
}

/** A change that is accepted and not yet in force on every camera it names. */
interface Change {
  readonly revision: number;
  readonly waiting: Set<string>;
  readonly done: () => void;
}

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
    this.#cameras = new Map([...deps.cameras].map(([camera, prompts]) => [camera, { applied: { revision: 1, prompts, sinceMs } }]));
  }

  /** Announces the prompts at start. */
  start(): void {
    for (const camera of this.#cameras.keys()) this.#announce(camera);
  }

  /**
   * Replaces the prompts of one camera, or of all. Resolves with the revision once every camera concerned has started
   * a frame with it, or after a second for those without frames.
   * Errors: REQUEST_INVALID (no such camera), PROMPT_INVALID (out of frame), REVISION_CONFLICT.
   */
  async set(request: Pick<RequestOf<'prompt/set'>, 'camera' | 'prompts' | 'ifRevision'>): Promise<number> {
    const cameras = this.#select(request.camera);
    const prompts = withIds(request.prompts);
    for (const camera of cameras) {
      const entry = this.#cameras.get(camera)!;
      const { revision } = entry.pending ?? entry.applied;
      if (request.ifRevision !== undefined && request.ifRevision !== revision) {
        throw new FastsamError(
          'REVISION_CONFLICT',
          `expected revision ${request.ifRevision} on camera "${camera}", which is at ${revision}`,
        );
      }
      if (entry.frame) assertInFrame(prompts, camera, entry.frame);
    }
    this.#revision += 1;
    const revision = this.#revision;
    for (const camera of cameras) this.#cameras.get(camera)!.pending = { revision, prompts };
    await this.#inForce(revision, cameras);
    return revision;
  }

  /** Back to no prompts: everything is segmented and published. As `set`. */
  clear(request: Pick<RequestOf<'prompt/clear'>, 'camera' | 'ifRevision'>): Promise<number> {
    return this.set({ ...request, prompts: [] });
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
    throw new FastsamError('REQUEST_INVALID', `no camera "${camera}"; expected one of ${known.join(', ')}`);
  }

  #inForce(revision: number, cameras: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#changes.delete(change);
        resolve();
      };
      const timer = setTimeout(() => {
        for (const camera of change.waiting) this.#apply(camera);
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

  #announce(camera: string): void {
    this.#deps.onApplied(this.#message(camera));
  }

  #message(camera: string): PromptsMessage {
    const { revision, prompts, sinceMs } = this.#cameras.get(camera)!.applied;
    return { v: 1, camera, revision, since: toTimestamp(sinceMs), prompts: [...prompts] };
  }
}
