/** What a camera's pipeline did lately: rates, latencies by stage, drops by reason. Pure, in fixed memory. */

import type { CameraTelemetry, Percentiles } from '../contract/messages.js';
import { isPending, type PromptAnswer } from '../domain/answer.js';
import type { TextUse } from '../domain/result.js';
import type { Tracks } from '../domain/track.js';

/** Frames over which latencies are summarised. */
const WINDOW_FRAMES = 512;
/** Time over which rates are taken. */
const WINDOW_MS = 10_000;

/** The latest values of one quantity: a ring that forgets the oldest. */
class Window {
  readonly #values = new Float64Array(WINDOW_FRAMES);
  #count = 0;
  #total = 0;

  add(value: number): void {
    this.#values[this.#count % WINDOW_FRAMES] = value;
    this.#count += 1;
    this.#total += value;
  }

  /** Of the values in the window. */
  sum(): number {
    return this.#values.subarray(0, Math.min(this.#count, WINDOW_FRAMES)).reduce((sum, value) => sum + value, 0);
  }

  /** Values in the window. */
  get length(): number {
    return Math.min(this.#count, WINDOW_FRAMES);
  }

  /** Nearest-rank percentiles of the window, which must not be empty; count and sum of all values there ever were. */
  percentiles(): Percentiles {
    const sorted = this.#values.slice(0, Math.min(this.#count, WINDOW_FRAMES)).sort();
    const rank = (share: number) => sorted[Math.ceil(share * sorted.length) - 1]!;
    return { p50: rank(0.5), p95: rank(0.95), p99: rank(0.99), count: this.#count, sum: Math.round(this.#total * 100) / 100 };
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

/** What text prompts cost over the latest frames. */
class TextMeter {
  readonly #objects = new Window();
  readonly #crops = new Window();
  readonly #hits = new Window();

  add({ objects, crops, hits }: TextUse): void {
    this.#objects.add(objects);
    this.#crops.add(crops);
    this.#hits.add(hits);
  }

  read(): NonNullable<CameraTelemetry['text']> {
    const objects = this.#objects.sum();
    return {
      cropsPerFrame: rounded(this.#crops.sum() / this.#crops.length),
      cacheHitRate: objects > 0 ? this.#hits.sum() / objects : null,
    };
  }
}

/** What tracking does. */
class TrackMeter {
  readonly #born = new Rate();
  readonly #died = new Rate();
  readonly #sure = new Window();
  #reacquired = 0;
  #last: TrackReport | undefined;

  add(report: TrackReport, now: number): void {
    const { stats, ended, cameraMotion } = report.tracks;
    this.#born.add(now, stats.born);
    this.#died.add(now, ended.length);
    this.#reacquired += stats.reacquired;
    if (cameraMotion) this.#sure.add(cameraMotion.sure ? 1 : 0);
    this.#last = report;
  }

  read(now: number): NonNullable<CameraTelemetry['tracking']> {
    const { tracks, eventsDropped = 0 } = this.#last ?? {};
    return {
      live: tracks?.stats.live ?? 0,
      lost: tracks?.lost.length ?? 0,
      bornPerS: rounded(this.#born.perSecond(now)),
      diedPerS: rounded(this.#died.perSecond(now)),
      reacquired: this.#reacquired,
      carried: tracks?.stats.carried ?? 0,
      cameraMotionSure: this.#sure.length > 0 ? rounded(this.#sure.sum() / this.#sure.length) : null,
      eventsDropped,
    };
  }
}

interface TrackReport {
  readonly tracks: Pick<Tracks, 'stats' | 'lost' | 'ended' | 'cameraMotion'>;
  /** Since the start. */
  readonly eventsDropped: number;
}

/** One frame that went all the way. */
export interface FrameReport {
  /** Milliseconds by stage, `total` included. */
  readonly latencyMs: Readonly<Record<string, number | undefined>>;
  /** Objects found. */
  readonly objects: number;
  readonly answers: readonly PromptAnswer[];
  /** What text prompts cost; absent without them. */
  readonly text?: TextUse;
  /** Absent without tracking. */
  readonly tracking?: TrackReport;
}

type PromptTelemetry = CameraTelemetry['prompts'][number];

/** Totals since the start. */
export interface FrameCounts {
  readonly received: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly lastCorrupt?: CameraTelemetry['lastCorrupt'];
}

export class CameraMeter {
  readonly #camera: string;
  readonly #counts: () => FrameCounts;
  readonly #in = new Rate();
  readonly #out = new Rate();
  readonly #latency = new Map<string, Window>();
  #text: TextMeter | undefined;
  #tracking: TrackMeter | undefined;
  #received = 0;
  #delivered = 0;
  #objects = 0;
  #prompts: readonly PromptTelemetry[] = [];

  /** `counts`: what the camera itself has counted. */
  constructor(camera: string, counts: () => FrameCounts) {
    this.#camera = camera;
    this.#counts = counts;
  }

  /** `now`: milliseconds, monotonic and not negative, as for `read`. */
  record({ latencyMs, objects, answers, text, tracking }: FrameReport, now: number): void {
    // Forgotten with the last text prompt: what one set of them cost says nothing about the next.
    this.#text = text && (this.#text ?? new TextMeter());
    if (text) this.#text?.add(text);
    if (tracking) {
      this.#tracking ??= new TrackMeter();
      this.#tracking.add(tracking, now);
    }
    this.#delivered += 1;
    this.#objects += objects;
    this.#prompts = answers.map((answer) => this.#promptTelemetry(answer));
    this.#out.add(now, 1);
    this.#count(now);
    for (const [stage, ms] of Object.entries(latencyMs)) {
      if (ms === undefined) continue;
      let window = this.#latency.get(stage);
      if (!window) {
        window = new Window();
        this.#latency.set(stage, window);
      }
      window.add(ms);
    }
  }

  read(now: number): CameraTelemetry {
    const { received, dropped, lastCorrupt } = this.#count(now);
    return {
      id: this.#camera,
      fpsIn: rounded(this.#in.perSecond(now)),
      fpsOut: rounded(this.#out.perSecond(now)),
      framesIn: received,
      framesOut: this.#delivered,
      dropped: { ...dropped },
      ...(lastCorrupt && { lastCorrupt }),
      latencyMs: Object.fromEntries([...this.#latency].map(([stage, window]) => [stage, window.percentiles()])),
      objects: this.#objects,
      prompts: [...this.#prompts],
      ...(this.#text ? { text: this.#text.read() } : {}),
      ...(this.#tracking ? { tracking: this.#tracking.read(now) } : {}),
    };
  }

  #promptTelemetry(answer: PromptAnswer): PromptTelemetry {
    const { id, matches } = answer;
    const before = this.#prompts.find((prompt) => prompt.id === id)?.framesMatched ?? 0;
    const matched = isPending(answer) ? null : matches.length > 0;
    return { id, matched, objects: matches.length, framesMatched: before + (matched ? 1 : 0) };
  }

  #count(now: number): FrameCounts {
    const counts = this.#counts();
    this.#in.add(now, counts.received - this.#received);
    this.#received = counts.received;
    return counts;
  }
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
