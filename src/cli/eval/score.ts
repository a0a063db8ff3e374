/** `fastsamd eval score`: figures of results that somebody else computed; no model is run. */
import type { Argv } from 'yargs';
import { readDataset } from '../../eval/detection/dataset.js';
import type { Rules } from '../../eval/detection/evaluation.js';
import { readResults } from '../../eval/detection/results.js';
import { DetectionScoring } from '../../eval/detection/task.js';
import { type Command, type CommandEntry, lazily } from '../commands/command.js';
import { startProgress } from '../progress.js';
import { tell } from '../terminal.js';
import { iouTypesOf, report, type ScoringArguments, scoringOf, scoringOptions } from './detection-report.js';
import { checkReportOptions, reportOptions } from './report-options.js';

interface ScoreArguments extends ScoringArguments {
  readonly results: string;
}

function scoreCommandFor(rules: Rules): Command<ScoreArguments> {
  return {
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

/** A task's code is loaded when it is named: detections need neither pictures nor engines. */
const tasks: readonly CommandEntry[] = [
  { command: 'coco', describe: 'Detections, as pycocotools does', load: async () => scoreCommandFor('coco') },
  { command: 'lvis', describe: 'Detections, as lvis-api does', load: async () => scoreCommandFor('lvis') },
  {
    command: 'edges',
    describe: 'Boundary maps, as the Berkeley benchmark does (ODS, OIS, AP)',
    load: async () => (await import('./maps.js')).scoreEdgesCommand,
  },
  {
    command: 'saliency',
    describe: 'Maps of salient objects, as PySODMetrics does (MAE, S, F, E)',
    load: async () => (await import('./maps.js')).scoreSaliencyCommand,
  },
  {
    command: 'anomaly',
    describe: 'Anomaly maps, as MVTec and anomalib do (AUROC, AUPRO)',
    load: async () => (await import('./anomaly.js')).scoreAnomalyCommand,
  },
  {
    command: 'buildings',
    describe: 'Footprints, as SpaceNet does (F1 at IoU 0.5)',
    load: async () => (await import('./buildings.js')).scoreBuildingsCommand,
  },
];

export const scoreCommand: Command<object> = {
  builder: (yargs) =>
    yargs.command(tasks.map(lazily)).demandCommand(1, 'expected a task: coco, lvis, edges, saliency, anomaly or buildings'),
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
