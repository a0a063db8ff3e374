/** Leaves out frames of a live source, as many as the governor says, and counts them. */
import type { Frame } from '../../domain/frame.js';
import type { PipelineSource } from '../../pipeline/segment-frames.js';
import type { DegradationLevel } from './levels.js';

export class FrameGate {
  #count = 0;
  #next = Number.NEGATIVE_INFINITY;

  /** Whether this frame passes. `now`: milliseconds, monotonic. */
  passes({ everyNth, maxFps }: Pick<DegradationLevel, 'everyNth' | 'maxFps'>, now: number): boolean {
    this.#count = (this.#count + 1) % everyNth;
    if (this.#count !== 0) return false;
    if (maxFps === null) return true;
    const interval = 1000 / maxFps;
    if (now < this.#next) return false;
    // In step with the rate, but no catching up after a pause.
    this.#next = Math.max(this.#next + interval, now);
    return true;
  }
}

/** `source` behind a gate. Files that are read as fast as they are taken lose nothing. */
export function gated(source: PipelineSource, degradation: () => DegradationLevel): PipelineSource {
  const gate = new FrameGate();
  return {
    get live() {
      return source.live;
    },
    dropped: () => source.dropped(),
    stop: () => source.stop(),
    ...(source.discard && { discard: (reason: string) => source.discard?.(reason) }),
    ...(source.newest && { newest: (frame: Frame) => source.newest!(frame) }),
    async *[Symbol.asyncIterator]() {
      for await (const frame of source) {
        if (!source.live || gate.passes(degradation(), performance.now())) yield frame;
        else {
          source.discard?.('governor');
          frame[Symbol.dispose]();
        }
      }
    },
  };
}
