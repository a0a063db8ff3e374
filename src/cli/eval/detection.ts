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
import { type DetectionScoring, detectionFor, DetectionScoring as Scoring, type ScoringOptions } from '../../eval/detection/task.js';
import type { Report } from '../../eval/report.js';
import { sha256OfFile } from '../../model/checksum.js';
import type { Command } from '../commands/command.js';
import { demandRange, modelOptions } from '../model-options.js';
import { openModel } from '../open-model.js';
import { startProgress } from '../progress.js';
import { say } from '../terminal.js';
import {
  checkReportOptions,
  deliverReport,
  intervalLines,
  type ReportArguments,
  reportHead,
  reportModel,
  reportOptions,
  writeFileWhole,
} from './report-options.js';
import { writeWorst } from './worst.js';

export const scoringOptions = {
  annotations: { type: 'string', demandOption: true, requiresArg: true, describe: "Annotations in the benchmark's JSON format." },
  'iou-type': {
    type: 'string',
    default: 'segm',
    requiresArg: true,
    describe: 'Overlap of masks (segm), of boxes (bbox), or both: segm,bbox.',
  },
  boxes: { choices: ['network', 'mask'], default: 'network', describe: "Boxes to score: the network's, or those around its masks." },
  classes: {
    choices: ['auto', 'agnostic', 'labels'],
    default: 'auto',
    describe: 'Score all objects as one class (agnostic), or by class name (labels). auto: by name where the model has names.',
  },
  'max-dets': {
    type: 'string',
    requiresArg: true,
    describe: 'Limits of detections per picture; COCO: 1,10,100 or, class-agnostic, 10,100,1000.',
  },
} as const;

export interface ScoringArguments extends ReportArguments {
  readonly annotations: string;
  readonly 'iou-type': string;
  readonly boxes: 'network' | 'mask';
  readonly classes: 'auto' | 'agnostic' | 'labels';
  readonly 'max-dets'?: string | undefined;
}

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
  readonly worst: number;
  readonly 'worst-dir': string;
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
      ...reportOptions,
      worst: { type: 'number', default: 0, describe: 'Draw this many pictures on which the model does worst.' },
      'worst-dir': { type: 'string', default: 'worst', requiresArg: true, describe: 'Folder for them.' },
    })
    .example(`$0 eval ${rules} --images val2017 --annotations annotations.json --model fastsam-s`, 'masks as proposals, class-agnostic')
    .example(
      `$0 eval ${rules} --images val2017 --annotations annotations.json --model fastsam-s --out fp32.json --worst 12`,
      'with a report to compare with, and pictures of the worst cases',
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
  demandRange('--worst', args.worst, 0, 1000, true);
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
    if (args.worst > 0) {
      const worst = scoring
        .pictureScores()
        .sort((a, b) => a.ap - b.ap || a.recall - b.recall)
        .slice(0, args.worst);
      for (const path of await writeWorst(args['worst-dir'], args.images, dataset, worst, engine, segmentation))
        if (!args.json) say(`wrote ${path}`);
    }
  } finally {
    await engine.stop();
  }
}

export function iouTypesOf(text: string): IouType[] {
  const types = text.split(',').map((word) => word.trim());
  if (types.length === 0 || !types.every((type) => type === 'segm' || type === 'bbox'))
    throw new FastsamError('USAGE', `--iou-type: expected segm, bbox or segm,bbox, got ${text}`);
  return [...new Set(types)] as IouType[];
}

function agnosticOf(classes: 'auto' | 'agnostic' | 'labels', labels: readonly string[]): boolean {
  return classes === 'auto' ? labels.length === 0 : classes === 'agnostic';
}

/** Errors: USAGE. */
export function scoringOf(
  rules: Rules,
  args: ScoringArguments,
  { iouTypes, agnostic }: { iouTypes: readonly IouType[]; agnostic: boolean },
): ScoringOptions {
  const usual = rules === 'lvis' ? (agnostic ? '1000' : '300') : agnostic ? '10,100,1000' : '1,10,100';
  const text = args['max-dets'] ?? usual;
  const maxDets = text.split(',').map(Number);
  const ascends = maxDets.every((limit, k) => Number.isInteger(limit) && limit > (maxDets[k - 1] ?? 0));
  if (!ascends || (rules === 'coco' && maxDets.length !== 3) || (rules === 'lvis' && maxDets.length !== 1))
    throw new FastsamError(
      'USAGE',
      `--max-dets: expected ${rules === 'coco' ? 'three limits that ascend, like 1,10,100' : 'one limit, like 300'}, got ${text}`,
    );
  return { rules, iouTypes, agnostic, maxDets, boxes: args.boxes, draws: args.bootstrap, seed: args.seed };
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

interface Extra {
  readonly model?: Report['model'];
  readonly settings: Report['settings'];
  readonly inference?: number;
  readonly files: readonly string[];
}

/** Computes the figures and delivers them. */
export async function report(
  task: string,
  args: ScoringArguments,
  dataset: Dataset,
  options: ScoringOptions,
  scoring: DetectionScoring,
  { model, settings, inference, files }: Extra,
): Promise<void> {
  const draws = startProgress(options.draws * options.iouTypes.length || 1);
  const started = performance.now();
  let scores: Awaited<ReturnType<DetectionScoring['finish']>>;
  try {
    scores = await scoring.finish(() => draws.advance());
  } finally {
    draws.stop();
  }
  const seconds = (performance.now() - started) / 1000;
  const objects = [...dataset.truths.values()].reduce((sum, truths) => sum + truths.length, 0);
  const written: Report = {
    ...reportHead(task, { sha256: await sha256OfFile(args.annotations), pictures: dataset.pictures.length, objects }),
    ...(model ? { model } : {}),
    settings: { ...settings, agnostic: options.agnostic, maxDets: [...options.maxDets], boxes: options.boxes },
    ...(options.draws > 0 ? { bootstrap: { draws: options.draws, seed: options.seed } } : {}),
    figures: scores.flatMap(({ figures }) => figures),
    seconds: { ...(inference === undefined ? {} : { inference }), scoring: seconds },
  };
  const lines = [
    ...head(written),
    ...scores.flatMap(({ iouType, lines: own }) => ['', `${iouType === 'segm' ? 'Masks' : 'Boxes'}:`, ...own]),
    '',
    options.draws > 0 ? `With 95 % intervals over pictures (${options.draws} draws):` : 'All figures:',
    ...intervalLines(written),
    ...files.map((path) => `wrote ${path}`),
  ];
  await deliverReport(args, written, lines, () => {
    const rows = scoring
      .pictureScores()
      .map(({ picture, truths, detections, ap, ap50, recall }) =>
        [picture.id, picture.file, truths, detections, ap, ap50, recall].join(','),
      );
    return `${['id,file,truths,detections,AP,AP50,AR', ...rows].join('\n')}\n`;
  });
}

function head({ task, model, data, settings, seconds }: Report): string[] {
  const lines = [`${task}: ${data.pictures} pictures, ${data.objects} objects, annotations sha256 ${data.sha256.slice(0, 12)}…`];
  if (model) {
    const speed = seconds.inference === undefined ? '' : `, ${(seconds.inference / data.pictures).toFixed(3)} s a picture`;
    lines.push(`model ${model.name} (${model.backend}, ${model.input.join('×')}, sha256 ${model.sha256.slice(0, 12)}…)${speed}`);
  }
  lines.push(
    Object.entries(settings)
      .map(([key, value]) => `${key} ${Array.isArray(value) ? value.join(',') : value}`)
      .join(', '),
  );
  return lines;
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
