/**
 * Frames of a source through the network: the loop that cameras, commands and evaluations share. Stages overlap: while the
 * network works on frame n, frame n+1 is captured and prepared, and frame n−1 is with the consumer, so throughput is the
 * network's rate.
 */
import type { Frame } from '../domain/frame.js';
import type { SegmentationEngine, SegmentationOptions, Segmented } from '../engine/engine.js';
import { EngineScheduler, type Gate } from '../engine/scheduler.js';
import { Slots } from '../engine/slots.js';
import type { Source } from '../source/source.js';
import type { Following, TrackStage } from '../track/stage.js';

/** Time to prepare a frame, beyond what the last ones took: a live frame is taken this early before the network is free. */
export const PREPARE_MARGIN_MS = 3;

export interface PipelineSource extends Pick<Source, 'live' | 'dropped' | 'newest' | 'stop'>, AsyncIterable<Frame> {
  /** Counts a frame that was handed out and comes to nothing: `stale`, or `failed` with the pipeline. */
  discard?(reason: string): void;
}

export interface ScheduleOptions {
  /** The way to the engine, where several pipelines share it; alone when absent. */
  readonly gate?: Gate | undefined;
  /** Frames of a live source that are older than this when their turn comes are dropped as `stale`. */
  readonly maxFrameAgeMs?: number | undefined;
  /**
   * Called when the network, a later stage or the delivery fails with a frame. True: the frame counts as `failed`, and the next
   * one follows. Without it every such error ends the pipeline.
   */
  readonly skipFailed?: ((error: unknown) => boolean) | undefined;
  /** Read once a frame. */
  readonly segmentation: () => SegmentationOptions;
  /** Gives objects identities that they keep; without it each frame is on its own. */
  readonly tracking?: Pick<TrackStage, 'begin'> | undefined;
}

export interface SegmentedFrame {
  /** Borrowed: released when the consumer asks for the next one. `frame.retain()` keeps it. */
  readonly frame: Frame;
  readonly segmented: Segmented;
  /** What tracking began with this frame. */
  readonly following: Following | undefined;
  /** From capture until the network took it, milliseconds. */
  readonly waitMs: number;
}

interface InFlight extends Omit<SegmentedFrame, 'segmented'> {
  readonly segmented: Promise<Segmented>;
  readonly place: number;
}

/**
 * Yields frames in order, at most `engine.depth` of them in flight at once, until the source ends or is stopped. When the
 * source or the engine fails, what was captured before is still yielded, then the error is thrown. When the consumer leaves
 * early or anything fails, the source is stopped and all frames in flight are released and count as `failed`.
 */
export async function* segmentFrames(
  source: PipelineSource,
  engine: SegmentationEngine,
  {
    gate = new EngineScheduler(engine).gate(),
    maxFrameAgeMs = Number.POSITIVE_INFINITY,
    segmentation,
    skipFailed,
    tracking,
  }: ScheduleOptions,
): AsyncGenerator<SegmentedFrame, void, undefined> {
  const places = new Slots(Array.from({ length: engine.depth }, (_, place) => place));
  const queue: InFlight[] = [];
  let sourceFailure: { readonly error: unknown } | undefined;
  let prepareMs = 0;
  let feeding = true;
  let closing = false;
  let wake: () => void = () => undefined;
  const news = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });

  const feed = async () => {
    const frames = source[Symbol.asyncIterator]();
    for (;;) {
      const place = await places.take();
      if (closing) return;
      const next = await frames.next();
      if (next.done) return;
      const turn = await gate.enter(source.live ? prepareMs + PREPARE_MARGIN_MS : undefined);
      // While it waited for its turn a live frame has grown old.
      const frame = source.live && source.newest ? await source.newest(next.value).catch(() => undefined) : next.value;
      const waitMs = frame ? Math.max(Number(process.hrtime.bigint() - frame.captured.monotonicNs) / 1e6, 0) : 0;
      const isStale = source.live && waitMs > maxFrameAgeMs;
      if (!frame || closing || isStale) {
        frame?.[Symbol.dispose]();
        source.discard?.(frame && isStale ? 'stale' : 'failed');
        turn.leave();
        places.give(place);
        continue;
      }
      const following = tracking?.begin(frame, source.live, segmentation());
      const segmented = engine.segment(frame, following?.segmentation ?? segmentation(), following?.request);
      turn.pass();
      // A failure is met where the frame's turn has come.
      segmented.then(turn.leave, turn.leave);
      queue.push({ frame, segmented, following, waitMs, place });
      wake();
    }
  };
  const fed = feed()
    .catch((error: unknown) => {
      sourceFailure = { error };
    })
    .finally(() => {
      feeding = false;
      wake();
    });

  try {
    for (;;) {
      while (queue.length === 0 && feeding) await news();
      const next = queue.shift();
      if (!next) break;
      let isUsed = false;
      try {
        using frame = next.frame;
        let segmented: Segmented;
        try {
          segmented = await next.segmented;
        } catch (error) {
          if (!skipFailed?.(error)) throw error;
          source.discard?.('failed');
          isUsed = true;
          continue;
        }
        prepareMs = segmented.timings.preprocess;
        yield { frame, segmented, following: next.following, waitMs: next.waitMs };
        isUsed = true;
      } finally {
        if (!isUsed) {
          closing = true;
          source.discard?.('failed');
        }
        places.give(next.place);
      }
    }
  } finally {
    if (closing) await source.stop().catch(() => undefined);
    for (;;) {
      while (queue.length === 0 && feeding) await news();
      const next = queue.shift();
      if (!next) break;
      await next.segmented.catch(() => undefined);
      next.frame[Symbol.dispose]();
      source.discard?.('failed');
      places.give(next.place);
    }
    await fed;
  }
  if (sourceFailure) throw sourceFailure.error;
}
