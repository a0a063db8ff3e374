/** `fastsamd eval score`: figures of results that somebody else computed; no model is run. */
import type { CommandModule } from 'yargs';
import { readDataset } from '../../eval/detection/dataset.js';
import { readResults } from '../../eval/detection/results.js';
import { DetectionScoring } from '../../eval/detection/task.js';
import { startProgress } from '../progress.js';
import { iouTypesOf, report, type ScoringArguments, scoringOf, scoringOptions } from './detection.js';
import { checkReportOptions, reportOptions } from './report-options.js';

interface ScoreArguments extends ScoringArguments {
  readonly task: 'coco' | 'lvis';
  readonly results: string;
}

export const scoreCommand: CommandModule<object, ScoreArguments> = {
  command: 'score <task>',
  describe: 'Score results in the format of a benchmark, without a model',
  builder: (yargs) =>
    yargs
      .positional('task', { choices: ['coco', 'lvis'] as const, demandOption: true, describe: 'Whose rules.' })
      .options({
        ...scoringOptions,
        results: { type: 'string', demandOption: true, requiresArg: true, describe: "Detections in COCO's results format." },
        ...reportOptions,
      })
      .example('$0 eval score coco --annotations instances_val2017.json --results detections.json', 'what pycocotools would print'),
  async handler(args) {
    checkReportOptions(args);
    const dataset = await readDataset(args.annotations);
    const agnostic = args.classes === 'agnostic';
    const options = scoringOf(args.task, args, { iouTypes: iouTypesOf(args['iou-type']), agnostic });
    const detections = await readResults(args.results, dataset, { anyCategory: agnostic });
    const scoring = new DetectionScoring(dataset, options);
    const progress = startProgress(dataset.pictures.length);
    try {
      for (const picture of dataset.pictures) {
        await scoring.add(picture, detections.get(picture.id) ?? []);
        progress.advance();
      }
    } finally {
      progress.stop();
    }
    if (detections.size === 0) process.stderr.write(`fastsamd: ${args.results}: no detections in it, every figure is 0\n`);
    await report(args.task, args, dataset, options, scoring, { settings: {}, files: [] });
  },
};
