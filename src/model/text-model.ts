/** A pair of text and image encoders as CLIP exports lie on the Hugging Face hub: a directory. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isModelName } from '../domain/model-name.js';
import { readBounded } from '../durable.js';
import { FastsamError, messageOf } from '../errors.js';
import { modelDirectories } from './installed.js';
import { readManifest } from './manifest.js';

const MAX_CONFIG_BYTES = 64 * 1024;
/** CLIP's own mean and standard deviation of red, green and blue. */
const CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073] as const;
const CLIP_DEVIATION = [0.26862954, 0.26130258, 0.27577711] as const;

export type Triple = readonly [number, number, number];

/** How a picture is prepared for the encoder. */
export interface Preprocessing {
  /** Side of the square in pixels, where the directory says; the network's own input goes before it. */
  readonly size: number | undefined;
  readonly filter: 'bilinear' | 'bicubic';
  readonly mean: Triple;
  readonly deviation: Triple;
  /** 8 bit colour of what is not there: the mean the model was trained around. */
  readonly fill: Triple;
}

export interface TextModelFiles {
  readonly directory: string;
  readonly textModel: string;
  readonly visionModel: string;
  readonly tokenizer: string;
  readonly preprocessing: Preprocessing;
}

const side = z.number().int().min(16).max(1024);
const sizeSchema = z.union([side, z.object({ height: side, width: side }), z.object({ shortest_edge: side })]).optional();
const triple = z.tuple([z.number().min(-10).max(10), z.number().min(-10).max(10), z.number().min(-10).max(10)]);

/** The part of a Hugging Face image processor's configuration that matters here. */
const preprocessorSchema = z.object({
  size: sizeSchema,
  crop_size: sizeSchema,
  image_mean: triple.optional(),
  image_std: z.tuple([z.number().min(1e-3), z.number().min(1e-3), z.number().min(1e-3)]).optional(),
  do_normalize: z.boolean().default(true),
  do_rescale: z.boolean().default(true),
  rescale_factor: z.number().optional(),
  /** Pillow's number of the filter. */
  resample: z.number().int().optional(),
});

/** Pillow's Resampling.BILINEAR and BICUBIC. */
const FILTERS: Readonly<Record<number, Preprocessing['filter']>> = { 2: 'bilinear', 3: 'bicubic' };

/**
 * Finds the files of a text model given by directory or by the name of an installed one. The ONNX files may lie in the
 * directory or in its `onnx` folder, as on the hub. Errors: MODEL_NOT_FOUND naming what is missing, MODEL_UNSUPPORTED.
 */
export async function findTextModel(model: string): Promise<TextModelFiles> {
  const directory = isModelName(model) ? await installedDirectory(model) : model;
  const find = async (...names: readonly string[]) => {
    for (const name of names) if (await exists(join(directory, name))) return join(directory, name);
    throw new FastsamError(
      'MODEL_NOT_FOUND',
      `${directory}: no ${names[0]} there; a text model is a directory with text_model.onnx, vision_model.onnx and tokenizer.json (CLIP, MobileCLIP, SigLIP exports)`,
    );
  };
  return {
    directory,
    textModel: await find('text_model.onnx', 'onnx/text_model.onnx'),
    visionModel: await find('vision_model.onnx', 'onnx/vision_model.onnx'),
    tokenizer: await find('tokenizer.json'),
    preprocessing: await readPreprocessing(join(directory, 'preprocessor_config.json')),
  };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function installedDirectory(name: string): Promise<string> {
  for (const parent of modelDirectories()) {
    if (await exists(join(parent, name, 'tokenizer.json'))) return join(parent, name);
  }
  const known = (await readManifest()).find((entry) => entry.name === name);
  throw new FastsamError(
    'MODEL_NOT_FOUND',
    known ? `${name}: not installed; "fastsamd model pull ${name}" fetches it` : `${name}: no such text model; expected a directory`,
  );
}

/** Reads a `preprocessor_config.json`; CLIP's values when there is none. */
async function readPreprocessing(path: string): Promise<Preprocessing> {
  const config = (await exists(path)) ? await readPreprocessor(path) : preprocessorSchema.parse({});
  const filter = FILTERS[config.resample ?? 3];
  const rescale = config.do_rescale ? (config.rescale_factor ?? 1 / 255) : 1;
  if (!filter) throw unsupported(path, `resample ${config.resample} is not supported; expected 2 (bilinear) or 3 (bicubic)`);
  if (Math.abs(rescale * 255 - 1) > 1e-3) throw unsupported(path, `rescale_factor ${rescale} is not supported; expected 1/255`);
  const mean = config.image_mean ?? CLIP_MEAN;
  return {
    size: squareSide(config.crop_size) ?? squareSide(config.size),
    filter,
    mean: config.do_normalize ? mean : [0, 0, 0],
    deviation: config.do_normalize ? (config.image_std ?? CLIP_DEVIATION) : [1, 1, 1],
    fill: mean.map((level) => Math.min(Math.max(Math.round(level * 255), 0), 255)) as unknown as Triple,
  };
}

async function readPreprocessor(path: string): Promise<z.output<typeof preprocessorSchema>> {
  try {
    return preprocessorSchema.parse(JSON.parse(await readBounded(path, MAX_CONFIG_BYTES)));
  } catch (cause) {
    const [issue] = cause instanceof z.ZodError ? cause.issues : [];
    throw unsupported(path, `no readable preprocessing: ${issue ? `${issue.path.join('.')}: ${issue.message}` : messageOf(cause)}`);
  }
}

function squareSide(size: z.output<typeof sizeSchema>): number | undefined {
  if (size === undefined || typeof size === 'number') return size;
  return 'height' in size ? size.height : size.shortest_edge;
}

function unsupported(path: string, why: string): FastsamError {
  return new FastsamError('MODEL_UNSUPPORTED', `${path}: ${why}`);
}
