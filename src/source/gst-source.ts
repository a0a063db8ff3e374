import { native } from '../addon/addon.js';
import type { Capture, CapturedFrame } from '../addon/capture.js';
import { redactUri } from '../config/redact.js';
import { withoutSource } from '../config/source-name.js';
import type { Frame, FrameFile } from '../domain/frame.js';
import type { Decoder } from '../domain/picture.js';
import { FastsamError, isFastsamError, messageOf } from '../errors.js';
import { STALL_TIMEOUT_MS } from './pipelines.js';
import type { Address } from './reachability.js';
import { captureTime, type Place, type Source, SourceFrame, type SourceOptions, type Way } from './source.js';

/** Until the pipeline plays, and then until the first frame: a camera may send a key frame every ten seconds only. */
const OPEN_TIMEOUT_MS = 10_000;
/** A decoder that is this long over one frame of a file hangs. */
const FILE_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 3000;
/** Native calls keep their own limits; one that outlives its limit by this hangs in a driver. */
const GRACE_MS = 500;

export interface GstSourceSettings {
  /** Its name, for messages. */
  readonly uri: string;
  /** What it is opened from, where parts of that must not appear in messages. */
  readonly secretUri?: string;
  readonly live: boolean;
  /** A device or server, which has no end: when it ends it is lost. */
  readonly endless?: boolean;
  /**
   * Made at every opening: a device may have got another number, a password may have changed. First for frames in place; after a
   * plan has given no frame, for the way that it names as the next.
   */
  readonly plan: (way: Way) => Promise<CapturePlan>;
  readonly address?: Address;
  /** Of a video file. */
  readonly file?: FrameFile;
  /** What to do when it does not open, or is lost. */
  readonly advice?: string;
  /** Why it may have refused to open, where GStreamer does not know; undefined when that is not known either. */
  readonly diagnose?: () => Promise<string | undefined>;
}

export interface CapturePlan {
  /** See src/source/pipelines.ts. */
  readonly pipeline: string;
  /** What must not appear in messages. */
  readonly secrets?: readonly string[];
  /** Of a file: begin here. */
  readonly startAtMs?: number;
  /** What decodebin may choose; default cpu. */
  readonly decoder?: Decoder;
  /** What to try when it gives no frame. */
  readonly next?: Exclude<Way, 'in place'> | undefined;
}

interface Counts {
  readonly received: number;
  readonly busy: number;
  readonly corrupt: number;
  readonly stopped: number;
}

/** Frames from a GStreamer pipeline inside the addon. */
export class GstSource implements Source {
  readonly uri: string;
  readonly live: boolean;
  readonly address: Address | undefined;
  #secrets: readonly string[] = [];
  /** Frames that were handed out and replaced by a newer one. */
  #overtaken = 0;
  #way: Way = 'in place';
  #next: CapturePlan['next'];
  #hung = false;
  #capture: Capture | undefined;
  #stopped = false;
  #sequence: number;
  #lastPtsNs: bigint | undefined;
  #earlier: Counts = { received: 0, busy: 0, corrupt: 0, stopped: 0 };

  constructor(
    private readonly settings: GstSourceSettings,
    private readonly options: SourceOptions,
  ) {
    this.uri = settings.uri;
    this.live = settings.live;
    this.address = settings.address;
    this.#sequence = options.firstSequence ?? 0;
  }

