/** `fastsamd eval buildings`, and `score` of footprints: F1 against footprints on a map. */

import { basename } from 'node:path';
import { native } from '../../addon/addon.js';
import type { BackendChoice } from '../../domain/backend.js';
import type { Segments } from '../../domain/segments.js';
import { type Comparison, compareObjects } from '../../encode/comparison.js';
import { FastsamError } from '../../errors.js';
import { type Footprints, metresAt, readFootprints } from '../../eval/buildings/footprints.js';
import {
  clipped,
  countFootprints,
  FOUND_IOU,
  type Footprint,
  type FootprintCounts,
  type FootprintMatches,
  footprintFigures,
  type MatchedFootprint,
  matchFootprints,
} from '../../eval/buildings/score.js';
import { shrunkFrame } from '../../eval/picture-frames.js';
import type { Report } from '../../eval/report.js';
import { pixelOfPlace } from '../../geo/coordinate-system.js';
import { featuresOf, outlinesOf, type PlacedPicture, placedPicture } from '../../geo/features.js';
import { readGeoreference, readNoData } from '../../geo/georeference.js';
import { sha256OfFile } from '../../model/checksum.js';
import { segmentFrames } from '../../pipeline/segment-frames.js';
import { tiledEngine } from '../../pipeline/tiled-engine.js';
import { openSource } from '../../source/open.js';
import type { Command } from '../commands/command.js';
import { demandRange, modelOptions, segmentationOptions } from '../model-options.js';
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
  writeFileWhole,
} from './report-options.js';
import { writeWorst } from './worst.js';

/** Longest side of a drawn picture, pixels. */
const DRAWN_SIDE = 2048;

const buildingOptions = {
  truth: {
    type: 'string',
    demandOption: true,
    requiresArg: true,
    describe: "Footprints: GeoJSON, or SpaceNet's CSV of polygons in pixels.",
  },
  'min-area': {
    type: 'number',
    default: 20,
    describe: 'Leave out smaller footprints: pixels, or square metres between two GeoJSON files.',
  },
} as const;

interface BuildingArguments extends ReportArguments {
  readonly truth: string;
  readonly 'min-area': number;
}

interface ModelBuildingArguments extends BuildingArguments {
  readonly image: readonly string[];
  readonly model?: string | undefined;
  readonly backend: BackendChoice;
  readonly threads: number;
  readonly conf: number;
  readonly iou: number;
  readonly 'max-det': number;
  readonly tile: number;
  readonly overlap: number;
  readonly epsg?: number | undefined;
  readonly regularize: boolean;
  readonly results?: string | undefined;
}

export const scoreBuildingsCommand: Command<BuildingArguments & { readonly results: string }> = {
  builder: (yargs) =>
    yargs
      .options({
        results: { type: 'string', demandOption: true, requiresArg: true, describe: 'Footprints to score, in the format of --truth.' },
        ...buildingOptions,
        ...reportOptions,
      })
      .example('$0 eval score buildings --results found.geojson --truth buildings.geojson', 'F1, precision and recall'),
  handler: score,
};

export const buildingsCommand: Command<ModelBuildingArguments> = {
  builder: (yargs) =>
    yargs
      .options({
        image: { type: 'string', array: true, demandOption: true, describe: 'Georeferenced pictures: GeoTIFF, or with a world file.' },
        ...modelOptions,
        conf: segmentationOptions.conf,
        iou: segmentationOptions.iou,
        'max-det': segmentationOptions['max-det'],
        tile: { type: 'number', default: 1024, describe: 'Segment in tiles of this many pixels a side.' },
        overlap: { type: 'number', default: 0.2, describe: 'Share of a tile that neighbours have in common.' },
        epsg: { type: 'number', describe: 'Coordinate system of the pictures, where they do not say.' },
        regularize: { type: 'boolean', default: false, describe: 'Give the outlines right angles.' },
        results: { type: 'string', requiresArg: true, describe: 'Write the outlines (GeoJSON).' },
        ...buildingOptions,
        ...worstOptions,
      })
      .example('$0 eval buildings --image tile.tif --truth buildings.geojson --model fastsam-s', 'F1, precision and recall'),
  handler: evaluate,
};

async function score(args: BuildingArguments & { readonly results: string }): Promise<void> {
  check(args);
  const [results, truth] = [await readFootprints(args.results), await readFootprints(args.truth)];
  const counts = new Map<string, FootprintCounts>();
  for (const [name, proposals, truths] of pairsOf(results, truth, args)) {
    counts.set(name, countFootprints(proposals, truths, args['min-area']));
  }
  await deliver(args, counts, {});
}

