/** The names of engine files. */
import { parse } from 'node:path';
import type { Precision } from '../../domain/precision.js';

/** Whether a file is a serialized engine rather than a model to build one from. */
export function isEngineFile(path: string): boolean {
  return /\.(engine|plan|trt)$/i.test(path);
}

/** `fastsam-s.onnx` → `fastsam-s.fp16.engine`, `fastsam-s.int8.dla0.engine`; beside the model, or in `directory`. */
export function enginePathOf(model: string, precision: Precision, dlaCore: number | null, directory?: string): string {
  const { dir, name } = parse(model);
  const file = `${name}.${precision}${dlaCore === null ? '' : `.dla${dlaCore}`}.engine`;
  return `${directory ?? (dir || '.')}/${file}`;
}
