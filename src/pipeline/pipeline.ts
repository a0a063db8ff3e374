/**
 * The dataflow of one camera: source → segment → prompt → deliver. Stages overlap: while the network works on frame n,
 * frame n+1 is captured and prepared and frame n−1 is decoded and delivered, so throughput is the network's rate.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Frame } from '../domain/frame.js';
import type { Prompt } from '../domain/prompt.js';
import type { FrameResult } from '../domain/result.js';
import type { SegmentationEngine, SegmentationOptions, Segmented } from '../engine/engine.js';
import { Slots } from '../engine/slots.js';
import { applyPrompts } from '../prompt/apply.js';
import type { Source } from '../source/source.js';
import type { TextStage } from '../text/stage.js';

/** Time to prepare a frame, beyond what the last ones took: a live frame is taken this early before the network is free. */
const PREPARE_MARGIN_MS = 3;

export interface AppliedPrompts {
  readonly revision: number;
  readonly prompts: readonly Prompt[];
}

export interface PipelineDeps {
  readonly source: Pick<Source, 'live' | 'dropped' | 'stop'> & AsyncIterable<Frame>;
  readonly engine: SegmentationEngine;
  /** Read once a frame. */
  readonly segmentation: () => SegmentationOptions;
  /** The prompts for a frame of this size; called once a frame, in order: the frame boundary of a prompt change. */
  readonly prompts: (frameWidth: number, frameHeight: number) => AppliedPrompts;
  /** Looks at objects for text prompts; without it they are answered with a reason. */
  readonly text?: Pick<TextStage, 'look'> | undefined;
  /** Takes the results, one at a time and in order. The frame is released afterwards. */
  readonly deliver: (result: FrameResult, frame: Frame) => void | Promise<void>;
}

/**
 * Runs until the source ends or is stopped and everything in flight is delivered. On an error the source is stopped,
 * frames in flight are released, and the first error is thrown.
 */
export async function runPipeline(deps: PipelineDeps): Promise<void> {
  const { source, engine } = deps;
  const places = new Slots(Array.from({ length: engine.depth }, (_, place) => place));
  const frames = source[Symbol.asyncIterator]();
  const dropsSince = dropCounter(source);
  let prepareMs = 0;
  let failure: { readonly error: unknown } | undefined;
  let sourceFailure: typeof failure;

  const finish = async (frame: Frame, waited: number, segmented: Promise<Segmented>, previous: Promise<void>) => {
    using _ = frame;
    try {
      // In order: what was captured before a failing frame is still delivered. Its own failure is met below.
      segmented.catch(() => undefined);
      await previous;
      const { segments, geometry, timings } = await segmented;
      if (failure) return;
      prepareMs = timings.preprocess;
      const begin = performance.now();
      const { revision, prompts } = deps.prompts(frame.width, frame.height);
      const seen = prompts.some(({ type }) => type === 'text') ? await deps.text?.look(frame, segments, prompts) : undefined;
      const answers = applyPrompts(segments, prompts, { labels: engine.model.labels, ...(seen ? { text: seen.scores } : {}) });
      await deps.deliver(
        {
          sequence: frame.sequence,
          captured: frame.captured,
          origin: frame.origin,
          model: engine.model,
          geometry,
          segments,
          promptRevision: revision,
          answers,
          ...(seen ? { text: seen.use } : {}),
          timings: { ...timings, wait: timings.wait + waited, prompt: performance.now() - begin },
          dropped: dropsSince(),
        },
        frame,
      );
    } catch (error) {
      failure ??= { error };
      await source.stop();
    }
  };

  let last = Promise.resolve();
  for (;;) {
    const place = await places.take();
    if (source.live) await almostFree(engine, prepareMs);
    const next = await frames.next().catch((error: unknown) => {
      sourceFailure = { error };
      return { done: true } as const;
    });
    if (next.done) break;
    const frame = next.value;
    const waited = Number(process.hrtime.bigint() - frame.captured.monotonicNs) / 1e6;
    last = finish(frame, Math.max(waited, 0), engine.segment(frame, deps.segmentation()), last).finally(() => places.give(place));
  }
  await last;
  const first = failure ?? sourceFailure;
  if (first) throw first.error;
}

/** A live frame that is taken too early grows old in the queue; the newest one is taken just in time instead. */
async function almostFree(engine: SegmentationEngine, prepareMs: number): Promise<void> {
  const early = engine.msUntilFree() - prepareMs - PREPARE_MARGIN_MS;
  if (early > 1) await delay(early);
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
