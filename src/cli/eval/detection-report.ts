/** What `eval coco`, `eval lvis` and their `eval score` have in common: options, and the report. Nothing here needs an engine. */
import { FastsamError } from '../../errors.js';
import type { Dataset } from '../../eval/detection/dataset.js';
import type { IouType, Rules } from '../../eval/detection/evaluation.js';
import type { DetectionScoring, ScoringOptions } from '../../eval/detection/task.js';
import type { Report } from '../../eval/report.js';
import { sha256OfFile } from '../../model/checksum.js';
import { startProgress } from '../progress.js';
import { deliverReport, intervalLines, type ReportArguments, reportHead } from './report-options.js';

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

export function iouTypesOf(text: string): IouType[] {
  const types = text.split(',').map((word) => word.trim());
  if (types.length === 0 || !types.every((type) => type === 'segm' || type === 'bbox'))
    throw new FastsamError('USAGE', `--iou-type: expected segm, bbox or segm,bbox, got ${text}`);
  return [...new Set(types)] as IouType[];
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
