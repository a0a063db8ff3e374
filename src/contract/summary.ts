/** `cameras/<cam>/summary`: what prompts found in one frame, in few bytes; in place of results with `publish.objects: none`. */

import { z } from 'zod';
import { count, version } from './common.js';

export const summaryMessageSchema = z.object({
  v: version,
  seq: count.meta({ description: 'As in results: counts the frames of this camera that were segmented.' }),
  at: count.meta({ description: 'When the frame was captured, milliseconds since 1970-01-01 UTC.' }),
  revision: count.meta({ description: 'promptRevision of results: which prompts "answers" is about.' }),
  found: count.meta({ description: 'Objects in the frame, whether a prompt matches them or not.' }),
  answers: z
    .string()
    .regex(/^[0-9-]*$/)
    .meta({
      description:
        'One character for each prompt, in the order of cameras/<cam>/prompts: the number of objects that match (9: nine or more), "-" for pending.',
    }),
  degraded: z.literal(true).optional().meta({ description: 'The governor has turned something down.' }),
});

export type SummaryMessage = z.output<typeof summaryMessageSchema>;