  async open(): Promise<void> {
    const { openCapture } = native();
    if (!openCapture) {
      throw new FastsamError(
        'SOURCE_UNSUPPORTED',
        `${this.uri}: this build has no GStreamer; install libgstreamer-plugins-base1.0-dev and run "make build"`,
      );
    }
    const { pipeline, secrets = [], startAtMs = 0, decoder = 'cpu', next } = await this.settings.plan(this.#way);
    this.#secrets = secrets;
    this.#next = next;
    if (this.#stopped) throw new FastsamError('MISUSE', `${this.uri}: opened after stop`);
    this.#capture = openCapture({ pipeline, live: this.live, startTimeoutMs: OPEN_TIMEOUT_MS, startAtMs, decoder });
    try {
      await this.#bounded(this.#capture.start(), OPEN_TIMEOUT_MS, 'the source did not start');
    } catch (error) {
      await this.#close();
      if (this.#fallsBack(error)) return this.open();
      throw await this.#explained(error);
    }
  }

  /** Whether to try again in the next way: this one gave no frame, and the hardware may be the reason. */
  #fallsBack(error: unknown): boolean {
    const ofDecoder = isFastsamError(error, 'SOURCE_UNSUPPORTED', 'SOURCE_CORRUPT', 'SOURCE_LOST');
    if (this.#next === undefined || this.#stopped || !ofDecoder) return false;
    this.#way = this.#next;
    this.options.onFallback?.(this.#next, messageOf(this.#named(error)));
    return true;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Frame> {
    let round = 0;
    while (this.#capture && !this.#stopped) {
      let captured: Awaited<ReturnType<Capture['read']>>;
      try {
        captured = await this.#read(this.#capture, round === 0);
      } catch (error) {
        if (round > 0 || !this.#fallsBack(error)) throw round > 0 ? error : await this.#explained(error);
        await this.#close();
        await this.open();
        continue;
      }
      if (captured) {
        round += 1;
        yield this.#framed(captured, this.#sequence++);
        continue;
      }
      if (this.settings.endless && !this.#stopped) throw new FastsamError('SOURCE_LOST', `${this.uri}: the other side ended the stream`);
      if (!this.options.loop || this.#stopped || round === 0) return;
      round = 0;
      await this.#close();
      await this.open();
    }
  }

  async newest(frame: Frame): Promise<Frame> {
    const capture = this.#capture;
    if (!this.live || !capture || this.#stopped || this.#hung) return frame;
    const captured = await this.#bounded(capture.read(0), 0, 'no newer frame').catch(() => null);
    if (!captured) return frame;
    frame[Symbol.dispose]();
    this.#overtaken += 1;
    return this.#framed(captured, frame.sequence);
  }

  received(): number {
    return this.#counts().received;
  }

  dropped(): Record<string, number> {
    const { busy, corrupt, stopped } = this.#counts();
    return { busy: busy + this.#overtaken, corrupt, stopped };
  }

  place(): Place | undefined {
    // What is played in a loop may begin anywhere, and a file that was replaced may be shorter.
    if (this.settings.endless || this.options.loop) return undefined;
    return this.#lastPtsNs === undefined ? this.options.resume : { afterMs: Number(this.#lastPtsNs) / 1e6 };
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
        if (this.#hung) throw new FastsamError('SOURCE_LOST', `${this.uri}: GStreamer hangs`);
        return await this.#bounded(capture.read(limit), limit, 'no frame');
      } catch (error) {
        const idle = this.live && expectIdle && error instanceof FastsamError && error.code === 'SOURCE_TIMEOUT';
        if (!idle) throw first ? error : this.#named(error);
      }
    }
  }

  /** Of a source that has not given a frame yet. */
  async #explained(error: unknown): Promise<unknown> {
    const diagnosis = this.#stopped ? undefined : await this.settings.diagnose?.();
    return diagnosis === undefined ? this.#named(error) : new FastsamError('SOURCE_LOST', `${this.uri}: ${diagnosis}`);
  }

  /**
   * The addon does not know what the pipeline was for, nor what is secret in it; the reader of the message wants to know
   * one and must not see the other. Hence without the original as its cause.
   */
  #named(error: unknown): unknown {
    if (!(error instanceof FastsamError)) return error;
    const { secretUri } = this.settings;
    let text = redactUri(secretUri === undefined ? error.message : withoutSource(error.message, secretUri));
    for (const secret of this.#secrets) text = text.replaceAll(secret, '***');
    if (this.settings.advice !== undefined) text = `${text}; ${this.settings.advice}`;
    return new FastsamError(error.code, text.startsWith(this.uri) ? text : `${this.uri}: ${text}`);
  }

  #framed({ frame, monotonicNs, ptsNs }: CapturedFrame, sequence: number): Frame {
    if (ptsNs >= 0n) this.#lastPtsNs = ptsNs;
    return new SourceFrame(frame, sequence, captureTime(monotonicNs), this.uri, ptsNs >= 0n ? ptsNs : null, this.settings.file);
  }

  /** The outcome of a native call, or SOURCE_LOST when it does not even keep its own limit. Once a frame, hence a bare timer. */
  #bounded<T>(call: Promise<T>, limitMs: number, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#hung = true;
        reject(new FastsamError('SOURCE_LOST', `${what} within ${limitMs} ms, and GStreamer hangs`));
      }, limitMs + GRACE_MS);
      call.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  #counts(): Counts {
    const stats = this.#capture?.stats();
    return {
      received: this.#earlier.received + (stats?.received ?? 0),
      busy: this.#earlier.busy + (stats?.overwritten ?? 0),
      corrupt: this.#earlier.corrupt + (stats?.corrupt ?? 0),
      stopped: this.#earlier.stopped + (stats?.discarded ?? 0),
    };
  }

  async #close(): Promise<void> {
    const capture = this.#capture;
    if (!capture) return;
    const stopped = await this.#bounded(capture.stop(STOP_TIMEOUT_MS), STOP_TIMEOUT_MS, 'the pipeline did not stop').catch(() => false);
    if (!stopped && !capture.stats().released) {
      throw new FastsamError('SOURCE_WEDGED', `${this.uri}: the capture pipeline does not stop; its thread is abandoned`);
    }
    if (this.#capture !== capture) return;
    this.#earlier = this.#counts();
    this.#capture = undefined;
  }
}
