/** A source that is kept open: the frames of one configured camera, across every loss of it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Frame } from '../domain/frame.js';
import { FastsamError, isFastsamError, isSourceRetryable, messageOf } from '../errors.js';
import { createSource } from './open.js';
import type { Source, SourceOptions } from './source.js';

export type CameraPhase = 'connecting' | 'streaming' | 'paused' | 'lost' | 'wedged' | 'ended';

export interface CameraStatus {
  readonly phase: CameraPhase;
  /** Milliseconds since the epoch. */
  readonly since: number;
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
  /** What becomes of a source that can not be closed: wait for it, or end the iteration with SOURCE_WEDGED. */
  readonly onWedged: 'keep-going' | 'restart-process';
  readonly onStatus: (status: CameraStatus) => void;
}

/**
 * Iterating opens the source and opens it again whenever it is lost, with exponential backoff and jitter from 0.5 to
 * 30 s, reset by the first good frame; what trying again soon cannot mend is tried every 30 s. A source that has ended
 * rests until `restart`. The iteration ends on `stop`, and with an error that is not the source's or that concerns the
 * whole process.
 */
export class Camera implements AsyncIterable<Frame> {
  readonly #stopping = new AbortController();
  #source: Source | undefined;
  #drops: Record<string, number> = {};
  #sequence = 0;
  #failures = 0;
  #paused = false;
  /** The source was closed by us, not lost. */
  #interrupted = false;
  #rest = new AbortController();
  #status: CameraStatus = { phase: 'connecting', since: Date.now(), reconnects: 0 };
  #wasLost = false;

  constructor(private readonly deps: CameraDeps) {}

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
        this.#enter('ended');
        await this.#sleep();
      } else {
        if (!isFastsamError(failure) || !failure.code.startsWith('SOURCE_')) throw failure;
        this.#wasLost = true;
        this.#enter('lost', messageOf(failure));
        await this.#sleep(this.#backoff(failure));
      }
    }
  }

  dropped(): Record<string, number> {
    return merged(this.#drops, this.#source?.dropped() ?? {});
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

  /** Opens the source anew at once, whatever state it is in; a paused camera resumes. */
  async restart(): Promise<void> {
    this.#paused = false;
    await this.#interrupt();
  }

  /** Ends the iteration, also while it waits or opens. May be called twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#interrupt();
  }

  async #interrupt(): Promise<void> {
    this.#interrupted = true;
    this.#rest.abort();
    // A source that does not let go is met by the iteration, which closes it as well.
    await this.#source?.stop().catch(() => undefined);
  }

  async *#stream(): AsyncGenerator<Frame> {
    const source = await createSource(this.deps.uri, { ...this.deps.options, firstSequence: this.#sequence });
    // Known before it is open, so that stop reaches a camera that never answers.
    this.#source = source;
    if (this.#interrupted) return;
    await source.open();
    for await (const frame of source) {
      this.#sequence = frame.sequence + 1;
      this.#failures = 0;
      if (this.#status.phase !== 'streaming') this.#enter('streaming');
      yield frame;
    }
  }

  /** The source, when it does not let go. */
  async #close(): Promise<Source | undefined> {
    const source = this.#source;
    if (!source) return undefined;
    const wedged = await hangs(source);
    this.#drops = this.dropped();
    this.#source = undefined;
    return wedged ? source : undefined;
  }

  /** What still holds the device would only wedge the next one; `restart` and `stop` do not wait for it. */
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
      reconnects: this.#status.reconnects + (again ? 1 : 0),
      ...(reason === undefined ? {} : { reason }),
    };
    this.deps.onStatus(this.#status);
  }
}

/** Stops a source; true when it does not let go. */
async function hangs(source: Source): Promise<boolean> {
  try {
    await source.stop();
    return false;
  } catch (error) {
    if (isFastsamError(error, 'SOURCE_WEDGED')) return true;
    throw error;
  }
}

function merged(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const sum: Record<string, number> = { ...a };
  for (const [reason, count] of Object.entries(b)) sum[reason] = (sum[reason] ?? 0) + count;
  return sum;
}