/** Footprints of each picture, in one plane. Errors: DATASET_INVALID for files of two kinds, and results of other pictures. */
function pairsOf(
  results: Footprints,
  truth: Footprints,
  args: { readonly results: string; readonly truth: string },
): [string, readonly Footprint[], readonly Footprint[]][] {
  if (results.plane === 'pixels' && truth.plane === 'pixels') {
    const strange = [...results.pictures.keys()].find((name) => !truth.pictures.has(name));
    if (strange !== undefined)
      throw new FastsamError('DATASET_INVALID', `${args.results}: ${strange} is not in ${args.truth}: results of another data set?`);
    return [...truth.pictures].map(([name, truths]) => [name, results.pictures.get(name) ?? [], truths]);
  }
  if (results.plane === 'wgs84' && truth.plane === 'wgs84') {
    const latitudes = truth.all.flatMap((footprint) => footprint[0]?.[0]?.[0]?.[1] ?? []);
    if (latitudes.length === 0) throw new FastsamError('DATASET_INVALID', `${args.truth}: no footprints in it`);
    const middle = latitudes.reduce((sum, latitude) => sum + latitude, 0) / latitudes.length;
    const metres = (all: readonly Footprint[]) => all.map((footprint) => metresAt(footprint, middle));
    return [[basename(args.truth), metres(results.all), metres(truth.all)]];
  }
  throw new FastsamError(
    'DATASET_INVALID',
    `${args.results}, ${args.truth}: one has pixels and the other places; expected two CSV or two GeoJSON files`,
  );
}

async function evaluate(args: ModelBuildingArguments): Promise<void> {
  check(args);
  demandRange('--conf', args.conf, 0, 1);
  demandRange('--iou', args.iou, 0, 1);
  demandRange('--max-det', args['max-det'], 1, 1000, true);
  demandRange('--tile', args.tile, 64, 8192, true);
  demandRange('--overlap', args.overlap, 0, 0.9);
  const truth = await readFootprints(args.truth);
  const places = new Map<string, PlacedPicture>();
  for (const path of args.image) {
    if (truth.plane === 'pixels' && args.results === undefined) continue;
    places.set(path, placedPicture(path, await readGeoreference(path), args.epsg));
  }
  const opened = await openModel(args);
  const engine = tiledEngine(opened, { size: args.tile, overlap: args.overlap });
  const outline = { tolerance: 1, square: args.regularize };
  const footprintsOf = async (path: string) => {
    const segments = await segmentPicture(path, engine, { conf: args.conf, iou: args.iou, maxDet: args['max-det'], snapToBorder: 0 });
    const all = Uint32Array.from({ length: segments.count }, (_, index) => index);
    const truths = truthsOf(truth, path, places.get(path), segments, args.truth);
    return { segments, all, truths, proposals: await outlinesOf(segments, all, outline) };
  };
  const counts = new Map<string, FootprintCounts>();
  const features: object[] = [];
  try {
    const model = await reportModel(opened, args.model);
    const progress = startProgress(args.image.length);
    const started = performance.now();
    try {
      for (const path of args.image) {
        const { segments, all, truths, proposals } = await footprintsOf(path);
        counts.set(basename(path), countFootprints(proposals, truths, args['min-area']));
        if (args.results !== undefined) {
          const options = { ...outline, labels: engine.model.labels, source: basename(path) };
          for (const feature of await featuresOf(segments, all, places.get(path)!, options)) features.push(feature);
        }
        progress.advance();
      }
    } finally {
      progress.stop();
    }
    const inference = (performance.now() - started) / 1000;
    if (args.results !== undefined) await writeFileWhole(args.results, `${JSON.stringify({ type: 'FeatureCollection', features })}\n`);
    const { conf, iou, 'max-det': maxDet, tile, overlap, regularize } = args;
    await deliver(args, counts, { settings: { conf, iou, maxDet, snapToBorder: 0, tile, overlap, regularize }, inference, model });
    const cases = args.image.map((path) => {
      const { F1, precision, recall } = footprintFigures([counts.get(basename(path))!]);
      const why = `F1 ${F1.toFixed(3)}, precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}`;
      return { item: path, name: basename(path).replace(/\.\w+$/, ''), rank: [F1, recall, precision], why };
    });
    await writeWorst(args, cases, async (path) => {
      const { truths, proposals } = await footprintsOf(path);
      return drawFootprints(path, matchFootprints(proposals, truths, args['min-area']));
    });
  } finally {
    await engine.stop();
  }
}

