import { z } from 'zod';
import { path } from './common.js';

const seconds = (fallback: number) => z.number().min(1).max(86_400).default(fallback);

export const governorSchema = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .meta({ description: 'Do less when the machine gets too hot or draws too much, and more again later.' }),
  textShare: z
    .number()
    .min(0.05)
    .max(1)
    .default(0.5)
    .meta({ description: 'Of text.maxCropsPerFrame, use at worst this share for text prompts; turned to first. 1: always all.' }),
  smallModel: path.optional().meta({
    description:
      'A model with a smaller input, loaded beside the first: what is turned to before frames are left out. Relative to this file.',
  }),
  everyNth: z
    .number()
    .int()
    .min(1)
    .max(30)
    .default(4)
    .meta({ description: 'Of a live camera, segment at worst every Nth frame; 1: never leave frames out.' }),
  minFps: z
    .number()
    .min(0.1)
    .max(1000)
    .optional()
    .meta({ description: 'The last resort: this many frames a second of each live camera, and no more.' }),
  highC: z
    .number()
    .min(0)
    .max(150)
    .optional()
    .meta({ description: 'Step down from this temperature, °C; 5 below the zone where the kernel begins to throttle when absent.' }),
  lowC: z.number().min(0).max(150).optional().meta({ description: 'Step up below this one; 8 below highC when absent.' }),
  maxWatts: z
    .number()
    .min(1)
    .max(1000)
    .optional()
    .meta({ description: 'Step down when the input rail draws more; up again below 85 % of it.' }),
  maxLatencyMs: z
    .number()
    .min(1)
    .max(60_000)
    .optional()
    .meta({ description: 'Step down when results take longer, in the median; up again below half of it.' }),
  holdS: seconds(10).meta({ description: 'Seconds between two steps down.' }),
  recoverS: seconds(60).meta({ description: 'Seconds of calm before a step up; doubled each time that it did not last, up to 64 times.' }),
});
