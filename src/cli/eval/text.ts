/** `fastsamd eval text`: the names of a data set's categories as text prompts. */
import type { BackendChoice } from '../../domain/backend.js';
import { readDataset } from '../../eval/detection/dataset.js';
import { detectionsOf, segmentPictures } from '../../eval/detection/segment-pictures.js';
import { DetectionScoring } from '../../eval/detection/task.js';
import type { Report } from '../../eval/report.js';
import { type Answer, answersOf, askNames, namePrompts, retrievalFigures } from '../../eval/text/retrieval.js';
import { sha256OfFile } from '../../model/checksum.js';
import { findTextModel } from '../../model/text-model.js';
import { TEXT_DEFAULTS, TextModel } from '../../text/text-model.js';
import type { Command } from '../commands/command.js';
import { demandRange, modelOptions } from '../model-options.js';
import { openModel } from '../open-model.js';
import { startProgress } from '../progress.js';
import { promptOptions } from '../prompt-options.js';
import {
  checkReportOptions,
  deliverReport,
  intervalLines,
  type ReportArguments,
  reportHead,
  reportModel,
  withIntervals,
  worstOptions,
} from './report-options.js';
import { drawDetections, onlyOf, writeWorst } from './worst.js';

interface TextArguments extends ReportArguments {
  readonly images: string;
  readonly annotations: string;
  readonly model?: string | undefined;
  readonly backend: BackendChoice;
  readonly threads: number;
  readonly conf: number;
  readonly iou: number;
  readonly 'max-det': number;
  readonly 'text-model': string;
  readonly 'text-threshold'?: number | undefined;
  readonly template?: readonly string[] | undefined;
}

export const textCommand: Command<TextArguments> = {
  builder: (yargs) =>
    yargs
      .options({
        images: { type: 'string', demandOption: true, requiresArg: true, describe: 'Folder of the pictures that the annotations name.' },
        annotations: { type: 'string', demandOption: true, requiresArg: true, describe: "Annotations in COCO's or LVIS's format." },
        ...modelOptions,
        conf: { type: 'number', default: 0.4, describe: 'Ask about objects with a score above this.' },
        iou: { type: 'number', default: 0.9, describe: 'Drop a box that overlaps a better one by more than this.' },
        'max-det': { type: 'number', default: 300, describe: 'Most objects per picture.' },
        'text-model': promptOptions['text-model'],
        'text-threshold': promptOptions['text-threshold'],
        template: {
          type: 'string',
          array: true,
          nargs: 1,
          describe:
            'Sentence around each name, as in "a photo of a {}". Repeat: their embeddings are averaged. The name alone when absent.',
        },
        ...worstOptions,
      })
      .example(
        '$0 eval text --images val2017 --annotations instances_val2017.json --model fastsam-s --template "a photo of a {}"',
        'what text prompts find, and what they find that is not there',
      ) as never,
  handler: evaluate,
};

