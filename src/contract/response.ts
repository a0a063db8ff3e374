/** `response/<verb>`: how a node answers. In a file without the requests, whose schemas a client need not load. */
import { z } from 'zod';
import { idSchema } from '../domain/prompt.js';
import { count } from './common.js';

export const responseMessageSchema = z.object({
  id: idSchema.nullable().meta({ description: 'Of the request; null where it had none that could be read.' }),
  node: idSchema.meta({ description: 'Who answers: a request to a group has several answers.' }),
  status: z.enum(['ok', 'error']),
  code: z.string().optional().meta({
    description:
      'With status error: REQUEST_INVALID, REQUEST_FORBIDDEN, PROMPT_INVALID, REVISION_CONFLICT, RATE_LIMITED, TRACKING_OFF, INTERNAL, or what kept the node from doing it (SOURCE_TIMEOUT, CONFIG_INVALID, …).',
  }),
  error: z.string().optional().meta({ description: 'With status error: what was expected, in one line.' }),
  revision: count
    .optional()
    .meta({ description: 'After a change of prompts: the revision that results will carry; of lines and zones: theirs.' }),
  data: z.unknown().optional(),
});

export type ResponseMessage = z.output<typeof responseMessageSchema>;
