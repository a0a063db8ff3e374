import { z } from 'zod';
import { idSchema } from '../../domain/prompt.js';

export const jobsSchema = z.strictObject({
  queues: z.array(idSchema).max(8).default([]).meta({
    description: 'Queues this node takes jobs from (PREFIX/jobs/QUEUE/request), shared with all nodes that name them. Needs MQTT 5.',
  }),
  concurrency: z
    .number()
    .int()
    .min(1)
    .max(8)
    .default(2)
    .meta({ description: 'Jobs of a queue in work at once: one is decoded while the network works on the other.' }),
  maxBytes: z
    .number()
    .int()
    .min(1024)
    .max(268_435_455)
    .default(16_000_000)
    .meta({ description: 'Larger jobs are not delivered to this node.' }),
  sessionExpiryS: z
    .number()
    .int()
    .min(10)
    .max(604_800)
    .default(3600)
    .meta({ description: 'How long the broker keeps the jobs of a node that vanished, for it or another node to take up.' }),
});
