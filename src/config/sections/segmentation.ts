import { z } from 'zod';

export const segmentationSchema = z.strictObject({
  conf: z.number().min(0).max(1).default(0.4).meta({ description: 'Keep objects with a score above this.' }),
  iou: z
    .number()
    .min(0)
    .max(1)
    .default(0.9)
    .meta({ description: 'Non-maximum suppression: drop a box that overlaps a better one by more than this.' }),
  maxDet: z.number().int().min(1).max(1000).default(300).meta({ description: 'Most objects per frame.' }),
  snapToBorder: z
    .union([z.literal('auto'), z.number().min(0).max(256)])
    .default('auto')
    .meta({
      description:
        "Input pixels within which a box side moves onto the frame's border; auto: 20 for class-agnostic models (FastSAM), 0 for labelled ones.",
    }),
});
