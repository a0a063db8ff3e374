/** The dataflow of one camera: source → segment → analyse → deliver. */
import type { SegmentationEngine } from '../engine/engine.js';
import type { Source } from '../source/source.js';
import { type AppliedPrompts, analyse, type TextScorer } from './analyse.js';
import { type PipelineSource, type ScheduleOptions, segmentFrames } from './segment-frames.js';
import type { ResultSink } from './sinks.js';

export interface PipelineDeps extends ScheduleOptions {
  readonly source: PipelineSource;
  readonly engine: SegmentationEngine;
  /** The prompts for a frame of this size; called once a frame, in order: the frame boundary of a prompt change. */
  readonly prompts: (frameWidth: number, frameHeight: number) => AppliedPrompts;
  /** Looks at objects for text prompts; without it they are answered with a reason. */
  readonly text?: TextScorer | undefined;
  /** Takes the results, one at a time and in order. The frame is released afterwards. */
  readonly deliver: ResultSink['take'];
}

/**
 * Runs until the source ends or is stopped and everything in flight is delivered. On an error the source is stopped,
 * frames in flight are released, and the first error is thrown.
 */
export async function runPipeline({ source, engine, prompts, text, deliver, ...schedule }: PipelineDeps): Promise<void> {
  const context = { model: engine.model, prompts, text, dropped: dropCounter(source) };
  for await (const segmented of segmentFrames(source, engine, schedule)) {
    try {
      await deliver(await analyse(segmented, context), segmented.frame);
    } catch (error) {
      if (!schedule.skipFailed?.(error)) throw error;
      source.discard?.('failed');
    }
  }
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
