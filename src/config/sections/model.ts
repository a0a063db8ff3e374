import { z } from 'zod';
import { path } from './common.js';

export const modelSchema = z.strictObject({
  path: path.meta({
    description: 'ONNX file with the YOLOv8-seg contract (FastSAM-s, FastSAM-x, YOLOv8/YOLO11-seg). Relative to this file.',
  }),
  backend: z
    .enum(['auto', 'onnxruntime', 'tensorrt'])
    .default('auto')
    .meta({ description: 'auto: tensorrt where this build has it, else onnxruntime.' }),
  onnxruntime: z
    .strictObject({
      providers: z
        .array(z.enum(['cpu', 'cuda', 'tensorrt', 'coreml', 'dml']))
        .min(1)
        .default(['cpu'])
        .meta({ description: 'Execution providers, in order of preference.' }),
      threads: z.number().int().min(0).max(256).default(0).meta({ description: 'Threads of one inference; 0: one per core.' }),
    })
    .prefault({}),
});
