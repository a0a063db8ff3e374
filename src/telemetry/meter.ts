/** What a camera's pipeline did lately: rates, latencies by stage, drops by reason. Pure, in fixed memory. */
import type { CameraTelemetry, Percentiles } from '../wire/messages.js';

/** Frames over which latencies are summarised. */
const WINDOW_FRAMES = 512;
/** Time over which rates are taken. */
const WINDOW_MS = 10_000;

/** The latest values of one quantity: a ring that forgets the oldest. */
class Window {
  readonly #values = new Float64Array(WINDOW_FRAMES);
  #count = 0;

  add(value: number): void {
    this.#values[this.#count % WINDOW_FRAMES] = value;
    this.#count += 1;
  }

  /** Nearest-rank percentiles. The window must not be empty. */
  percentiles(): Percentiles {
    const sorted = this.#values.slice(0, Math.min(this.#count, WINDOW_FRAMES)).sort();
    const rank = (share: number) => sorted[Math.ceil(share * sorted.length) - 1]!;
    return { p50: rank(0.5), p95: rank(0.95), p99: rank(0.99) };
  }
}

/** Events per second over the last ten seconds, counted by the second. */
class Rate {
  readonly #buckets = new Uint32Array(WINDOW_MS / 1000);
  #second = Number.NEGATIVE_INFINITY;
  #sinceMs: number | undefined;

  add(now: number, events: number): void {
    this.#sinceMs ??= now;
    this.#advance(now);
    this.#buckets[this.#second % this.#buckets.length]! += events;
  }

  perSecond(now: number): number {
    if (this.#sinceMs === undefined) return 0;
    this.#advance(now);
    // The current second has only begun: the window is the full ones before it, and what there is of this one.
    const windowMs = WINDOW_MS - 1000 + (now % 1000);
    const seconds = Math.min(windowMs, now - this.#sinceMs) / 1000;
    const events = this.#buckets.reduce((sum, bucket) => sum + bucket, 0);
    return seconds > 0 ? events / seconds : 0;
  }

  /** Empties the buckets of the seconds that passed without events. */
  #advance(now: number): void {
    const second = Math.floor(now / 1000);
    const passed = Math.min(second - this.#second, this.#buckets.length);
    for (let k = 0; k < passed; k += 1) this.#buckets[(second - k) % this.#buckets.length] = 0;
    this.#second = Math.max(this.#second, second);
  }
}

/** One frame that went all the way. */
export interface FrameReport {
  /** Milliseconds by stage, `total` included. */
  readonly latencyMs: Readonly<Record<string, number>>;
  /** Frames dropped since the previous report, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

export class CameraMeter {
  readonly #camera: string;
  readonly #in = new Rate();
  readonly #out = new Rate();
  readonly #latency = new Map<string, Window>();
  readonly #dropped = new Map<string, number>();

  constructor(camera: string) {
    this.#camera = camera;
  }

  /** `now`: milliseconds, monotonic and not negative, as for `read`. */
  record({ latencyMs, dropped }: FrameReport, now: number): void {
    this.#out.add(now, 1);
    this.recordDropped(dropped, now);
    this.#in.add(now, 1);
    for (const [stage, ms] of Object.entries(latencyMs)) {
      let window = this.#latency.get(stage);
      if (!window) {
        window = new Window();
        this.#latency.set(stage, window);
      }
      window.add(ms);
    }
  }

  /** Frames that came in and went nowhere, by reason. */
  recordDropped(dropped: Readonly<Record<string, number>>, now: number): void {
    for (const [reason, count] of Object.entries(dropped)) {
      this.#in.add(now, count);
      this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + count);
    }
  }

  read(now: number): CameraTelemetry {
    return {
      id: this.#camera,
      fpsIn: rounded(this.#in.perSecond(now)),
      fpsOut: rounded(this.#out.perSecond(now)),
      dropped: Object.fromEntries(this.#dropped),
      latencyMs: Object.fromEntries([...this.#latency].map(([stage, window]) => [stage, window.percentiles()])),
    };
  }
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
