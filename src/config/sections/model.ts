import { z } from 'zod';
import { BACKEND_CHOICES } from '../../domain/backend.js';
import { PRECISIONS } from '../../domain/precision.js';
import { path } from './common.js';

export const modelSchema = z.strictObject({
  path: path.meta({
    description: 'ONNX file with the YOLOv8-seg contract (FastSAM-s, FastSAM-x, YOLOv8/YOLO11-seg). Relative to this file.',
  }),
  backend: z
    .enum(BACKEND_CHOICES)
    .default('auto')
    .meta({ description: 'auto: tensorrt where this build has it and there is a GPU, else onnxruntime.' }),
  onnxruntime: z
    .strictObject({
      providers: z
        .array(z.enum(['cpu', 'cuda', 'tensorrt', 'coreml', 'dml']))
        .min(1)
        .default(['cpu'])
        .meta({ description: 'Execution providers, in order of preference.' }),
      threads: z
        .number()
        .int()
        .min(0)
        .max(256)
        .default(0)
        .meta({ description: 'Threads of one inference; 0: one per core that fastsamd may use.' }),
    })
    .prefault({}),
  tensorrt: z
    .strictObject({
      precision: z.enum(PRECISIONS).default('fp16').meta({
        description:
          'What the engine computes in. Fewer bits than fp32 are verified against the model after the build. int8 needs calibration, unless the model is in 8 bit already.',
      }),
      dlaCore: z.number().int().min(0).max(15).optional().meta({ description: 'Deep Learning Accelerator core; the GPU when absent.' }),
      workspaceMiB: z
        .number()
        .int()
        .min(0)
        .max(1_048_576)
        .default(0)
        .meta({ description: 'Scratch memory for building the engine, MiB; 0: all there is.' }),
      optimizationLevel: z.number().int().min(0).max(5).default(3).meta({
        description:
          'How long the builder looks for fast tactics, 0 to 5: less builds sooner and with less memory. TensorRT 8.5 has no such choice.',
      }),
      contexts: z.number().int().min(1).max(16).default(2).meta({ description: 'Frames in flight at once; each takes memory of the GPU.' }),
      engineDirectory: path
        .optional()
        .meta({ description: 'Folder of built engines; beside the model when absent. Relative to this file.' }),
      calibration: path.optional().meta({
        description:
          'Folder of pictures of what the camera sees: for int8, and to verify the engine with (drawn scenes when absent). Relative to this file.',
      }),
      allowUnverified: z
        .boolean()
        .default(false)
        .meta({ description: 'Use an engine that has not passed its verification; raises an alert.' }),
    })
    .prefault({}),
});
