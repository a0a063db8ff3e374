/** `fastsamd eval coco` and `fastsamd eval lvis`: average precision and recall of a model's masks and boxes. */

import type { Argv } from 'yargs';
import type { BackendChoice } from '../../domain/backend.js';
import type { SegmentationEngine } from '../../engine/engine.js';
import { FastsamError } from '../../errors.js';
import { type Dataset, readDataset } from '../../eval/detection/dataset.js';
import type { IouType, Rules } from '../../eval/detection/evaluation.js';
import { readResults } from '../../eval/detection/results.js';
import {
  categoriesByName,
  everyObject,
  promptedObjects,
  type ReadSegments,
  segmentPictures,
} from '../../eval/detection/segment-pictures.js';
import { detectionFor, DetectionScoring as Scoring } from '../../eval/detection/task.js';
import type { Command } from '../commands/command.js';
import { demandRange, modelOptions } from '../model-options.js';
import { openModel } from '../open-model.js';
import { startProgress } from '../progress.js';
import { iouTypesOf, report, type ScoringArguments, scoringOf, scoringOptions } from './detection-report.js';
import { checkReportOptions, reportModel, worstOptions, writeFileWhole } from './report-options.js';
import { drawDetections, onlyOf, writeWorst } from './worst.js';

interface DetectionArguments extends ScoringArguments {
  readonly images: string;
  readonly model?: string | undefined;
  readonly backend: BackendChoice;
  readonly threads: number;
  readonly conf: number;
  readonly iou: number;
  readonly 'max-det': number;
  readonly limit?: number | undefined;
  readonly results?: string | undefined;
  readonly 'prompt-boxes'?: string | undefined;
  readonly pick: 'mask' | 'box';
}

function detectionOptions(yargs: Argv, rules: Rules): Argv {
  return yargs
    .options({
      images: { type: 'string', demandOption: true, requiresArg: true, describe: 'Folder of the pictures that the annotations name.' },
      ...scoringOptions,
      ...modelOptions,
      conf: { type: 'number', default: 0.001, describe: 'Keep objects with a score above this; the benchmarks look far down.' },
      iou: { type: 'number', default: 0.9, describe: 'Drop a box that overlaps a better one by more than this.' },
      'max-det': { type: 'number', default: 1000, describe: 'Most objects per picture.' },
      limit: { type: 'number', describe: 'Only the first pictures of the annotations.' },
      results: { type: 'string', requiresArg: true, describe: "Write the detections in COCO's results format." },
      'prompt-boxes': {
        type: 'string',
        requiresArg: true,
        describe: "FastSAM's own protocol: the mask that fits each of these boxes best. gt, or results (JSON) of a detector.",
      },
      pick: {
        choices: ['mask', 'box'],
        default: 'mask',
        describe: "How a mask fits a prompt box: its pixels against the filled box (FastSAM's code), or box against box (its paper).",
      },
      ...worstOptions,
    })
    .example(`$0 eval ${rules} --images val2017 --annotations annotations.json --model fastsam-s`, 'masks as proposals, class-agnostic')
    .example(
      `$0 eval ${rules} --images val2017 --annotations annotations.json --model fastsam-s --worst 12 --out fp32`,
      'a folder with a report to compare with, and pictures of the worst cases',
    );
}

export const cocoCommand: Command<DetectionArguments> = {
  builder: (yargs) => detectionOptions(yargs, 'coco') as Argv<DetectionArguments>,
  handler: (args) => evaluate('coco', args),
};

export const lvisCommand: Command<DetectionArguments> = {
  builder: (yargs) => detectionOptions(yargs, 'lvis') as Argv<DetectionArguments>,
  handler: (args) => evaluate('lvis', args),
};

