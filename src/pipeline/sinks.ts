/** Consumers of results: publishing, recording, a console, rules. */
import type { Frame } from '../domain/frame.js';
import type { FrameResult } from '../domain/result.js';

export interface ResultSink {
  /**
   * One result at a time and in order; the camera's next one waits for it. The frame is borrowed until the promise settles:
   * `frame.retain()` keeps it. An error ends the camera.
   */
  take(result: FrameResult, frame: Frame): void | Promise<void>;
  close?(): Promise<void>;
}

/** Several sinks, which come and go while results arrive. Without sinks it costs nothing. */
export class Sinks implements ResultSink {
  readonly #sinks = new Set<ResultSink>();

  /** Takes results from the next one on. Returns how to end that; it closes the sink. */
  add(sink: ResultSink): () => Promise<void> {
    this.#sinks.add(sink);
    return async () => {
      if (this.#sinks.delete(sink)) await sink.close?.();
    };
  }

  async take(result: FrameResult, frame: Frame): Promise<void> {
    for (const sink of this.#sinks) await sink.take(result, frame);
  }

  async close(): Promise<void> {
    const sinks = [...this.#sinks];
    this.#sinks.clear();
    await Promise.all(sinks.map((sink) => sink.close?.()));
  }
}

/**
 * A sink that never makes the pipeline wait and never fails it: one result waits while another is being taken, and the newest
 * replaces it. It holds at most two frames. `onDrop` is called for each result that was replaced (without an argument) or failed
 * (with the error).
 */
export function latest(sink: ResultSink, onDrop: (error?: unknown) => void): ResultSink {
  let waiting: { readonly result: FrameResult; readonly frame: Frame } | undefined;
  let working = Promise.resolve();
  let isWorking = false;
  let isClosed = false;
  const work = async () => {
    isWorking = true;
    while (waiting) {
      const { result, frame } = waiting;
      waiting = undefined;
      try {
        await sink.take(result, frame);
      } catch (error) {
        onDrop(error);
      } finally {
        frame[Symbol.dispose]();
      }
    }
    isWorking = false;
  };
  const drop = () => {
    if (!waiting) return;
    waiting.frame[Symbol.dispose]();
    waiting = undefined;
    onDrop();
  };
  return {
    take(result, frame) {
      if (isClosed) return;
      drop();
      waiting = { result, frame: frame.retain() };
      if (!isWorking) working = work();
    },
    async close() {
      isClosed = true;
      drop();
      await working;
      await sink.close?.();
    },
  };
}
