/**
 * The dataflow of one camera: source → segment → prompt → deliver. Stages overlap: while the network works on frame n,
 * frame n+1 is captured and prepared and frame n−1 is decoded and delivered, so throughput is the network's rate.
 */
import type { Frame } from '../domain/frame.js';
import type { Prompt } from '../domain/prompt.js';
import type { FrameResult } from '../domain/result.js';
import type { SegmentationEngine, SegmentationOptions, Segmented } from '../engine/engine.js';
import { Slots } from '../engine/slots.js';
import { type Gate, Turnstile } from '../engine/turnstile.js';
import { applyPrompts } from '../prompt/apply.js';
import type { Source } from '../source/source.js';
import type { TextStage } from '../text/stage.js';
import type { Following, TrackStage } from '../track/stage.js';

/** Time to prepare a frame, beyond what the last ones took: a live frame is taken this early before the network is free. */
export const PREPARE_MARGIN_MS = 3;

export interface AppliedPrompts {
  readonly revision: number;
  readonly prompts: readonly Prompt[];
}

export interface PipelineSource extends Pick<Source, 'live' | 'dropped' | 'newest' | 'stop'>, AsyncIterable<Frame> {
  /** Counts a frame that was handed out and comes to nothing: `stale`, or `failed` with the pipeline. */
  discard?(reason: string): void;
}

export interface PipelineDeps {
  readonly source: PipelineSource;
  readonly engine: SegmentationEngine;
  /** The way to the engine, where several pipelines share it; alone when absent. */
  readonly gate?: Gate;
  /** Frames of a live source that are older than this when their turn comes are dropped as `stale`. */
  readonly maxFrameAgeMs?: number | undefined;
  /** Read once a frame. */
  readonly segmentation: () => SegmentationOptions;
  /** The prompts for a frame of this size; called once a frame, in order: the frame boundary of a prompt change. */
  readonly prompts: (frameWidth: number, frameHeight: number) => AppliedPrompts;
  /** Looks at objects for text prompts; without it they are answered with a reason. */
  readonly text?: Pick<TextStage, 'look'> | undefined;
  /** Gives objects names that they keep; without it every frame forgets the last. */
  readonly tracking?: Pick<TrackStage, 'begin'> | undefined;
  /** Takes the results, one at a time and in order. The frame is released afterwards. */
  readonly deliver: (result: FrameResult, frame: Frame) => void | Promise<void>;
}

/**
 * Runs until the source ends or is stopped and everything in flight is delivered. On an error the source is stopped,
 * frames in flight are released, and the first error is thrown.
 */
export async function runPipeline(deps: PipelineDeps): Promise<void> {
  const { source, engine, gate = new Turnstile(engine).gate(), maxFrameAgeMs = Number.POSITIVE_INFINITY } = deps;
  const places = new Slots(Array.from({ length: engine.depth }, (_, place) => place));
  const frames = source[Symbol.asyncIterator]();
  const dropsSince = dropCounter(source);
  let prepareMs = 0;
  let failure: { readonly error: unknown } | undefined;
  let sourceFailure: typeof failure;

  const finish = async (
    frame: Frame,
    waited: number,
    segmented: Promise<Segmented>,
    following: Following | undefined,
    previous: Promise<void>,
  ) => {
    using _ = frame;
    try {
      // In order: what was captured before a failing frame is still delivered. Its own failure is met below.
      segmented.catch(() => undefined);
      await previous;
      const { segments: decoded, geometry, timings, model = engine.model } = await segmented;
      if (failure) return source.discard?.('failed');
      prepareMs = timings.preprocess;
      const tracked = await following?.follow(decoded, model);
      const segments = tracked?.segments ?? decoded;
      const begin = performance.now();
      const { revision, prompts } = deps.prompts(frame.width, frame.height);
      const seen = prompts.some(({ type }) => type === 'text') ? await deps.text?.look(frame, segments, prompts) : undefined;
      const answers = applyPrompts(segments, prompts, { labels: model.labels, ...(seen ? { text: seen.scores } : {}) });
      await deps.deliver(
        {
          sequence: frame.sequence,
          captured: frame.captured,
          origin: frame.origin,
          ...(frame.file && { file: { ...frame.file, mediaTimeMs: frame.ptsNs === null ? null : Number(frame.ptsNs) / 1e6 } }),
          model,
          geometry,
          segments,
          promptRevision: revision,
          answers,
          ...(seen ? { text: seen.use } : {}),
          ...(tracked ? { tracks: tracked.tracks } : {}),
          timings: { ...timings, wait: timings.wait + waited, prompt: performance.now() - begin },
          dropped: dropsSince(),
        },
        frame,
      );
    } catch (error) {
      failure ??= { error };
      source.discard?.('failed');
      await source.stop();
    }
  };

  let last = Promise.resolve();
  for (;;) {
    const place = await places.take();
    const next = await frames.next().catch((error: unknown) => {
      sourceFailure = { error };
      return { done: true } as const;
    });
    if (next.done) break;
    const turn = await gate.enter(source.live ? prepareMs + PREPARE_MARGIN_MS : undefined);
    // While it waited for its turn a live frame has grown old.
    const frame = source.live && source.newest ? await source.newest(next.value).catch(() => undefined) : next.value;
    const waited = frame ? Math.max(Number(process.hrtime.bigint() - frame.captured.monotonicNs) / 1e6, 0) : 0;
    if (!frame || (source.live && waited > maxFrameAgeMs)) {
      frame?.[Symbol.dispose]();
      source.discard?.(frame ? 'stale' : 'failed');
      turn.leave();
      places.give(place);
      continue;
    }
    const following = deps.tracking?.begin(frame, source.live, deps.segmentation());
    const segmented = engine.segment(frame, following?.segmentation ?? deps.segmentation(), following?.request);
    turn.pass();
    segmented.then(turn.leave, turn.leave);
    last = finish(frame, waited, segmented, following, last).finally(() => places.give(place));
  }
  await last;
  const first = failure ?? sourceFailure;
  if (first) throw first.error;
}

/** Turns a source's totals into what was dropped since the last call. */
function dropCounter(source: Pick<Source, 'dropped'>): () => Record<string, number> {
  const told: Record<string, number> = {};
  return () => {
    const since: Record<string, number> = {};
    for (const [reason, total] of Object.entries(source.dropped())) {
      const more = total - (told[reason] ?? 0);
      if (more > 0) since[reason] = more;
      told[reason] = total;
    }
    return since;
  };
}