async function evaluate(args: TextArguments): Promise<void> {
  checkReportOptions(args);
  demandRange('--conf', args.conf, 0, 1);
  demandRange('--iou', args.iou, 0, 1);
  demandRange('--max-det', args['max-det'], 1, 1000, true);
  if (args['text-threshold'] !== undefined) demandRange('--text-threshold', args['text-threshold'], -1, 1);
  const dataset = await readDataset(args.annotations);
  const { categories, pictures, truths } = dataset;
  const isFederated = pictures.some(({ absent }) => absent.size > 0);
  const prompts = namePrompts(categories, { threshold: args['text-threshold'], templates: args.template });
  const textFiles = await findTextModel(args['text-model']);
  const text = new TextModel({ options: { ...TEXT_DEFAULTS, model: args['text-model'] }, onnxruntime: { threads: args.threads } });
  const engine = await openModel(args);
  try {
    const scoring = new DetectionScoring(dataset, {
      rules: isFederated ? 'lvis' : 'coco',
      iouTypes: ['segm'],
      agnostic: false,
      maxDets: isFederated ? [300] : [1, 10, 100],
      boxes: 'network',
      draws: args.bootstrap,
      seed: args.seed,
    });
    const answers: (readonly Answer[])[] = [];
    const progress = startProgress(pictures.length);
    const segmentation = { conf: args.conf, iou: args.iou, maxDet: args['max-det'], snapToBorder: 0 };
    const started = performance.now();
    try {
      const segmented = segmentPictures(args.images, pictures, engine, segmentation, async (segments, picture, frame) => {
        const matches = await askNames(text, prompts, frame, segments);
        answers.push(await answersOf(picture, truths.get(picture.id) ?? [], categories, matches, segments, isFederated));
        return detectionsOf(segments, picture.id, matches);
      });
      for await (const { picture, detections } of segmented) {
        await scoring.add(picture, detections);
        progress.advance();
      }
    } finally {
      progress.stop();
    }
    const inference = (performance.now() - started) / 1000;
    const [score] = await scoring.finish();
    const own = withIntervals(args, answers, retrievalFigures);
    const objects = [...truths.values()].reduce((sum, each) => sum + each.length, 0);
    const report: Report = {
      ...reportHead('text', { sha256: await sha256OfFile(args.annotations), pictures: pictures.length, objects }),
      model: await reportModel(engine, args.model),
      settings: {
        conf: args.conf,
        iou: args.iou,
        maxDet: args['max-det'],
        snapToBorder: 0,
        textModel: args['text-model'],
        visionSha256: await sha256OfFile(textFiles.visionModel),
        textThreshold: args['text-threshold'] ?? 'of the model',
        templates: args.template?.join(' | ') ?? 'none',
      },
      ...own,
      figures: [...own.figures, ...score!.figures.filter(({ name: figure }) => figure === 'segm/AP' || figure === 'segm/AP50')],
      seconds: { inference, scoring: 0 },
    };
    const lines = [
      `text: ${pictures.length} pictures, ${categories.length} names, ${objects} objects`,
      'IoU and found@50: of names whose objects are there; false-match: of names whose objects are not; AP: all matches as detections',
      ...intervalLines(report),
    ];
    await deliverReport(args, report, lines, () =>
      table(
        dataset.categories,
        pictures.map(({ file }) => file),
        answers,
      ),
    );
    const cases = pictures.map((picture, k) => {
      const own = answers[k]!;
      const present = own.filter((answer) => answer.present);
      const iou = present.reduce((sum, answer) => sum + answer.iou, 0);
      const wrong = own.filter((answer) => !answer.present && answer.matches > 0).length;
      return {
        item: picture,
        name: picture.file.replace(/\.\w+$/, ''),
        // A name that matches where it should not weighs as much as one that matches nothing where it should.
        rank: [present.length + wrong > 0 ? iou / (present.length + wrong) : 1],
        why: `${present.length} names, IoU ${(iou / Math.max(present.length, 1)).toFixed(3)}, ${wrong} matched that are not there`,
      };
    });
    await writeWorst(args, cases, async (picture) => {
      const again = segmentPictures(args.images, [picture], engine, segmentation, async (segments, { id }, frame) =>
        detectionsOf(segments, id, await askNames(text, prompts, frame, segments)),
      );
      return drawDetections(args.images, dataset, picture, (await onlyOf(again, picture.file)).detections, false);
    });
  } finally {
    await Promise.all([engine.stop(), text.stop()]);
  }
}

/** A line for each picture and each name that is there, or that matched although it is not. */
function table(
  categories: readonly { readonly id: number; readonly name: string }[],
  files: readonly string[],
  answers: readonly (readonly Answer[])[],
): string {
  const names = new Map(categories.map(({ id, name }) => [id, name]));
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const rows = answers.flatMap((own, k) =>
    own
      .filter(({ present, matches }) => present || matches > 0)
      .map(({ category, present, matches, iou }) =>
        [quoted(files[k]!), quoted(names.get(category)!), present ? 1 : 0, matches, iou].join(','),
      ),
  );
  return `${['file,name,present,matches,IoU', ...rows].join('\n')}\n`;
}
