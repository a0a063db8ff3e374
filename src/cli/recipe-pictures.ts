/** Pictures segmented for a recipe: what `inspect` and `teach` share. */
import { loadRecipe } from '../config/load.js';
import type { Frame } from '../domain/frame.js';
import { withIds } from '../domain/prompt.js';
import type { Recipe } from '../domain/recipe.js';
import type { FrameResult } from '../domain/result.js';
import { loadCalibration } from '../inspect/calibration-file.js';
import type { Calibration } from '../measure/calibration.js';
import { runPipeline } from '../pipeline/pipeline.js';
import { assertLabels } from '../prompt/label-check.js';
import { firstFrames } from '../source/limit.js';
import { TextStage } from '../text/stage.js';
import { TEXT_DEFAULTS, TextModel } from '../text/text-model.js';
import { type Finishing, withSource } from './leaving.js';
import { demandRange, segmentationOf } from './model-options.js';
import { openModel } from './open-model.js';
import { promptsOf } from './prompts-of.js';
import type { RecipeArguments } from './recipe-options.js';

/** The files that the options name. Errors: USAGE for an option out of its range, those of the files. */
export async function readRecipe(args: RecipeArguments): Promise<{ recipe: Recipe; calibration: Calibration | undefined }> {
  segmentationOf(args);
  if (args.scale !== undefined) demandRange('--scale', args.scale, 1e-9, 1e9);
  const recipe = await loadRecipe(args.recipe);
  const calibration = args.calibration === undefined ? undefined : (await loadCalibration(args.calibration)).calibration;
  return { recipe, calibration };
}

/**
 * Segments the pictures with the prompts of the options and of the recipe, the first `frames` of them where that is given, and hands them
 * over in order. The frame ends with `deliver`.
 */
export async function segmentForRecipe(
  args: RecipeArguments,
  recipe: Recipe,
  finishing: Finishing,
  deliver: (result: FrameResult, frame: Frame) => Promise<void>,
  frames?: number,
): Promise<void> {
  // A side that is moved onto the border of the frame is no side of the part.
  const segmentation = { ...segmentationOf(args), snapToBorder: args['snap-to-border'] ?? 0 };
  const prompts = promptsOf(args);
  const engine = await openModel(args);
  const text = new TextModel({ options: { ...TEXT_DEFAULTS, model: args['text-model'] }, onnxruntime: { threads: args.threads } });
  try {
    assertLabels([...prompts, ...withIds(recipe.prompts)], engine.model);
    await text.prepare(prompts);
    await withSource(args.pictures, {}, finishing, (source) =>
      runPipeline({
        source: frames === undefined ? source : firstFrames(source, frames),
        engine,
        segmentation: () => segmentation,
        prompts: () => ({ revision: 0, prompts }),
        text: new TextStage({ model: text }),
        deliver,
      }),
    );
  } finally {
    await Promise.all([engine.stop(), text.stop()]);
  }
}
