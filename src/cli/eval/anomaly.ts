/** `fastsamd eval anomaly`, and `score` of anomaly maps: AUROC, AUPRO. */
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { picturesOfFolder } from '../../addon/picture-kinds.js';
import { makeDirectory } from '../../durable.js';
import { FeatureNetwork } from '../../engine/onnxruntime/features.js';
import { FastsamError, messageOf } from '../../errors.js';
import { deviationMap, learnGood } from '../../eval/anomaly/baseline.js';
import { type AnomalySample, anomalySamples, type DeepMap, mapsOf, pictureScore, readDeepMap } from '../../eval/anomaly/data.js';
import { type AnomalyPicture, anomalyFigures, anomalyPicture } from '../../eval/anomaly/measures.js';
import { learnSurfaces, surfaceMap } from '../../eval/anomaly/patches.js';
import { type GreyMap, MapDigest, readGreyMap } from '../../eval/grey-map.js';
import type { Report } from '../../eval/report.js';
import type { Command } from '../commands/command.js';
import { startProgress } from '../progress.js';
import {
  checkReportOptions,
  deliverReport,
  intervalLines,
  type ReportArguments,
  reportHead,
  withIntervals,
  worstOptions,
} from './report-options.js';
import { drawMap, writeWorst } from './worst.js';

const anomalyOptions = {
  test: {
    type: 'string',
    demandOption: true,
    requiresArg: true,
    describe: 'Folder with a folder of pictures for each kind of defect, and one called "good", as MVTec AD has them.',
  },
  masks: {
    type: 'string',
    requiresArg: true,
    describe: 'Folder of the masks, KIND/NAME.png or KIND/NAME_mask.png; beside the pictures when absent.',
  },
  'image-score': {
    choices: ['max', 'top'] as const,
    default: 'max' as const,
    describe: 'Score of a picture: the highest level of its map, or the mean of the highest 1 %.',
  },
  ...worstOptions,
} as const;

interface AnomalyArguments extends ReportArguments {
  readonly test: string;
  readonly masks?: string | undefined;
  readonly 'image-score': 'max' | 'top';
}

export const scoreAnomalyCommand: Command<AnomalyArguments & { readonly results: string }> = {
  builder: (yargs) =>
    yargs
      .options({
        results: {
          type: 'string',
          demandOption: true,
          requiresArg: true,
          describe: 'Folder of grey maps, KIND/NAME.png, 8 or 16 bits, as large as the masks; higher is worse, in all pictures alike.',
        },
        ...anomalyOptions,
      })
      .example('$0 eval score anomaly --results maps --test bottle/test --masks bottle/ground_truth', 'AUROC and AUPRO'),
  handler: async (args) => {
    const samples = await anomalySamples(args.test, args.masks);
    const maps = await mapsOf(args.results, samples);
    await score(args, samples, ({ name }) => readDeepMap(maps.get(name)!), {});
  },
};

export const anomalyCommand: Command<
  AnomalyArguments & { readonly train: string; readonly model?: string | undefined; readonly maps?: string | undefined }
> = {
  builder: (yargs) =>
    yargs
      .options({
        train: { type: 'string', demandOption: true, requiresArg: true, describe: 'Folder of good pictures to learn from.' },
        model: {
          type: 'string',
          requiresArg: true,
          describe: 'YOLOv8-seg model (ONNX): compare patches of its backbone (PatchCore). The deviation of each pixel when absent.',
        },
        maps: { type: 'string', requiresArg: true, describe: 'Write the maps (16 bit PNG) into this folder.' },
        ...anomalyOptions,
      })
      .example('$0 eval anomaly --train bottle/train/good --test bottle/test --masks bottle/ground_truth', 'what a model must beat')
      .example('$0 eval anomaly --train tiles/train --test tiles/test --model FastSAM-s.onnx --image-score top', 'patches'),
  handler: async (args) => {
    const samples = await anomalySamples(args.test, args.masks);
    const train = await picturesOfFolder(args.train);
    const { network, method, mapOf } = await (args.model === undefined ? byPixels(train) : byPatches(train, args.model));
    try {
      const written = async ({ name, path }: AnomalySample) => {
        const map = await mapOf(path);
        if (args.maps !== undefined) await writeDeepMap(join(args.maps, `${name}.png`), map);
        return map;
      };
      await score(args, samples, written, { method, trained: train.length, ...(args.model === undefined ? {} : { model: args.model }) });
    } finally {
      await network?.stop();
    }
  },
};

interface Method {
  readonly method: string;
  readonly mapOf: (path: string) => Promise<DeepMap>;
  /** To be stopped. */
  readonly network?: FeatureNetwork;
}

async function byPixels(train: readonly string[]): Promise<Method> {
  const good = await learnGood(train);
  return { method: 'pixel deviation', mapOf: (path) => deviationMap(path, good) };
}

async function byPatches(train: readonly string[], model: string): Promise<Method> {
  const network = await FeatureNetwork.open(model);
  try {
    const memory = await learnSurfaces(train, network);
    return { method: 'patch memory', network, mapOf: (path) => surfaceMap(path, memory, network) };
  } catch (error) {
    await network.stop();
    throw error;
  }
}

