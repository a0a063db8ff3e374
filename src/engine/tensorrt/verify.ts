/** The verdict on an engine that was just built: fewer bits must find what the model finds on onnxruntime. */
import { basename, parse } from 'node:path';
import { native } from '../../addon/addon.js';
import { decodeImage } from '../../addon/picture.js';
import type { Frame } from '../../domain/frame.js';
import { SEGMENTATION_DEFAULTS } from '../../domain/segmentation.js';
import type { Agreement } from '../agreement.js';
import type { SegmentationEngine } from '../engine.js';
import { loadOnnxEngine } from '../onnxruntime/engine.js';
import { compareOn, verdictOf } from '../verdict.js';
import { tensorRt } from './available.js';
import { TensorRtEngine } from './engine.js';
import type { Verification } from './sidecar.js';

/** More take longer than they tell: the processor runs the model for each. */
const MAX_PICTURES = 20;
/** Drawn scenes in place of pictures: a belt and free shapes, of different seeds. */
const SCENES = 4;
const SCENE = { width: 1280, height: 720, fps: 30 };

export interface BuiltPlan {
  readonly path: string;
  /** The ONNX file that it was built from. */
  readonly model: string;
  /** -1: the GPU. */
  readonly dlaCore: number;
  readonly inputWidth: number;
  readonly inputHeight: number;
}

export interface PlanVerdict {
  /** Null when neither side found an object: nothing is known then. */
  readonly verification: Verification | null;
  /** For the log. */
  readonly summary: string;
}

/**
 * Runs the plan and its model on pictures, evenly chosen, or on drawn scenes where there are none. Errors: those of both
 * engines; SOURCE_CORRUPT for a picture.
 */
export async function verifyPlan(
  plan: BuiltPlan,
  pictures: readonly string[],
  onPicture: (done: number, total: number) => void,
): Promise<PlanVerdict> {
  const every = Math.max(pictures.length / MAX_PICTURES, 1);
  const chosen = pictures.filter((_, index) => Math.floor(index / every) !== Math.floor((index - 1) / every));
  const frames =
    chosen.length > 0
      ? chosen.map((path) => () => decodeImage(path, path))
      : Array.from({ length: SCENES }, (_, seed) => [
          () => native().renderConveyor(seed, { ...SCENE, seed }),
          () => native().renderShapes(seed, { ...SCENE, seed }),
        ]).flat();
  const engine = await planEngine(plan);
  try {
    const reference = await loadOnnxEngine(plan.model);
    try {
      const compared: Agreement[] = [];
      for (const [index, frame] of frames.entries()) {
        const pixels = await frame();
        try {
          compared.push(await compareOn(engine, reference, { pixels } as unknown as Frame, SEGMENTATION_DEFAULTS.conf));
        } finally {
          pixels.release();
        }
        onPicture(index + 1, frames.length);
      }
      return told(compared, chosen.length > 0 ? 'pictures' : 'drawn scenes');
    } finally {
      await reference.stop();
    }
  } finally {
    await engine.stop();
  }
}

function told(compared: readonly Agreement[], what: string): PlanVerdict {
  const { all, shortcomings, verification } = verdictOf(compared);
  const on = `on ${compared.length} ${what}`;
  if (all.objects === 0) return { verification: null, summary: `not verified: neither the engine nor its model finds an object ${on}` };
  const figures = `${all.found} of ${all.objects} objects ${on}, mask IoU ${all.maskIou.toFixed(3)}, score ±${all.scoreDifference.toFixed(3)}`;
  const summary = shortcomings.length === 0 ? `verified: ${figures}` : `verification failed: ${shortcomings.join('; ')} (${figures})`;
  return { verification, summary };
}

async function planEngine({ path, model, dlaCore, inputWidth, inputHeight }: BuiltPlan): Promise<SegmentationEngine> {
  const loaded = await tensorRt().load(path, 1, dlaCore);
  const labels = Array.from({ length: loaded.classes > 1 ? loaded.classes : 0 }, (_, k) => `class ${k}`);
  return new TensorRtEngine(
    { name: parse(basename(model)).name, backend: 'tensorrt', inputWidth, inputHeight, labels, graph: loaded.graph },
    loaded,
  );
}
