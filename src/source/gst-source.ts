import { setTimeout as delay } from 'node:timers/promises';
import type { Frame } from '../domain/frame.js';
import { FastsamError } from '../errors.js';
import { type Capture, native } from '../native.js';
import { captureTime, type Source, SourceFrame, type SourceOptions } from './source.js';

/** Until the pipeline plays, and then until the first frame: a camera may send a key frame every ten seconds only. */
const OPEN_TIMEOUT_MS = 10_000;
/** A decoder that is this long over one frame of a file hangs. */
const FILE_TIMEOUT_MS = 10_000;
const STALL_TIMEOUT_MS = 3000;
const STOP_TIMEOUT_MS = 4500;
/** Native calls keep their own limits; one that outlives its limit by this hangs in a driver. */
const GRACE_MS = 500;

export interface GstSourceSettings {
  readonly uri: string;
  /** See src/source/gst-pipelines.ts. */
  readonly pipeline: string;
  readonly live: boolean;
  /** Checks what GStreamer reports badly: that the file or device is there at all. */
  readonly check?: () => Promise<void>;
}

interface Counts {
  readonly busy: number;
  readonly corrupt: number;
  readonly stopped: number;
}

/** Frames from a GStreamer pipeline inside the addon. */
export class GstSource implements Source {
  readonly uri: string;
  readonly live: boolean;
  #capture: Capture | undefined;
  #stopped = false;
  #sequence: number;
  #earlier: Counts = { busy: 0, corrupt: 0, stopped: 0 };

  constructor(
    private readonly settings: GstSourceSettings,
    private readonly options: SourceOptions,
  ) {
    this.uri = settings.uri;
    this.live = settings.live;
    this.#sequence = options.firstSequence ?? 0;
  }

  async open(): Promise<void> {
    await this.settings.check?.();
    const { openCapture } = native();
    if (!openCapture) {
      throw new FastsamError(
        'SOURCE_UNSUPPORTED',
        `${this.uri}: this build has no GStreamer; install libgstreamer-plugins-base1.0-dev and run "make build"`,
      );
    }
    if (this.#stopped) throw new FastsamError('MISUSE', `${this.uri}: opened after stop`);
    this.#capture = openCapture({ pipeline: this.settings.pipeline, live: this.live, startTimeoutMs: OPEN_TIMEOUT_MS });
    try {
      await bounded(this.#capture.start(), OPEN_TIMEOUT_MS, 'the source did not start');
    } catch (error) {
      await this.#close();
      throw named(this.uri, error);
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Frame> {
    let round = 0;
    while (this.#capture && !this.#stopped) {
      const captured = await this.#read(this.#capture, round === 0);
      if (captured) {
        round += 1;
        const time = captureTime(captured.monotonicNs);
        const pts = captured.ptsNs >= 0n ? captured.ptsNs : null;
        yield new SourceFrame(captured.frame, this.#sequence++, time, this.uri, pts);
        continue;
      }
      if (!this.options.loop || this.#stopped || round === 0) return;
      round = 0;
      await this.#close();
      await this.open();
    }
  }

  dropped(): Record<string, number> {
    const { busy, corrupt, stopped } = this.#counts();
    return { busy, corrupt, stopped };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#close();
  }

  /** The next frame, or null at the end; a source whose native calls hang is as lost as one that is silent. */
  async #read(capture: Capture, first: boolean): ReturnType<Capture['read']> {
    const { stallTimeoutMs = STALL_TIMEOUT_MS, expectIdle } = this.options;
    const limit = this.live ? (first ? Math.max(OPEN_TIMEOUT_MS, stallTimeoutMs) : stallTimeoutMs) : FILE_TIMEOUT_MS;
    for (;;) {
      try {
        return await bounded(capture.read(limit), limit, 'no frame');
      } catch (error) {
        const idle = this.live && expectIdle && error instanceof FastsamError && error.code === 'SOURCE_TIMEOUT';
        if (!idle) throw named(this.uri, error);
      }
    }
  }

  #counts(): Counts {
    const stats = this.#capture?.stats();
    return {
      busy: this.#earlier.busy + (stats?.overwritten ?? 0),
      corrupt: this.#earlier.corrupt + (stats?.corrupt ?? 0),
      stopped: this.#earlier.stopped + (stats?.discarded ?? 0),
    };
  }

  async #close(): Promise<void> {
    const capture = this.#capture;
    if (!capture) return;
    const stopped = await bounded(capture.stop(STOP_TIMEOUT_MS), STOP_TIMEOUT_MS, 'the pipeline did not stop').catch(() => false);
    if (!stopped && !capture.stats().released) {
      throw new FastsamError('SOURCE_WEDGED', `${this.uri}: the capture pipeline does not stop; its thread is abandoned`);
    }
    if (this.#capture !== capture) return;
    this.#earlier = this.#counts();
    this.#capture = undefined;
  }
}

/** The outcome of a native call, or SOURCE_LOST when it does not even keep its own limit. */
async function bounded<T>(call: Promise<T>, limitMs: number, what: string): Promise<T> {
  const timer = new AbortController();
  const late = delay(limitMs + GRACE_MS, undefined, { signal: timer.signal }).then(() => {
    throw new FastsamError('SOURCE_LOST', `${what} within ${limitMs} ms, and GStreamer hangs`);
  });
  try {
    return await Promise.race([call, late]);
  } finally {
    timer.abort();
    late.catch(() => undefined);
  }
}

/** The addon does not know what the pipeline was for; the reader of the message wants to. */
function named(uri: string, error: unknown): unknown {
  if (!(error instanceof FastsamError) || error.message.startsWith(uri)) return error;
  return new FastsamError(error.code, `${uri}: ${error.message}`, { cause: error });
}
