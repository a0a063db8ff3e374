/** Frames of one configured camera, across every loss of its source. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Region } from '../addon/frame.js';
import { withoutSource } from '../config/source-name.js';
import type { Frame } from '../domain/frame.js';
import { FastsamError, isFastsamError, isSourceRetryable, messageOf } from '../errors.js';
import { createSource } from './open.js';
import { Pace } from './pace.js';
import { ServerWatch } from './reachability.js';
import { croppedFrame, type Place, type Source, type SourceOptions } from './source.js';

export type CameraPhase = 'connecting' | 'streaming' | 'paused' | 'lost' | 'wedged' | 'ended';

export interface CameraStatus {
  readonly phase: CameraPhase;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** The same moment, monotonic: for how long it has been so. Milliseconds. */
  readonly enteredAt: number;
  readonly reconnects: number;
  /** Why it is lost or wedged; while it connects, why it was lost before. */
  readonly reason?: string;
}

const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 30_000;
/** How often a wedged source is asked whether it has let go after all. */
const WEDGED_CHECK_MS = 2000;

export interface CameraDeps {
  readonly uri: string;
  readonly options: SourceOptions;
  /** The part of every frame that is wanted; all of it when absent. */
  readonly region?: Region | undefined;
  /** Frames a second at most; as many as come when undefined. */
  readonly maxFps?: number | undefined;
  /** Of a source that cannot be closed: wait for it, or end the iteration with SOURCE_WEDGED. */
  readonly onWedged: 'keep-going' | 'restart-process';
  readonly onStatus: (status: CameraStatus) => void;
}

/**
 * Iterating opens the source and opens it again whenever it is lost, with exponential backoff and jitter from 0.5 to
 * 30 s, reset by the first good frame; an error that trying again soon cannot mend is tried every 30 s. A source whose server
 * answers after it had been silent is opened at once. A source that has ended rests until `restart`. Every error of the
 * source is this camera's: the camera is lost, for that reason. The iteration ends on `stop`, and with the errors that concern the whole process: NATIVE_UNAVAILABLE, and SOURCE_WEDGED with
 * `onWedged: restart-process`.
 */
export class Camera implements AsyncIterable<Frame> {
  readonly #stopping = new AbortController();
  #source: Source | undefined;
  /** Of the sources that were closed. */
  #drops: Record<string, number> = {};
  #received = 0;
  /** Of frames that were handed out, and of those that came in while the rate was held back. */
  #discards: Record<string, number> = {};
  #held = 0;
  readonly #pace: Pace;
  readonly #server = new ServerWatch(() => this.#openAtOnce());
  /** The source is being opened, and the server was silent when that began: it may hang in the network for seconds. */
  #isBlindAttempt = false;
  /** The server came back since the last attempt began: the next one does not wait. */
  #isServerBack = false;
  #sequence = 0;
  /** How far files have been read; forgotten at their end. */
  #place: Place | undefined;
  #fromStart = false;
  #failures = 0;
  #paused = false;
  /** The source was closed by us, not lost. */
  #interrupted = false;
  #rest = new AbortController();
  #status: CameraStatus = { phase: 'connecting', since: Date.now(), enteredAt: performance.now(), reconnects: 0 };
  #wasLost = false;

  constructor(private readonly deps: CameraDeps) {
    this.#pace = new Pace(deps.maxFps);
  }

  /** Drops like a camera; false for files that are read as fast as they are taken. */
  get live(): boolean {
    return this.#source?.live ?? false;
  }

  get status(): CameraStatus {
    return this.#status;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Frame> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      if (this.#paused) {
        this.#enter('paused');
        await this.#sleep();
        continue;
      }
      this.#interrupted = false;
      this.#isServerBack = false;
      let failure: unknown;
      let wedged: Source | undefined;
      try {
        this.#enter('connecting', this.#status.reason);
        yield* this.#stream();
      } catch (error) {
        failure = error;
      } finally {
        wedged = await this.#close();
      }
      if (signal.aborted) return;
      if (wedged) await this.#waitUntilReleased(wedged);
      else if (this.#interrupted) this.#failures = 0;
      else if (failure === undefined) {
        this.#place = undefined;
        this.#enter('ended');
        await this.#sleep();
      } else {
        if (isFastsamError(failure, 'NATIVE_UNAVAILABLE')) throw failure;
        this.#wasLost = true;
        this.#enter('lost', withoutSource(messageOf(failure), this.deps.uri));
        if (!this.#isServerBack) await this.#sleep(this.#backoff(failure));
      }
    }
  }

  /** Frames that arrived so far: those handed out, those `dropped`, and one that may be waiting. */
  received(): number {
    return this.#received + (this.#source?.received() ?? 0);
  }

