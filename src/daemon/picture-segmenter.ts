/** Photos and clips of the console: through the jobs' way to the engine, and every object looked at for text prompts. */
import type { PictureSegmenter } from '../console/asking.js';
import type { JobRunner } from '../jobs/runner.js';
import { TextStage } from '../text/stage.js';
import type { TextModel } from '../text/text-model.js';

export function pictureSegmenter(jobs: JobRunner, text: TextModel, identity: PictureSegmenter['identity']): PictureSegmenter {
  const refresh = {
    once: { iou: 0, area: Number.POSITIVE_INFINITY, ageMs: Number.POSITIVE_INFINITY },
    always: { iou: 1, area: 0, ageMs: 0 },
  };
  return {
    segment: (frame, options) => jobs.segment(frame, options),
    text: {
      prepare: (prompts) => text.prepare(prompts),
      scorer: ({ remembers }) =>
        new TextStage({
          model: text,
          options: {
            background: text.options.background,
            maxCropsPerFrame: Number.POSITIVE_INFINITY,
            refresh: remembers ? refresh.once : refresh.always,
          },
        }),
    },
    identity,
  };
}
