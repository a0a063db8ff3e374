/** `fastsamd eval edges | saliency`, and `score` of either: grey maps, a model's or those of a folder, against ground truth. */

import { join } from 'node:path';
import { native } from '../../addon/addon.js';
import type { EdgeOptions } from '../../addon/network.js';
import type { BackendChoice } from '../../domain/backend.js';
import { FastsamError } from '../../errors.js';
import { boundaryFigures, type Counts, thresholdsOf } from '../../eval/edges/benchmark.js';
import { countMap, MAX_DISTANCE, readBoundaries } from '../../eval/edges/data.js';
import { type GreyMap, MapDigest, type Pair, pairFiles, readGreyMap, writeGreyMap } from '../../eval/grey-map.js';
import { pictureFrame, pictureFrames } from '../../eval/picture-frames.js';
import type { Report } from '../../eval/report.js';
import { measureSaliency, type SaliencyMeasures, saliencyFigures } from '../../eval/saliency/measures.js';
import { salientMap } from '../../eval/saliency/salient-map.js';
import { type SegmentedFrame, segmentFrames } from '../../pipeline/segment-frames.js';
import type { Command } from '../commands/command.js';
import { demandRange, modelOptions } from '../model-options.js';
import { openModel } from '../open-model.js';
import { startProgress } from '../progress.js';
import {
  checkReportOptions,
  deliverReport,
  intervalLines,
  type ReportArguments,
  reportHead,
  reportModel,
  reportOptions,
  withIntervals,
  worstOptions,
} from './report-options.js';
import { drawMap, onlyOf, writeWorst } from './worst.js';

const truthOptions = {
  edges: {
    'ground-truth': { type: 'string', demandOption: true, requiresArg: true, describe: 'Folder of .mat files, as BSDS500 has them.' },
    thresholds: { type: 'number', default: 99, describe: 'Places on the curve.' },
  },
  saliency: {
    masks: { type: 'string', demandOption: true, requiresArg: true, describe: 'Folder of masks with the same names as the pictures.' },
  },
} as const;
const resultsOption = {
  results: { type: 'string', demandOption: true, requiresArg: true, describe: 'Folder of grey pictures, white for the most certain.' },
} as const;
const mapModelOptions = {
  images: { type: 'string', demandOption: true, requiresArg: true, describe: 'Folder of the pictures.' },
  ...modelOptions,
  iou: { type: 'number', default: 0.9, describe: 'Drop a box that overlaps a better one by more than this.' },
  'max-det': { type: 'number', default: 300, describe: 'Most objects per picture.' },
  maps: { type: 'string', requiresArg: true, describe: 'Write the maps (PNG) into this folder.' },
} as const;

interface EdgesTruth extends ReportArguments {
  readonly 'ground-truth': string;
  readonly thresholds: number;
}
interface SaliencyTruth extends ReportArguments {
  readonly masks: string;
}
interface Results {
  readonly results: string;
}
interface MapModel {
  readonly images: string;
  readonly model?: string | undefined;
  readonly backend: BackendChoice;
  readonly threads: number;
  readonly conf: number;
  readonly iou: number;
  readonly 'max-det': number;
  readonly maps?: string | undefined;
}

export const scoreEdgesCommand: Command<EdgesTruth & Results> = {
  builder: (yargs) =>
    yargs
      .options({ ...resultsOption, ...truthOptions.edges, ...reportOptions })
      .example('$0 eval score edges --results maps --ground-truth groundTruth/test', 'ODS, OIS and AP'),
  handler: (args) => scoreEdges(args, args.results, mapsOfFolder, {}),
};

export const scoreSaliencyCommand: Command<SaliencyTruth & Results> = {
  builder: (yargs) =>
    yargs
      .options({ ...resultsOption, ...truthOptions.saliency, ...reportOptions })
      .example('$0 eval score saliency --results maps --masks masks', 'MAE, S-measure, F and E'),
  handler: (args) => scoreSaliency(args, args.results, mapsOfFolder, {}),
};

export const edgesCommand: Command<EdgesTruth & MapModel & { readonly 'edges-from': 'sam' | 'plain' }> = {
  builder: (yargs) =>
    yargs
      .options({
        ...mapModelOptions,
        conf: { type: 'number', default: 0.05, describe: 'Keep objects with a score above this.' },
        'edges-from': {
          choices: ['sam', 'plain'] as const,
          default: 'sam' as const,
          describe: "sam: gradients on the outer boundary of a mask only; plain: every gradient of its probability (FastSAM's words).",
        },
        ...truthOptions.edges,
        ...worstOptions,
      })
      .example('$0 eval edges --images images/test --ground-truth groundTruth/test --model fastsam-s', 'ODS, OIS and AP'),
  handler: (args) => {
    const edges = { boundaryOnly: args['edges-from'] === 'sam', byScore: true };
    const map = async ({ segmented: { edges: levels }, frame: { width, height } }: SegmentedFrame) => ({
      width,
      height,
      levels: await native().edgeCrests(levels!, width, height),
    });
    return withModel(args, edges, map, (maps, model) =>
      scoreEdges(args, args.images, maps, { edgesFrom: args['edges-from'], ...mapSettings(args) }, model),
    );
  },
};