  /** Frames dropped so far, by reason: as Source, `rate` for those beyond maxFps, and what was discarded. */
  dropped(): Record<string, number> {
    const drops = merged(merged(this.#drops, this.#source?.dropped() ?? {}), this.#discards);
    if (this.#held === 0) return drops;
    return { ...drops, busy: (drops.busy ?? 0) - this.#held, rate: this.#held };
  }

  discard(reason: string): void {
    this.#discards = merged(this.#discards, { [reason]: 1 });
  }

  async newest(frame: Frame): Promise<Frame> {
    const source = this.#source;
    if (!source?.newest) return frame;
    const newer = await source.newest(frame);
    return newer === frame ? frame : this.#cropped(newer);
  }

  /** Closes the source until `resume`; its device or connection is free meanwhile. */
  async pause(): Promise<void> {
    this.#paused = true;
    await this.#interrupt();
  }

  async resume(): Promise<void> {
    if (!this.#paused) return;
    this.#paused = false;
    this.#rest.abort();
  }

  /** Closes the source in any state and opens it from its start; a paused camera resumes. */
  async restart(): Promise<void> {
    this.#paused = false;
    this.#fromStart = true;
    await this.#interrupt();
  }

  /** Ends the iteration, also while it waits or opens. May be called twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#interrupt();
  }

  async #interrupt(): Promise<void> {
    this.#interrupted = true;
    this.#server.stop();
    this.#rest.abort();
    // A source that does not let go is met by the iteration, which closes it as well.
    await this.#source?.stop().catch(() => undefined);
  }

  async *#stream(): AsyncGenerator<Frame> {
    const resume = this.#fromStart ? undefined : this.#place;
    this.#fromStart = false;
    const source = await createSource(this.deps.uri, { ...this.deps.options, firstSequence: this.#sequence, resume });
    // Known before it is open, so that stop reaches a camera that never answers.
    this.#source = source;
    if (this.#interrupted) return;
    this.#isBlindAttempt = this.#server.isSilent;
    await source.open();
    this.#isBlindAttempt = false;
    const frames = source[Symbol.asyncIterator]();
    for (;;) {
      const busy = source.dropped().busy ?? 0;
      const early = this.#pace.next(performance.now());
      if (early > 0) await this.#sleep(early);
      const next = await frames.next();
      // What a live source dropped while it was held back was beyond the rate.
      if (early > 0) this.#held += (source.dropped().busy ?? 0) - busy;
      if (next.done) return;
      this.#sequence = next.value.sequence + 1;
      this.#failures = 0;
      this.#server.stop();
      const frame = this.#cropped(next.value);
      if (this.#status.phase !== 'streaming') this.#enter('streaming');
      yield frame;
    }
  }

  #cropped(frame: Frame): Frame {
    return this.deps.region ? croppedFrame(frame, this.deps.region) : frame;
  }

  /** However long the server was to be left alone. */
  #openAtOnce(): void {
    this.#failures = 0;
    this.#isServerBack = true;
    this.#rest.abort();
    // An attempt that began later has met the server, which is only slow.
    if (!this.#isBlindAttempt) return;
    this.#interrupted = true;
    void this.#source?.stop().catch(() => undefined);
  }

  /** Closes the source; returned when it does not let go. */
  async #close(): Promise<Source | undefined> {
    const source = this.#source;
    this.#isBlindAttempt = false;
    if (!source) return undefined;
    if (source.address && !this.#interrupted) this.#server.start(source.address);
    const wedged = await hangs(source);
    this.#place = source.place?.();
    this.#drops = merged(this.#drops, source.dropped());
    this.#received += source.received();
    this.#source = undefined;
    return wedged ? source : undefined;
  }

  /** Waits, because a source that still holds the device would wedge the next one; `restart` and `stop` end the wait. */
  async #waitUntilReleased(source: Source): Promise<void> {
    this.#interrupted = false;
    this.#wasLost = true;
    const reason = 'the capture pipeline does not stop; its thread is abandoned';
    this.#enter('wedged', reason);
    if (this.deps.onWedged === 'restart-process') throw new FastsamError('SOURCE_WEDGED', `${reason}; fastsamd must be restarted`);
    do {
      await this.#sleep(WEDGED_CHECK_MS);
    } while (!this.#interrupted && !this.#stopping.signal.aborted && (await hangs(source)));
  }

  #backoff(failure: unknown): number {
    const ceiling = isSourceRetryable(failure) ? Math.min(BACKOFF_MIN_MS * 2 ** this.#failures, BACKOFF_MAX_MS) : BACKOFF_MAX_MS;
    this.#failures += 1;
    return ceiling * (0.5 + Math.random() / 2);
  }

  /** Until `#rest` is aborted, or `ms` have passed. */
  async #sleep(ms = 2 ** 31 - 1): Promise<void> {
    this.#rest = new AbortController();
    if (this.#stopping.signal.aborted) return;
    await delay(ms, undefined, { signal: this.#rest.signal }).catch(() => undefined);
  }

  #enter(phase: CameraPhase, reason?: string): void {
    const again = phase === 'streaming' && this.#wasLost;
    if (again) this.#wasLost = false;
    this.#status = {
      phase,
      since: Date.now(),
      enteredAt: performance.now(),
      reconnects: this.#status.reconnects + (again ? 1 : 0),
      ...(reason === undefined ? {} : { reason }),
    };
    this.deps.onStatus(this.#status);
  }
}

/** Stops a source; true when it does not let go. Any other complaint is about something that has ended. */
async function hangs(source: Source): Promise<boolean> {
  try {
    await source.stop();
    return false;
  } catch (error) {
    return isFastsamError(error, 'SOURCE_WEDGED');
  }
}

function merged(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const sum: Record<string, number> = { ...a };
  for (const [reason, count] of Object.entries(b)) sum[reason] = (sum[reason] ?? 0) + count;
  return sum;
}
