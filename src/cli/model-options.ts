/** Options that every command with a model shares. */

import { BACKEND_CHOICES } from '../domain/backend.js';
import { SEGMENTATION_DEFAULTS } from '../domain/segmentation.js';
import type { SegmentationOptions } from '../engine/engine.js';
import { FastsamError } from '../errors.js';
import { grouped } from './option-groups.js';

export const modelOptions = grouped('Model', {
  model: {
    type: 'string',
    requiresArg: true,
    describe:
      'Name of an installed model (fastsam-s), or an ONNX file (FastSAM or any YOLOv8-seg / YOLO11-seg export), or a TensorRT engine; FastSAM-s where it is installed, else the small model that comes with fastsamd, when absent.',
  },
  backend: { choices: BACKEND_CHOICES, default: 'auto', describe: 'What runs the network.' },
  threads: { type: 'number', default: 0, describe: 'Threads of one inference; 0: one per core that fastsamd may use.' },
});

export const segmentationOptions = grouped('Objects', {
  conf: { type: 'number', default: SEGMENTATION_DEFAULTS.conf, describe: 'Keep objects with a score above this.' },
  iou: { type: 'number', default: SEGMENTATION_DEFAULTS.iou, describe: 'Drop a box that overlaps a better one by more than this.' },
  'max-det': { type: 'number', default: SEGMENTATION_DEFAULTS.maxDet, describe: 'Most objects per frame.' },
  'snap-to-border': {
    type: 'number',
    describe:
      'Input pixels within which a box side moves onto the border of the frame; default 20 for class-agnostic models, 0 for labelled ones.',
  },
});

export interface SegmentationArguments {
  readonly conf: number;
  readonly iou: number;
  readonly 'max-det': number;
  readonly 'snap-to-border'?: number | undefined;
}

/** Checks the ranges. Errors: USAGE. */
export function segmentationOf(args: SegmentationArguments): SegmentationOptions {
  const snap = args['snap-to-border'];
  demandRange('--conf', args.conf, 0, 1);
  demandRange('--iou', args.iou, 0, 1);
  demandRange('--max-det', args['max-det'], 1, 1000, true);
  if (snap !== undefined) demandRange('--snap-to-border', snap, 0, 256);
  return { conf: args.conf, iou: args.iou, maxDet: args['max-det'], snapToBorder: snap ?? 'auto' };
}

export function demandRange(option: string, value: number, min: number, max: number, integer = false): void {
  if (value >= min && value <= max && (!integer || Number.isInteger(value))) return;
  throw new FastsamError('USAGE', `${option}: expected ${integer ? 'a whole number' : 'a number'} from ${min} to ${max}`);
}