export const saliencyCommand: Command<SaliencyTruth & MapModel> = {
  builder: (yargs) =>
    yargs
      .options({
        ...mapModelOptions,
        conf: { type: 'number', default: 0.05, describe: 'Keep objects with a score above this.' },
        ...truthOptions.saliency,
        ...worstOptions,
      })
      .example('$0 eval saliency --images ECSSD/images --masks ECSSD/masks --model fastsam-s', 'MAE, S-measure, F and E'),
  handler: (args) =>
    withModel(
      args,
      undefined,
      async ({ segmented }) => salientMap(segmented.segments),
      (maps, model) => scoreSaliency(args, args.images, maps, mapSettings(args), model),
    ),
};

function mapSettings({ conf, iou, 'max-det': maxDet }: MapModel): Report['settings'] {
  return { conf, iou, maxDet, snapToBorder: 0 };
}

/** The grey maps of files, in the order of the paths. */
type Maps = (paths: readonly string[]) => AsyncIterable<GreyMap>;

/** Opens the model for `work`, which gets the maps that `mapOf` makes of the model's objects, and frees the model afterwards. */
async function withModel(
  args: MapModel,
  edges: EdgeOptions | undefined,
  mapOf: (segmented: SegmentedFrame) => Promise<GreyMap>,
  work: (maps: Maps, model: Report['model']) => Promise<void>,
): Promise<void> {
  demandRange('--conf', args.conf, 0, 1);
  demandRange('--iou', args.iou, 0, 1);
  demandRange('--max-det', args['max-det'], 1, 1000, true);
  const engine = await openModel(args);
  const options = { conf: args.conf, iou: args.iou, maxDet: args['max-det'], snapToBorder: 0, ...(edges ? { edges } : {}) };
  try {
    const maps: Maps = async function* (paths) {
      for await (const segmented of segmentFrames(pictureFrames(paths, pictureFrame), engine, { segmentation: () => options }))
        yield await mapOf(segmented);
    };
    await work(maps, await reportModel(engine, args.model));
  } finally {
    await engine.stop();
  }
}

async function* mapsOfFolder(paths: readonly string[]): AsyncGenerator<GreyMap> {
  for (const path of paths) yield await readGreyMap(path);
}

async function scoreEdges(
  args: EdgesTruth & { maps?: string | undefined },
  results: string,
  maps: Maps,
  settings: Report['settings'],
  model?: Report['model'],
): Promise<void> {
  checkReportOptions(args);
  demandRange('--thresholds', args.thresholds, 1, 255, true);
  const thresholds = thresholdsOf(args.thresholds);
  const pairs = await pairFiles(results, args['ground-truth'], /\.mat$/i);
  const counts: Counts[][] = [];
  const digest = new MapDigest();
  let annotators = 0;
  const started = performance.now();
  await eachPair(pairs, maps, async ({ name, result, truth }, map) => {
    const boundaries = await readBoundaries(truth);
    annotators += boundaries.maps.length;
    digest.add(name, ...boundaries.maps);
    if (args.maps !== undefined) await writeGreyMap(join(args.maps, `${name}.png`), map);
    counts.push(await countMap(map, boundaries, thresholds, result));
  });
  const figuresOf = (chosen: readonly (readonly Counts[])[]) => {
    const { ods, ois, ap, r50 } = boundaryFigures(chosen, thresholds);
    return { ODS: ods.f, OIS: ois.f, AP: ap, ...(r50 === undefined ? {} : { R50: r50 }) };
  };
  const report: Report = {
    ...reportHead('edges', { sha256: digest.toString(), pictures: pairs.length, objects: annotators }),
    ...(model ? { model } : {}),
    settings: { ...settings, thresholds: args.thresholds, maxDistance: MAX_DISTANCE },
    ...withIntervals(args, counts, figuresOf),
    seconds: { scoring: (performance.now() - started) / 1000 },
  };
  const { ods, pictures } = boundaryFigures(counts, thresholds);
  const at = `ODS at threshold ${ods.threshold.toFixed(3)}: recall ${ods.recall.toFixed(4)}, precision ${ods.precision.toFixed(4)}`;
  const lines = [`edges: ${pairs.length} pictures, ${annotators} drawings`, at, ...intervalLines(report)];
  await deliverReport(args, report, lines, () => {
    const rows = pictures.map(({ threshold, recall, precision, f }, k) => [pairs[k]!.name, threshold, recall, precision, f].join(','));
    return `${['name,threshold,recall,precision,F', ...rows].join('\n')}\n`;
  });
  const cases = pictures.map((best, k) => ({
    item: { pair: pairs[k]!, threshold: best.threshold },
    name: pairs[k]!.name,
    rank: [best.f, best.recall],
    why: `F ${best.f.toFixed(3)}, recall ${best.recall.toFixed(3)}, precision ${best.precision.toFixed(3)}`,
  }));
  await writeWorst(args, cases, async ({ pair: { result, truth }, threshold }) => {
    const map = await onlyOf(maps([result]), result);
    const drawn = (await readBoundaries(truth)).maps;
    const anybody = Uint8Array.from(map.levels, (_, i) => (drawn.some((own) => own[i]) ? 1 : 0));
    // Drawn at the picture's best threshold; the figures match pixels one to one, the colours by distance alone.
    const answer = map.levels.map((level) => (level / 255 >= threshold ? 255 : 0));
    return drawMap(result, map, anybody, answer, Math.round(MAX_DISTANCE * Math.hypot(map.width, map.height)));
  });
}

