/** `fastsamd eval score`: figures of results that somebody else computed; no model is run. */
import type { Argv, CommandModule } from 'yargs';
import { readDataset } from '../../eval/detection/dataset.js';
import type { Rules } from '../../eval/detection/evaluation.js';
import { readResults } from '../../eval/detection/results.js';
import { DetectionScoring } from '../../eval/detection/task.js';
import { type Command, subcommands } from '../commands/command.js';
import { startProgress } from '../progress.js';
import { tell } from '../terminal.js';
import { scoreAnomalyCommand } from './anomaly.js';
import { scoreBuildingsCommand } from './buildings.js';
import { iouTypesOf, report, type ScoringArguments, scoringOf, scoringOptions } from './detection.js';
import { scoreEdgesCommand, scoreSaliencyCommand } from './maps.js';
import { checkReportOptions, reportOptions } from './report-options.js';

interface ScoreArguments extends ScoringArguments {
  readonly results: string;
}

function scoreCommandFor(rules: Rules, describe: string): CommandModule<object, ScoreArguments> {
  return {
    command: rules,
    describe,
    builder: (yargs) =>
      yargs
        .options({
          ...scoringOptions,
          results: { type: 'string', demandOption: true, requiresArg: true, describe: "Detections in COCO's results format." },
          ...reportOptions,
        })
        .example(
          `$0 eval score ${rules} --annotations annotations.json --results detections.json`,
          'what the official tool would print',
        ) as Argv<ScoreArguments>,
    handler: (args) => score(rules, args),
  };
}

export const scoreCommand: Command<object> = {
  builder: (yargs) =>
    yargs
      .command(
        subcommands(
          scoreCommandFor('coco', 'Detections, as pycocotools does'),
          scoreCommandFor('lvis', 'Detections, as lvis-api does'),
          scoreEdgesCommand,
          scoreSaliencyCommand,
          scoreAnomalyCommand,
          scoreBuildingsCommand,
        ),
      )
      .demandCommand(1, 'expected a task: coco, lvis, edges, saliency, anomaly or buildings'),
  handler: () => {},
};

async function score(rules: Rules, args: ScoreArguments): Promise<void> {
  checkReportOptions(args);
  const dataset = await readDataset(args.annotations, { federated: rules === 'lvis' });
  const agnostic = args.classes === 'agnostic';
  const options = scoringOf(rules, args, { iouTypes: iouTypesOf(args['iou-type']), agnostic });
  const detections = await readResults(args.results, dataset, { anyCategory: agnostic });
  const scoring = new DetectionScoring(dataset, options);
  const progress = startProgress(dataset.pictures.length);
  try {
    for (const picture of dataset.pictures) {
      await scoring.add(picture, detections.of(picture.id));
      progress.advance();
    }
  } finally {
    progress.stop();
  }
  if (detections.count === 0) tell(`fastsamd: ${args.results}: no detections in it, every figure is 0`);
  await report(rules, args, dataset, options, scoring, { settings: {}, files: [] });
}