/** Errors: OUTPUT_UNWRITABLE. */
async function writeDeepMap(path: string, { width, height, levels }: DeepMap): Promise<void> {
  try {
    await makeDirectory(dirname(path));
    await sharp(levels, { raw: { width, height, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toFile(path);
  } catch (cause) {
    throw new FastsamError('OUTPUT_UNWRITABLE', `${path}: cannot be written: ${messageOf(cause)}`, { cause });
  }
}

async function score(
  args: AnomalyArguments,
  samples: readonly AnomalySample[],
  mapOf: (sample: AnomalySample) => Promise<DeepMap>,
  settings: Report['settings'],
): Promise<void> {
  checkReportOptions(args);
  const pictures: AnomalyPicture[] = [];
  const digest = new MapDigest();
  let highest = 1;
  const progress = startProgress(samples.length);
  const started = performance.now();
  try {
    for (const sample of samples) {
      const map = await mapOf(sample);
      highest = map.levels.reduce((high, level) => Math.max(high, level), highest);
      const mask = sample.mask === undefined ? undefined : await readGreyMap(sample.mask);
      if (mask && (mask.width !== map.width || mask.height !== map.height)) {
        const sizes = `its map is ${map.width}x${map.height}, its mask ${mask.width}x${mask.height}`;
        throw new FastsamError('DATASET_INVALID', `${sample.name}: ${sizes}`);
      }
      const wrong = mask && defectOf(mask);
      digest.add(sample.name, ...(wrong ? [wrong] : []));
      pictures.push(anomalyPicture(map.levels, wrong, map.width, pictureScore(map.levels, args['image-score']), sample.bad));
      progress.advance();
    }
  } finally {
    progress.stop();
  }
  const regions = pictures.reduce((sum, picture) => sum + picture.regions.length, 0);
  const figuresOf = (chosen: readonly AnomalyPicture[]) => {
    const { imageAuroc, imageF1, pixelAuroc, aupro } = anomalyFigures(chosen);
    // A draw may have no good picture at all: it says nothing.
    const known = (value: number) => (Number.isNaN(value) ? -1 : value);
    return { 'image AUROC': known(imageAuroc), 'image F1max': known(imageF1), 'pixel AUROC': known(pixelAuroc), 'AUPRO@0.3': known(aupro) };
  };
  const report: Report = {
    ...reportHead('anomaly', { sha256: digest.toString(), pictures: pictures.length, objects: regions }),
    settings: { ...settings, imageScore: args['image-score'] },
    ...withIntervals(args, pictures, figuresOf),
    seconds: { scoring: (performance.now() - started) / 1000 },
  };
  const good = samples.filter(({ bad }) => !bad).length;
  const kinds = [...new Set(samples.filter(({ bad }) => bad).map(({ name }) => name.split('/')[0]!))];
  const byKind = kinds.map((kind) => {
    const own = pictures.filter((picture, k) => !picture.bad || samples[k]!.name.startsWith(`${kind}/`));
    const { imageAuroc, aupro } = anomalyFigures(own);
    return `  ${kind.padEnd(14)} image AUROC ${imageAuroc.toFixed(4)}, AUPRO ${aupro.toFixed(4)}`;
  });
  const lines = [
    `anomaly: ${good} good and ${pictures.length - good} bad pictures, ${regions} regions`,
    ...intervalLines(report),
    ...byKind,
  ];
  await deliverReport(args, report, lines, () => {
    const rows = samples.map(({ name, bad }, k) => [name, bad ? 1 : 0, pictures[k]!.score, pictures[k]!.regions.length].join(','));
    return `${['name,bad,score,regions', ...rows].join('\n')}\n`;
  });
  const cases = samples.map((sample, k) => {
    const { score, bad } = pictures[k]!;
    const others = pictures.filter((other) => other.bad !== bad).map((other) => (bad ? score - other.score : other.score - score));
    const ahead = others.filter((lead) => lead > 0).length;
    return {
      item: sample,
      name: sample.name,
      // Its own part of the pictures' AUROC, then by how much it leads or lags.
      rank: [others.reduce((sum, lead) => sum + Math.sign(lead), 0) / others.length, others.reduce((sum, lead) => sum + lead, 0)],
      why: `${bad ? 'defect' : 'good'}, score ${Math.round(score)}: ${bad ? 'above' : 'below'} ${ahead} of ${others.length} ${bad ? 'good' : 'bad'} pictures`,
    };
  });
  await writeWorst(args, cases, async (sample) => {
    const map = await mapOf(sample);
    const wrong = sample.mask === undefined ? new Uint8Array(map.levels.length) : defectOf(await readGreyMap(sample.mask));
    // All pictures on one scale: a level is worth what it is beside those of the others.
    const answer = Uint8Array.from(map.levels, (level) => (255 * level) / highest);
    return drawMap(sample.path, map, wrong, answer);
  });
}

/** 1 where a mask shows a defect. */
function defectOf({ levels }: GreyMap): Uint8Array {
  return levels.map((level) => (level > 127 ? 1 : 0));
}