async function scoreSaliency(
  args: SaliencyTruth & { maps?: string | undefined },
  results: string,
  maps: Maps,
  settings: Report['settings'],
  model?: Report['model'],
): Promise<void> {
  checkReportOptions(args);
  const pairs = await pairFiles(results, args.masks, /\.(png|bmp)$/i);
  const measures: SaliencyMeasures[] = [];
  const digest = new MapDigest();
  const started = performance.now();
  await eachPair(pairs, maps, async ({ name, result, truth }, map) => {
    const mask = await readGreyMap(truth);
    if (map.width !== mask.width || map.height !== mask.height)
      throw new FastsamError('DATASET_INVALID', `${result}: is ${map.width}x${map.height}, its mask ${mask.width}x${mask.height}`);
    if (args.maps !== undefined) await writeGreyMap(join(args.maps, `${name}.png`), map);
    digest.add(name, mask.levels);
    measures.push(measureSaliency(map, mask));
  });
  const figuresOf = (chosen: readonly SaliencyMeasures[]) => {
    const { mae, s, weightedF, maxF, meanF, maxE, meanE } = saliencyFigures(chosen);
    return { MAE: mae, S: s, maxF, meanF, weightedF, maxE, meanE };
  };
  const report: Report = {
    ...reportHead('saliency', { sha256: digest.toString(), pictures: pairs.length, objects: pairs.length }),
    ...(model ? { model } : {}),
    settings: { ...settings, beta2: 0.3, alpha: 0.5 },
    ...withIntervals(args, measures, figuresOf),
    seconds: { scoring: (performance.now() - started) / 1000 },
  };
  await deliverReport(args, report, [`saliency: ${pairs.length} pictures`, ...intervalLines(report)], () => {
    const rows = measures.map(({ mae, s, weightedF, f }, k) => [pairs[k]!.name, mae, s, Math.max(...f), weightedF].join(','));
    return `${['name,MAE,S,maxF,weightedF', ...rows].join('\n')}\n`;
  });
  const cases = measures.map(({ mae, weightedF }, k) => ({
    item: pairs[k]!,
    name: pairs[k]!.name,
    rank: [-mae, weightedF],
    why: `MAE ${mae.toFixed(3)}, weighted F ${weightedF.toFixed(3)}`,
  }));
  await writeWorst(args, cases, async ({ result, truth }) => {
    const map = await onlyOf(maps([result]), result);
    const mask = await readGreyMap(truth);
    return drawMap(
      result,
      map,
      mask.levels.map((level) => (level > 128 ? 1 : 0)),
      stretchedLevels(map.levels),
    );
  });
}

/** From 0 to 255, as the measures see a map. */
function stretchedLevels(levels: Uint8Array): Uint8Array {
  let [low, high] = [255, 0];
  for (const level of levels) [low, high] = [Math.min(low, level), Math.max(high, level)];
  return high > low ? levels.map((level) => Math.round((255 * (level - low)) / (high - low))) : levels;
}

/** Pairs in order, each with the map of its result. */
async function eachPair(pairs: readonly Pair[], maps: Maps, work: (pair: Pair, map: GreyMap) => Promise<void>): Promise<void> {
  const progress = startProgress(pairs.length);
  let next = 0;
  try {
    for await (const map of maps(pairs.map(({ result }) => result))) {
      await work(pairs[next]!, map);
      next += 1;
      progress.advance();
    }
  } finally {
    progress.stop();
  }
}
