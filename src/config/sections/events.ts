import { z } from 'zod';
import { milliseconds } from './common.js';

export const eventsSchema = z.strictObject({
  debounceMs: milliseconds(500, 0).meta({ description: 'A prompt has to match, or not to, for this long before it is an event.' }),
  maxBytes: z
    .number()
    .int()
    .min(10_000)
    .max(10_000_000_000)
    .default(50_000_000)
    .meta({ description: 'Events kept on disk while the broker is away; beyond this the oldest are dropped and counted.' }),
  maxAgeS: z.number().int().min(1).max(31_536_000).default(604_800).meta({
    description: 'Events that waited longer than this while the node ran are dropped and counted; a restart begins the count again.',
  }),
  replayPerSecond: z
    .number()
    .min(1)
    .max(10_000)
    .default(50)
    .meta({ description: 'Events that waited are sent at most at this rate, so that a returning fleet does not flood its broker.' }),
});
