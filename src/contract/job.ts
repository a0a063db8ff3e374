/** `PREFIX/jobs/<queue>/request`: one picture to be segmented by whichever node is free. */
import { z } from 'zod';
import { MASK_ENCODINGS } from '../domain/mask.js';
import { idSchema, promptSetSchema } from '../domain/prompt.js';
import { version } from './common.js';
import { resultMessageSchema } from './result.js';

export const jobSchema = z.strictObject({
  id: idSchema
    .optional()
    .meta({ description: 'Comes back in the answer. A job may be done twice when a node dies: the answers have the same id.' }),
  image: z.string().min(1).meta({ description: 'JPEG or PNG file, base64.' }),
  prompts: promptSetSchema.default([]).meta({ description: 'Everything when empty.' }),
  maskEncoding: z.enum(MASK_ENCODINGS).default('rle'),
  objects: z.enum(['matched', 'all']).default('matched').meta({ description: 'With prompts: only the objects they matched, or all.' }),
});

export const jobAnswerSchema = z.object({
  v: version,
  id: idSchema.nullable(),
  node: idSchema.meta({ description: 'Who did the job.' }),
  queue: idSchema,
  status: z.enum(['ok', 'error']),
  code: z
    .string()
    .optional()
    .meta({ description: 'With status error: REQUEST_INVALID, PROMPT_INVALID, SOURCE_CORRUPT, ENGINE_FAILED, INTERNAL.' }),
  error: z.string().optional().meta({ description: 'With status error: what was expected, in one line.' }),
  result: resultMessageSchema.optional().meta({ description: 'With status ok: as a result of a camera; "camera" is the queue.' }),
});

export type Job = z.output<typeof jobSchema>;
export type JobAnswer = z.output<typeof jobAnswerSchema>;
