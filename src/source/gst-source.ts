import type { Frame } from '../domain/frame.js';
import { FastsamError } from '../errors.js';
import { type Capture, native } from '../native.js';
import { captureTime, type Source, SourceFrame, type SourceOptions } from './source.js';

const START_TIMEOUT_MS = 10_000;
const READ_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 4000;

export interface GstSourceSettings {
  readonly uri: string;
  /** See src/source/gst-pipelines.ts. */
  readonly pipeline: string;
  readonly live: boolean;
  /** Checks what GStreamer reports badly: that the file or device is there at all. */
  readonly check?: () => Promise<void>;
}

/** Frames from a GStreamer pipeline inside the addon. */
export class GstSource implements Source {
  readonly uri: string;
  readonly live: boolean;
  #capture: Capture | undefined;
  #stopped = false;
  #sequence: number;
  #earlierDrops = { busy: 0, corrupt: 0 };

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
    this.#capture = openCapture({ pipeline: this.settings.pipeline, live: this.live, startTimeoutMs: START_TIMEOUT_MS });
    try {
      await this.#capture.start();
    } catch (error) {
      await this.#close();
      throw named(this.uri, error);
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Frame> {
    let round = 0;
    while (this.#capture && !this.#stopped) {
      let captured: Awaited<ReturnType<Capture['read']>>;
      try {
        captured = await this.#capture.read(READ_TIMEOUT_MS);
      } catch (error) {
        throw named(this.uri, error);
      }
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

  dropped(): { busy: number; corrupt: number } {
    const stats = this.#capture?.stats();
    return {
      busy: this.#earlierDrops.busy + (stats?.overwritten ?? 0),
      corrupt: this.#earlierDrops.corrupt + (stats?.corrupt ?? 0),
    };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#close();
  }

  async #close(): Promise<void> {
    const capture = this.#capture;
    if (!capture) return;
    this.#earlierDrops = this.dropped();
    this.#capture = undefined;
    await capture.stop(STOP_TIMEOUT_MS);
  }
}

/** The addon does not know what the pipeline was for; the reader of the message wants to. */
function named(uri: string, error: unknown): unknown {
  if (!(error instanceof FastsamError) || error.message.startsWith(uri)) return error;
  return new FastsamError(error.code, `${uri}: ${error.message}`, { cause: error });
}
