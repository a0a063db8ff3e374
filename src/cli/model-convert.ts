/** `fastsamd model convert`: fewer bits for speed. */
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { convertModel, writeModel } from '../engine/convert/convert.js';
import { isEngineFile } from '../engine/tensorrt/engine-file.js';
import { FastsamError } from '../errors.js';
import { megabytes } from '../model/bytes.js';
import { resolveModel } from '../model/installed.js';
import { startProgress } from './progress.js';
import { say } from './terminal.js';

export interface ConvertArguments {
  readonly model: string;
  readonly fp16: boolean;
  readonly int8: boolean;
  readonly calib?: string | undefined;
  readonly output?: string | undefined;
}

export async function convertModelFile({ fp16, int8, calib, ...args }: ConvertArguments): Promise<void> {
  if (fp16 === int8) throw new FastsamError('USAGE', 'expected one of --fp16 and --int8');
  if (int8 !== (calib !== undefined))
    throw new FastsamError('USAGE', '--int8 and --calib DIR go together: pictures of what the camera will see');
  const path = await resolveModel(args.model);
  if (isEngineFile(path)) throw new FastsamError('USAGE', `${path}: is a TensorRT engine; convert the ONNX model it was built from`);
  const precision = int8 ? 'int8' : 'fp16';
  const output = args.output ?? join(dirname(path), `${basename(path).replace(/\.onnx$/i, '')}.${precision}.onnx`);
  const begin = performance.now();
  let progress: ReturnType<typeof startProgress> | undefined;
  try {
    const converted = await convertModel(path, {
      precision,
      calibration: calib,
      onProgress: (_, total) => {
        progress ??= startProgress(total);
        progress.advance();
      },
    });
    progress?.stop();
    const bytes = await writeModel(output, converted.model);
    const { size: before } = await stat(path);
    const [reduced, all] = converted.convolutions;
    const pictures = converted.pictures > 0 ? `, calibrated with ${converted.pictures} pictures` : '';
    say(
      `wrote ${output}: ${megabytes(bytes)} (was ${megabytes(before)}), ${precision}, ${reduced} of ${all} convolutions${pictures}, input ${converted.height}×${converted.width}, in ${((performance.now() - begin) / 1000).toFixed(1)} s`,
    );
  } finally {
    progress?.stop();
  }
}