/** Footprints in pixels of the picture, on the picture or, where it is large, on a smaller copy. */
async function drawFootprints(path: string, { truths, proposals }: FootprintMatches): Promise<Comparison> {
  const { frame, scale } = await shrunkFrame(path, DRAWN_SIDE, { noData: await readNoData(path) });
  try {
    const { width, height } = frame;
    const judged = (footprints: readonly MatchedFootprint[]) =>
      footprints.map(({ footprint, matched }) => {
        // The outer rings: a courtyard is drawn as part of its building.
        const rings = footprint.flatMap(([outer]) => (outer ? [outer.flatMap(([x, y]) => [x * scale, y * scale])] : []));
        return { runs: native().polygonMask(rings, width, height), matched };
      });
    return await compareObjects(frame, { width, height }, judged(truths), judged(proposals));
  } finally {
    frame.release();
  }
}

async function segmentPicture(
  path: string,
  engine: ReturnType<typeof tiledEngine>,
  segmentation: Parameters<typeof engine.segment>[1],
): Promise<Segments> {
  const source = await openSource(path, { inParts: true, stretchDepth: true });
  try {
    for await (const { segmented } of segmentFrames(source, engine, { segmentation: () => segmentation })) return segmented.segments;
  } finally {
    await source.stop();
  }
  throw new FastsamError('SOURCE_CORRUPT', `${path}: no picture in it`);
}

/** The truths that lie in the picture, in its pixels. Errors: DATASET_INVALID when there are none. */
function truthsOf(
  truth: Footprints,
  path: string,
  place: PlacedPicture | undefined,
  { width, height }: Segments,
  file: string,
): Footprint[] {
  const stem = basename(path).replace(/\.\w+$/, '');
  const inPixels =
    truth.plane === 'pixels'
      ? (truth.pictures.get(stem) ?? [])
      : truth.all.map((footprint) =>
          footprint.map((rings) => rings.map((ring) => ring.map((point) => pixelOfPlace(place!.affine, place!.system.fromWgs84(point))))),
        );
  const inside = inPixels.map((footprint) => clipped(footprint, width, height)).filter((footprint) => footprint.length > 0);
  if (inside.length === 0) throw new FastsamError('DATASET_INVALID', `${file}: no footprint lies in ${path}`);
  return inside;
}

function check(args: BuildingArguments): void {
  checkReportOptions(args);
  demandRange('--min-area', args['min-area'], 0, 1e12);
}

async function deliver(
  args: BuildingArguments,
  counts: ReadonlyMap<string, FootprintCounts>,
  {
    settings = {},
    inference,
    model,
  }: { readonly settings?: Report['settings']; readonly inference?: number; readonly model?: Report['model'] },
): Promise<void> {
  const all = [...counts.values()];
  const sum = (pick: (own: FootprintCounts) => number) => all.reduce((total, own) => total + pick(own), 0);
  const [found, wrong, missed] = [sum((own) => own.found), sum((own) => own.wrong), sum((own) => own.missed)];
  // One picture cannot be drawn again.
  const intervals = { ...args, bootstrap: counts.size > 1 ? args.bootstrap : 0 };
  const report: Report = {
    ...reportHead('buildings', { sha256: await sha256OfFile(args.truth), pictures: counts.size, objects: found + missed }),
    ...(model ? { model } : {}),
    settings: { ...settings, minArea: args['min-area'], foundIou: FOUND_IOU },
    ...withIntervals(intervals, all, footprintFigures),
    seconds: inference === undefined ? {} : { inference },
  };
  const lines = [
    `buildings: ${counts.size} pictures, ${found + missed} footprints: ${found} found, ${missed} missed, ${wrong} wrong`,
    ...intervalLines(report),
  ];
  await deliverReport(args, report, lines, () => {
    const rows = [...counts].map(([name, own]) => {
      const { F1, precision, recall } = footprintFigures([own]);
      return [name, own.found, own.wrong, own.missed, precision, recall, F1].join(',');
    });
    return `${['name,found,wrong,missed,precision,recall,F1', ...rows].join('\n')}\n`;
  });
}
