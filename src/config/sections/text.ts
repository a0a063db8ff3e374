import { z } from 'zod';
import { path } from './common.js';

export const textSchema = z.strictObject({
  model: path.optional().meta({
    description:
      'Text prompts need it: a directory with text_model.onnx, vision_model.onnx and tokenizer.json (CLIP, MobileCLIP, SigLIP exports), or the name of an installed model (clip-vit-base-patch32). Loaded when first asked for. Relative to this file.',
  }),
  family: z.enum(['clip', 'siglip']).default('clip').meta({
    description:
      "The model's preset. clip: scores are cosines; siglip: probabilities. Context length, padding, logit scale and bias follow from it.",
  }),
  threshold: z
    .number()
    .min(-1)
    .max(1)
    .optional()
    .meta({ description: 'Least score of a match where the prompt does not say: 0.25 for clip, 0.1 for siglip.' }),
  background: z
    .enum(['mean', 'keep'])
    .default('mean')
    .meta({ description: "What the encoder sees around an object, inside its box: the model's mean colour, or what is there." }),
  maxCropsPerFrame: z
    .number()
    .int()
    .min(1)
    .max(64)
    .default(4)
    .meta({ description: 'Objects looked at in one frame, least recently seen first; the rest keep their last score.' }),
  refresh: z
    .strictObject({
      iou: z
        .number()
        .min(0)
        .max(1)
        .default(0.7)
        .meta({ description: 'Look again when the box overlaps the one at the last look by less.' }),
      area: z
        .number()
        .min(0)
        .max(100)
        .default(0.3)
        .meta({ description: 'Look again when the mask has grown or shrunk by more than this share.' }),
      ageMs: z.number().int().min(0).max(86_400_000).default(2000).meta({ description: 'Look again after this many milliseconds.' }),
    })
    .prefault({}),
});
