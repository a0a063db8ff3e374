/** A source that is kept open: the frames of one configured camera, across every loss of it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Frame } from '../domain/frame.js';
import { isSourceRetryable, messageOf } from '../errors.js';
import { createSource } from './open.js';
import type { Source, SourceOptions } from './source.js';

export type CameraPhase = 'connecting' | 'streaming' | 'lost' | 'ended';

export interface CameraStatus {
  readonly phase: CameraPhase;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly reconnects: number;
  /** Why it is lost. */
  readonly reason?: string;
}

const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 30_000;

export interface CameraDeps {
  readonly uri: string;
  readonly options: SourceOptions;
  readonly onStatus: (status: CameraStatus) => void;
}

/**
 * Iterating opens the source and opens it again whenever it is lost, with exponential backoff and full jitter from
 * 0.5 to 30 s, reset by the first good frame. It ends when the source does, on `stop`, and with an error that
 * trying again cannot mend.
 */
export class Camera implements AsyncIterable<Frame> {
  readonly #stopping = new AbortController();
  #source: Source | undefined;
  #drops: Record<string, number> = {};
  #sequence = 0;
  #failures = 0;
  #status: CameraStatus = { phase: 'connecting', since: Date.now(), reconnects: 0 };

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
      try {
        yield* this.#stream();
        if (!signal.aborted) this.#enter('ended');
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#enter('lost', messageOf(error));
        if (!isSourceRetryable(error)) throw error;
      } finally {
        await this.#close();
      }
      const ceiling = Math.min(BACKOFF_MIN_MS * 2 ** this.#failures, BACKOFF_MAX_MS);
      this.#failures += 1;
      await delay(ceiling * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
    }
  }

  dropped(): Record<string, number> {
    return merged(this.#drops, this.#source?.dropped() ?? {});
  }

  /** Ends the iteration, also while it waits or opens. May be called twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#source?.stop();
  }

  async *#stream(): AsyncGenerator<Frame> {
    const source = await createSource(this.deps.uri, { ...this.deps.options, firstSequence: this.#sequence });
    // Known before it is open, so that stop reaches a camera that never answers.
    this.#source = source;
    if (this.#stopping.signal.aborted) return;
    await source.open();
    for await (const frame of source) {
      this.#sequence = frame.sequence + 1;
      this.#failures = 0;
      if (this.#status.phase !== 'streaming') this.#enter('streaming');
      yield frame;
    }
  }

  async #close(): Promise<void> {
    const source = this.#source;
    if (!source) return;
    await source.stop();
    this.#drops = this.dropped();
    this.#source = undefined;
  }

  #enter(phase: CameraPhase, reason?: string): void {
    const again = phase === 'streaming' && this.#status.phase === 'lost';
    this.#status = {
      phase,
      since: Date.now(),
      reconnects: this.#status.reconnects + (again ? 1 : 0),
      ...(reason === undefined ? {} : { reason }),
    };
    this.deps.onStatus(this.#status);
  }
}

function merged(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const sum: Record<string, number> = { ...a };
  for (const [reason, count] of Object.entries(b)) sum[reason] = (sum[reason] ?? 0) + count;
  return sum;
}
