/** `fastsamd measure`: what the objects of one picture measure. */
import { DIMENSION, MEASURES, type Measure } from '../domain/measure.js';
import { boxOf } from '../domain/segments.js';
import { drawMeasures } from '../encode/measure-overlay.js';
import { objectsToSend } from '../encode/result.js';
import { FastsamError } from '../errors.js';
import { loadCalibration } from '../inspect/calibration-file.js';
import { ANYWHERE, areaWithCalibration, type Calibration, nominalScale, withCalibration } from '../measure/calibration.js';
import { measureObjects, type ObjectMeasures, protoCell } from '../measure/measures.js';
import { runPipeline } from '../pipeline/pipeline.js';
import { assertLabels } from '../prompt/label-check.js';
import { firstFrames } from '../source/limit.js';
import { TextStage } from '../text/stage.js';
import { TEXT_DEFAULTS, TextModel } from '../text/text-model.js';
import { finishBeforeLeaving, sayWritten, withSource, writeLine } from './leaving.js';
import { demandRange, type SegmentationArguments, segmentationOf } from './model-options.js';
import { type ModelArguments, openModel } from './open-model.js';
import { Inputs } from './overwriting.js';
import { demandPicture, writePicture } from './picture-file.js';
import type { PromptArguments } from './prompt-options.js';
import { promptsOf } from './prompts-of.js';

export interface MeasureArguments extends SegmentationArguments, PromptArguments, ModelArguments {
  readonly picture: string;
  readonly scale?: number | undefined;
  readonly calibration?: string | undefined;
  readonly edge: 'refined' | 'mask';
  readonly colour: boolean;
  readonly json: boolean;
  readonly out?: string | undefined;
}

/** Columns of the table. */
const COLUMNS: readonly Measure[] = ['x', 'y', 'area', 'diameter', 'length', 'width', 'orientation', 'circularity', 'holes'];

/** Decimals of a number that has no uncertainty to say how many it deserves. */
const DECIMALS: Partial<Record<Measure, number>> = { area: 1, orientation: 1, circularity: 3, holes: 0 };

export async function measure(args: MeasureArguments): Promise<void> {
  const segmentation = segmentationOf(args);
  demandRange('--min-iou', args['min-iou'], 0, 1);
  if (args.scale !== undefined) demandRange('--scale', args.scale, 1e-9, 1e9);
  if (args['text-threshold'] !== undefined) demandRange('--text-threshold', args['text-threshold'], -1, 1);
  const calibration = args.calibration === undefined ? undefined : (await loadCalibration(args.calibration)).calibration;
  const prompts = promptsOf(args);
  if (args.out !== undefined) await checkOutput(args.out, [args.picture, ...(args.calibration === undefined ? [] : [args.calibration])]);
  const engine = await openModel(args);
  using finishing = finishBeforeLeaving();
  const text = new TextModel({ options: { ...TEXT_DEFAULTS, model: args['text-model'] }, onnxruntime: { threads: args.threads } });
  try {
    assertLabels(prompts, engine.model);
    await text.prepare(prompts);
    await withSource(args.picture, {}, finishing, (source) =>
      runPipeline({
        source: firstFrames(source, 1),
        engine,
        segmentation: () => segmentation,
        prompts: () => ({ revision: 0, prompts }),
        text: new TextStage({ model: text }),
        deliver: async (result, frame) => {
          const { segments } = result;
          if (calibration) demandSize(calibration, segments, args.calibration!);
          const measured = await measureObjects(frame, segments, objectsToSend(result, 'matched'), {
            edge: args.edge,
            cell: protoCell(result.geometry),
            colour: args.colour,
            outlines: args.out !== undefined,
            calibration,
          });
          const scaled = new Scaled(args.scale, calibration);
          if (args.json) {
            const objects = measured.map((object) => ({
              index: object.index,
              score: segments.scores[object.index],
              box: boxOf(segments, object.index),
              ...scaled.toJson(object),
            }));
            const { width, height } = segments;
            const picture = { source: result.origin, width, height, model: result.model.name, unit: scaled.unit, scale: scaled.scale };
            await writeLine(JSON.stringify({ ...picture, objects }));
          } else for (const line of table(measured, scaled)) await writeLine(line);
          if (args.out === undefined) return;
          const rgb = await drawMeasures(frame, measured, { format: (object, name) => scaled.format(object, name), unit: scaled.unit });
          await writePicture(args.out, rgb, frame);
          sayWritten(args.out, { onlyJson: args.json });
        },
      }),
    );
  } finally {
    await Promise.all([engine.stop(), text.stop()]);
  }
}

