import { z } from 'zod';
import { SEGMENTATION_DEFAULTS } from '../../domain/segmentation.js';

export const segmentationSchema = z.strictObject({
  conf: z.number().min(0).max(1).default(SEGMENTATION_DEFAULTS.conf).meta({ description: 'Keep objects with a score above this.' }),
  iou: z
    .number()
    .min(0)
    .max(1)
    .default(SEGMENTATION_DEFAULTS.iou)
    .meta({ description: 'Non-maximum suppression: drop a box that overlaps a better one by more than this.' }),
  maxDet: z.number().int().min(1).max(1000).default(SEGMENTATION_DEFAULTS.maxDet).meta({ description: 'Most objects per frame.' }),
  snapToBorder: z
    .union([z.literal('auto'), z.number().min(0).max(256)])
    .default(SEGMENTATION_DEFAULTS.snapToBorder)
    .meta({
      description:
        "Input pixels within which a box side moves onto the frame's border; auto: 20 for class-agnostic models (FastSAM), 0 for labelled ones.",
    }),
});
