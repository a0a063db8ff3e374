/** `fastsamd eval score edges | saliency`: folders of grey maps against ground truth. */
import type { CommandModule } from 'yargs';
import { FastsamError } from '../../errors.js';
import { drawPictures, middle95 } from '../../eval/bootstrap.js';
import { boundaryFigures, type Counts, thresholdsOf } from '../../eval/edges/benchmark.js';
import { countMap, readBoundaries } from '../../eval/edges/data.js';
import { MapDigest, type Pair, pairFiles, readGreyMap } from '../../eval/grey-map.js';
import type { Report } from '../../eval/report.js';
import { measureSaliency, type SaliencyMeasures, saliencyFigures } from '../../eval/saliency/measures.js';
import { demandRange } from '../model-options.js';
import { startProgress } from '../progress.js';
import { checkReportOptions, deliverReport, intervalLines, type ReportArguments, reportHead, reportOptions } from './report-options.js';

interface EdgesArguments extends ReportArguments {
  readonly results: string;
  readonly 'ground-truth': string;
  readonly thresholds: number;
}

export const scoreEdgesCommand: CommandModule<object, EdgesArguments> = {
  command: 'edges',
  describe: 'Boundary maps, as the Berkeley benchmark does (ODS, OIS, AP)',
  builder: (yargs) =>
    yargs
      .options({
        results: { type: 'string', demandOption: true, requiresArg: true, describe: 'Folder of grey pictures: white is a boundary.' },
        'ground-truth': { type: 'string', demandOption: true, requiresArg: true, describe: 'Folder of .mat files, as BSDS500 has them.' },
        thresholds: { type: 'number', default: 99, describe: 'Places on the curve.' },
        ...reportOptions,
      })
      .example('$0 eval score edges --results maps --ground-truth groundTruth/test', 'ODS, OIS and AP'),
  async handler(args) {
    checkReportOptions(args);
    demandRange('--thresholds', args.thresholds, 1, 255, true);
    const thresholds = thresholdsOf(args.thresholds);
    const pairs = await pairFiles(args.results, args['ground-truth'], /\.mat$/i);
    const counts: Counts[][] = [];
    const digest = new MapDigest();
    let annotators = 0;
    const started = performance.now();
    await eachPair(pairs, async ({ name, result, truth }) => {
      const boundaries = await readBoundaries(truth);
      annotators += boundaries.maps.length;
      digest.add(name, ...boundaries.maps);
      counts.push(await countMap(await readGreyMap(result), boundaries, thresholds, result));
    });
    const figuresOf = (chosen: readonly (readonly Counts[])[]) => {
      const { ods, ois, ap, r50 } = boundaryFigures(chosen, thresholds);
      return { ODS: ods.f, OIS: ois.f, AP: ap, ...(r50 === undefined ? {} : { R50: r50 }) };
    };
    const report: Report = {
      ...reportHead('edges', { sha256: digest.toString(), pictures: pairs.length, objects: annotators }),
      settings: { thresholds: args.thresholds, maxDistance: 0.0075 },
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
  },
};

interface SaliencyArguments extends ReportArguments {
  readonly results: string;
  readonly masks: string;
}

export const scoreSaliencyCommand: CommandModule<object, SaliencyArguments> = {
  command: 'saliency',
  describe: 'Maps of salient objects, as PySODMetrics does (MAE, S, F, E)',
  builder: (yargs) =>
    yargs
      .options({
        results: { type: 'string', demandOption: true, requiresArg: true, describe: 'Folder of grey pictures: white is the object.' },
        masks: { type: 'string', demandOption: true, requiresArg: true, describe: 'Folder of masks with the same names.' },
        ...reportOptions,
      })
      .example('$0 eval score saliency --results maps --masks masks', 'MAE, S-measure, F and E'),
  async handler(args) {
    checkReportOptions(args);
    const pairs = await pairFiles(args.results, args.masks, /\.(png|bmp)$/i);
    const measures: SaliencyMeasures[] = [];
    const digest = new MapDigest();
    const started = performance.now();
    await eachPair(pairs, async ({ name, result, truth }) => {
      const [map, mask] = [await readGreyMap(result), await readGreyMap(truth)];
      if (map.width !== mask.width || map.height !== mask.height)
        throw new FastsamError('DATASET_INVALID', `${result}: is ${map.width}x${map.height}, its mask ${mask.width}x${mask.height}`);
      digest.add(name, mask.levels);
      measures.push(measureSaliency(map, mask));
    });
    const figuresOf = (chosen: readonly SaliencyMeasures[]) => {
      const { mae, s, weightedF, maxF, meanF, maxE, meanE } = saliencyFigures(chosen);
      return { MAE: mae, S: s, maxF, meanF, weightedF, maxE, meanE };
    };
    const report: Report = {
      ...reportHead('saliency', { sha256: digest.toString(), pictures: pairs.length, objects: pairs.length }),
      settings: { beta2: 0.3, alpha: 0.5 },
      ...withIntervals(args, measures, figuresOf),
      seconds: { scoring: (performance.now() - started) / 1000 },
    };
    await deliverReport(args, report, [`saliency: ${pairs.length} pictures`, ...intervalLines(report)], () => {
      const rows = measures.map(({ mae, s, weightedF, f }, k) => [pairs[k]!.name, mae, s, Math.max(...f), weightedF].join(','));
      return `${['name,MAE,S,maxF,weightedF', ...rows].join('\n')}\n`;
    });
  },
};

async function eachPair(pairs: readonly Pair[], work: (pair: Pair) => Promise<void>): Promise<void> {
  const progress = startProgress(pairs.length);
  try {
    for (const pair of pairs) {
      await work(pair);
      progress.advance();
    }
  } finally {
    progress.stop();
  }
}

/** The figures of all pictures, with intervals from drawing the pictures again. */
function withIntervals<T>(
  { bootstrap, seed }: ReportArguments,
  pictures: readonly T[],
  figuresOf: (chosen: readonly T[]) => Readonly<Record<string, number>>,
): Pick<Report, 'figures' | 'bootstrap'> {
  const values = figuresOf(pictures);
  const draws = Array.from({ length: bootstrap }, (_, draw) => {
    const weights = drawPictures(pictures.length, seed, draw);
    return figuresOf(pictures.flatMap((picture, k) => Array.from({ length: weights[k]! }, () => picture)));
  });
  const figures = Object.entries(values).map(([name, value]) => {
    const drawn = draws.map((own) => Math.round((own[name] ?? 0) * 1e6) / 1e6);
    return { name, value, ...(bootstrap > 0 ? { ...middle95(drawn), draws: drawn } : {}) };
  });
  return { figures, ...(bootstrap > 0 ? { bootstrap: { draws: bootstrap, seed } } : {}) };
}
