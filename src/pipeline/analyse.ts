/** From the network's objects of one frame to a result: tracking, text, prompts. */

import type { PromptAnswer } from '../domain/answer.js';
import type { Frame } from '../domain/frame.js';
import { followsObject, type Prompt } from '../domain/prompt.js';
import type { FrameResult, ModelIdentity, TextUse } from '../domain/result.js';
import type { Segments } from '../domain/segments.js';
import { applyPrompts } from '../prompt/apply.js';
import type { TextScores } from '../prompt/text.js';
import type { SegmentedFrame } from './segment-frames.js';

export interface AppliedPrompts {
  readonly revision: number;
  readonly prompts: readonly Prompt[];
  /** Those of an earlier run, and those that others stood in for. */
  readonly restored?: ReadonlySet<Prompt> | undefined;
}

/** Answers text prompts; TextStage is one. */
export interface TextScorer {
  /** `tracks`: ids of the objects, 0: none; absent without tracking. */
  score(
    frame: Frame,
    segments: Segments,
    prompts: readonly Prompt[],
    tracks?: Uint32Array,
  ): Promise<{ readonly scores: TextScores; readonly use?: TextUse }>;
}

export interface AnalyseContext {
  /** The engine's model, for frames that do not name another. */
  readonly model: ModelIdentity;
  /** The prompts for a frame of this size; called once: the frame boundary of a prompt change. */
  readonly prompts: (frameWidth: number, frameHeight: number) => AppliedPrompts;
  /** Asked when a prompt is a text; without it such prompts are answered with a reason. */
  readonly text?: TextScorer | undefined;
  /** Frames dropped since the previous result, by reason; called last. */
  readonly dropped: () => Readonly<Record<string, number>>;
}

/** The frame is borrowed until the promise settles. Errors: those of tracking and text. */
export async function analyse(
  { frame, segmented, following, waitMs }: SegmentedFrame,
  { model: engineModel, prompts: promptsFor, text, dropped }: AnalyseContext,
): Promise<FrameResult> {
  const { segments: decoded, geometry, timings, model = engineModel } = segmented;
  const tracked = await following?.follow(decoded, model);
  const segments = tracked?.segments ?? decoded;
  const begin = performance.now();
  const { revision, prompts, restored } = promptsFor(frame.width, frame.height);
  const seen = prompts.some(({ type }) => type === 'text') ? await text?.score(frame, segments, prompts, tracked?.tracks.ids) : undefined;
  const matched = applyPrompts(segments, prompts, { labels: model.labels, ...(seen ? { text: seen.scores } : {}) });
  const followed = tracked && following?.answer(prompts, matched, { ...tracked, restored });
  const answers = followed?.answers ?? matched.map((answer, k) => (followsObject(prompts[k]!) ? untracked(answer) : answer));
  return {
    sequence: frame.sequence,
    captured: frame.captured,
    origin: frame.origin,
    ...(frame.file && { file: { ...frame.file, mediaTimeMs: frame.ptsNs === null ? null : Number(frame.ptsNs) / 1e6 } }),
    model,
    geometry,
    segments,
    ...(segmented.edges ? { edges: segmented.edges } : {}),
    promptRevision: revision,
    answers,
    ...(seen?.use ? { text: seen.use } : {}),
    ...(tracked ? { tracks: tracked.tracks, trackTimeMs: tracked.timeMs, followChanges: followed?.transitions ?? [] } : {}),
    timings: {
      ...timings,
      wait: timings.wait + waitMs,
      ...(tracked ? { track: tracked.tracks.stats.ms } : {}),
      prompt: performance.now() - begin,
    },
    dropped: dropped(),
  };
}

/** Following nothing must not look like finding nothing. */
function untracked({ id, type }: PromptAnswer): PromptAnswer {
  return { id, type, matches: [], reason: 'tracking is off; set tracking.enabled of the camera (segment: --track)' };
}