/** Measures in the user's unit. */
class Scaled {
  readonly unit: 'mm' | 'px';
  /** Millimetres per pixel; 1 in pixels; of a calibration its nominal scale. */
  readonly scale: number;
  readonly #calibration: Calibration | undefined;

  constructor(scale: number | undefined, calibration: Calibration | undefined) {
    this.unit = scale === undefined && !calibration ? 'px' : 'mm';
    this.scale = calibration ? nominalScale(calibration) : (scale ?? 1);
    this.#calibration = calibration;
  }

  value(object: ObjectMeasures, name: Measure): number {
    return object.values[name] * this.scale ** DIMENSION[name];
  }

  uncertainty(object: ObjectMeasures, name: Measure): number {
    const own = object.uncertainties[name] * this.scale ** DIMENSION[name];
    if (!this.#calibration) return own;
    const value = this.value(object, name);
    if (DIMENSION[name] === 1) return withCalibration(own, this.#calibration, name === 'x' || name === 'y' ? ANYWHERE : value);
    return DIMENSION[name] === 2 ? areaWithCalibration(own, this.#calibration, value) : own;
  }

  /** `40.021±0.012`, with two digits of the uncertainty; `–` when undefined. */
  format(object: ObjectMeasures, name: Measure): string {
    const value = this.value(object, name);
    const uncertainty = this.uncertainty(object, name);
    if (Number.isNaN(value)) return '–';
    if (!(uncertainty > 0)) return value.toFixed(DECIMALS[name] ?? 2);
    const decimals = Math.max(0, Math.min(6, 1 - Math.floor(Math.log10(uncertainty))));
    return `${value.toFixed(decimals)}±${uncertainty.toFixed(decimals)}`;
  }

  /** Undefined measures are null. */
  toJson(object: ObjectMeasures): object {
    const all = (of: (name: Measure) => number) =>
      Object.fromEntries(MEASURES.map((name) => [name, Number.isFinite(of(name)) ? of(name) : null]));
    return {
      edge: object.edge,
      doubts: object.doubts,
      values: all((name) => this.value(object, name)),
      uncertainties: all((name) => this.uncertainty(object, name)),
      ...(object.lab ? { lab: object.lab } : {}),
    };
  }
}

function* table(measured: readonly ObjectMeasures[], scaled: Scaled): Iterable<string> {
  if (measured.length === 0) {
    yield 'no objects';
    return;
  }
  const colour = measured.some(({ lab }) => lab);
  const unitOf = (name: Measure) => (name === 'orientation' ? ' °' : ['', ` ${scaled.unit}`, ` ${scaled.unit}²`][DIMENSION[name]]!);
  const rows = [
    ['object', ...COLUMNS.map((name) => name + unitOf(name)), ...(colour ? ['L*, a*, b*'] : []), 'edge'],
    ...measured.map((object) => [
      String(object.index),
      ...COLUMNS.map((name) => scaled.format(object, name)),
      ...(colour ? [object.lab!.map((value) => value.toFixed(1)).join(', ')] : []),
      [object.edge, ...object.doubts].join(' '),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows) {
    yield row.map((cell, column) => (column === row.length - 1 ? cell : cell.padStart(widths[column]!))).join('  ');
  }
}

/** Errors: USAGE. */
function demandSize({ frame }: Calibration, { width, height }: { readonly width: number; readonly height: number }, file: string): void {
  if (frame.width === width && frame.height === height) return;
  const message = `${file} is of pictures of ${frame.width}×${frame.height}, this one has ${width}×${height}; calibrate at this size`;
  throw new FastsamError('USAGE', `--calibration ${message}`);
}

/** Errors: USAGE for what is no picture, or is the input. */
async function checkOutput(path: string, inputs: readonly string[]): Promise<void> {
  demandPicture(path, '--out');
  await (await Inputs.of(inputs)).demandOther(path, '--out');
}