async function evaluate(rules: Rules, args: DetectionArguments): Promise<void> {
  checkReportOptions(args);
  demandRange('--conf', args.conf, 0, 1);
  demandRange('--iou', args.iou, 0, 1);
  demandRange('--max-det', args['max-det'], 1, 1000, true);
  if (args.limit !== undefined) demandRange('--limit', args.limit, 1, 1e9, true);
  const iouTypes = iouTypesOf(args['iou-type']);
  const whole = await readDataset(args.annotations, { federated: rules === 'lvis' });
  const dataset = args.limit === undefined ? whole : firstPictures(whole, args.limit);
  const engine = await openModel(args);
  try {
    const agnostic = agnosticOf(args.classes, engine.model.labels);
    const read = await readerOf(args, dataset, engine, agnostic);
    const options = scoringOf(rules, args, { iouTypes, agnostic });
    const scoring = new Scoring(dataset, options);
    const written = new Map(iouTypes.map((iouType) => [iouType, [] as unknown[]]));
    const progress = startProgress(dataset.pictures.length);
    // FastSAM's border snap is for people who look at boxes; benchmarks measure the network.
    const segmentation = { conf: args.conf, iou: args.iou, maxDet: args['max-det'], snapToBorder: 0 };
    const started = performance.now();
    try {
      for await (const { picture, detections } of segmentPictures(args.images, dataset.pictures, engine, segmentation, read)) {
        await scoring.add(picture, detections);
        if (args.results !== undefined)
          for (const iouType of iouTypes)
            for (const detection of detections) written.get(iouType)!.push(resultEntry(detectionFor(iouType, args.boxes, detection)));
        progress.advance();
      }
    } finally {
      progress.stop();
    }
    const inference = (performance.now() - started) / 1000;
    const files = args.results === undefined ? [] : await writeResults(args.results, written);
    await report(`${rules}`, args, dataset, options, scoring, {
      model: await reportModel(engine, args.model),
      settings: {
        conf: args.conf,
        iou: args.iou,
        maxDet: args['max-det'],
        snapToBorder: 0,
        ...(args['prompt-boxes'] === undefined
          ? {}
          : { promptBoxes: args['prompt-boxes'] === 'gt' ? 'gt' : 'detections', pick: args.pick }),
      },
      inference,
      files,
    });
    const cases = scoring.pictureScores().map(({ picture, ap, recall }) => ({
      item: picture,
      name: picture.file.replace(/\.\w+$/, ''),
      rank: [ap, recall],
      why: `AP ${ap.toFixed(3)}, AR ${recall.toFixed(3)}`,
    }));
    await writeWorst(args, cases, async (picture) => {
      const again = segmentPictures(args.images, [picture], engine, segmentation, read);
      const { detections } = await onlyOf(again, picture.file);
      return drawDetections(args.images, dataset, picture, detections, agnostic);
    });
  } finally {
    await engine.stop();
  }
}

function agnosticOf(classes: 'auto' | 'agnostic' | 'labels', labels: readonly string[]): boolean {
  return classes === 'auto' ? labels.length === 0 : classes === 'agnostic';
}

function firstPictures(dataset: Dataset, limit: number): Dataset {
  const pictures = dataset.pictures.slice(0, limit);
  const truths = new Map(pictures.map(({ id }) => [id, dataset.truths.get(id) ?? []]));
  return { ...dataset, pictures, truths };
}

async function readerOf(args: DetectionArguments, dataset: Dataset, engine: SegmentationEngine, agnostic: boolean): Promise<ReadSegments> {
  const source = args['prompt-boxes'];
  if (source === undefined) return everyObject(agnostic ? () => 1 : categoriesByName(engine.model.labels, dataset));
  if (source === 'gt') {
    const prompts = [...dataset.truths].map(([id, truths]) => {
      const countable = truths.filter(({ crowd }) => !crowd);
      return [id, countable.map(({ box, category }) => ({ box, category, score: 1 }))] as const;
    });
    return promptedObjects(new Map(prompts), args.pick);
  }
  const detections = await readResults(source, dataset, { anyCategory: agnostic });
  const prompts = Array.from(detections.pictures(), (id) => {
    const boxes = detections.of(id).map(({ box, category, score }, k) => {
      if (!box) throw new FastsamError('DATASET_INVALID', `${source}: result ${k} of image ${id} has no bbox to prompt with`);
      return { box, category, score };
    });
    return [id, boxes] as const;
  });
  return promptedObjects(new Map(prompts), args.pick);
}

function resultEntry({ picture, category, score, box, segmentation }: ReturnType<typeof detectionFor>): object {
  return { image_id: picture, category_id: category, score, ...(box ? { bbox: box } : {}), ...(segmentation ? { segmentation } : {}) };
}

/** One file; for masks and boxes two, since official tools read one kind from a file. */
async function writeResults(path: string, entries: ReadonlyMap<IouType, readonly unknown[]>): Promise<string[]> {
  const paths: string[] = [];
  for (const [iouType, list] of entries) {
    const own = entries.size === 1 ? path : path.replace(/(\.json)?$/, `.${iouType}$1`);
    await writeFileWhole(own, `[${list.map((entry) => JSON.stringify(entry)).join(',\n')}]\n`);
    paths.push(own);
  }
  return paths;
}
