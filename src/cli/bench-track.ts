/** What tracking adds to a frame, and what remains of the pipeline's rate with it. */
import type { FrameResult } from '../domain/result.js';
import type { CameraMotionMode } from '../domain/track.js';
import { TrackStage } from '../track/stage.js';
import { TRACKER_DEFAULTS } from '../track/tracker.js';

export interface TrackReport {
  readonly cameraMotion: CameraMotionMode;
  /** Frames per second with tracking over those without, in turns: median over the rounds. */
  readonly rate: number;
  readonly ratePerRound: readonly number[];
  /** Of the tracker's update, on the addon's pool. Camera motion is estimated while the network works. */
  readonly ms: { readonly p50: number; readonly p95: number; readonly p99: number };
  readonly objectsPerFrame: number;
  readonly tracksPerFrame: number;
  readonly bornPerFrame: number;
}

export class TrackBench {
  readonly #cameraMotion: CameraMotionMode;
  readonly #ms: number[] = [];
  readonly #sums = { objects: 0, live: 0, born: 0 };
  readonly #rates: number[] = [];

  constructor(cameraMotion: CameraMotionMode) {
    this.#cameraMotion = cameraMotion;
  }

  /** For one run of the pipeline. */
  stage(): TrackStage {
    const { keepMs, continueScore } = TRACKER_DEFAULTS;
    return new TrackStage({ keepMs, continueScore, cameraMotion: this.#cameraMotion });
  }

  record({ segments, tracks }: Pick<FrameResult, 'segments' | 'tracks'>): void {
    if (!tracks) return;
    this.#ms.push(tracks.stats.ms);
    this.#sums.objects += segments.count;
    this.#sums.live += tracks.stats.live;
    this.#sums.born += tracks.stats.born;
  }

  /** Rates of two runs that followed each other. */
  compare({ fps, withoutFps }: { readonly fps: number; readonly withoutFps: number }): void {
    this.#rates.push(fps / withoutFps);
  }

  report(quantile: (values: readonly number[], q: number) => number): TrackReport {
    const frames = this.#ms.length;
    return {
      cameraMotion: this.#cameraMotion,
      rate: quantile(this.#rates, 0.5),
      ratePerRound: this.#rates,
      ms: { p50: quantile(this.#ms, 0.5), p95: quantile(this.#ms, 0.95), p99: quantile(this.#ms, 0.99) },
      objectsPerFrame: this.#sums.objects / frames,
      tracksPerFrame: this.#sums.live / frames,
      bornPerFrame: this.#sums.born / frames,
    };
  }
}

/** Two lines for people. */
export function trackTable({ cameraMotion, rate, ms, objectsPerFrame, tracksPerFrame, bornPerFrame }: TrackReport): string[] {
  return [
    `  with tracking (camera ${cameraMotion}) ${rate.toFixed(3)} of the rate without; an update takes ${ms.p50.toFixed(2)} ms, p95 ${ms.p95.toFixed(2)}, p99 ${ms.p99.toFixed(2)}`,
    `  ${objectsPerFrame.toFixed(1)} objects, ${tracksPerFrame.toFixed(1)} tracks and ${bornPerFrame.toFixed(2)} new ones a frame`,
  ];
}
