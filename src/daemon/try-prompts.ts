/** What prompts would answer on a frame that was segmented already. */
import type { CameraConfig } from '../config/schema.js';
import { toTimestamp } from '../contract/common.js';
import type { TryData } from '../contract/messages.js';
import type { FrameService } from '../control/services.js';
import { withIds } from '../domain/prompt.js';
import { boxOf } from '../domain/segments.js';
import { answerMessage } from '../encode/result.js';
import { FastsamError } from '../errors.js';
import type { RecentResults } from '../pipeline/recent-results.js';
import { applyPrompts } from '../prompt/apply.js';
import { assertInFrame } from '../prompt/frame-check.js';
import { assertLabels } from '../prompt/label-check.js';

/** Changes nothing. Texts are answered `pending`: they are scored once they are set. Errors: as FrameService.try. */
export async function tryPrompts(
  recent: RecentResults,
  cameras: readonly CameraConfig[],
  { camera, seq, prompts: inputs }: Parameters<FrameService['try']>[0],
): Promise<TryData> {
  if (!cameras.some(({ id }) => id === camera))
    throw new FastsamError('REQUEST_INVALID', `no camera "${camera}"; expected one of ${cameras.map(({ id }) => id).join(', ')}`);
  const result = recent.find(camera, seq);
  if (!result) {
    const message = seq === undefined ? `camera "${camera}" has sent no frame yet` : `frame ${seq} of camera "${camera}" is kept no more`;
    throw new FastsamError('REQUEST_INVALID', message);
  }
  const { segments, model } = result;
  const prompts = withIds(inputs);
  assertLabels(prompts, model);
  assertInFrame(prompts, `camera "${camera}"`, segments);
  const text = { byPrompt: new Map(), agesMs: new Float32Array(), unscored: 0, reason: 'texts are scored once the prompt is set' };
  const answers = applyPrompts(segments, prompts, { labels: model.labels, text });
  const matched = new Set(answers.flatMap(({ matches }) => matches.map(({ index }) => index)));
  return {
    seq: result.sequence,
    capturedAt: toTimestamp(result.captured.wallMs),
    answers: await Promise.all(answers.map((answer) => answerMessage(answer, result, 'rle', { polygonTolerance: 1 }))),
    objects: [...matched]
      .sort((a, b) => a - b)
      .map((index) => ({
        id: index,
        score: Math.round(segments.scores[index]! * 1e4) / 1e4,
        bbox: boxOf(segments, index).map((side) => Math.round(side * 100) / 100) as [number, number, number, number],
        area: segments.areas[index]!,
      })),
  };
}
