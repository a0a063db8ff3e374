/** Values that several sections use. */
import { z } from 'zod';

/** Milliseconds with a default; at most a day. */
export const milliseconds = (fallback: number, min = 1) => z.number().int().min(min).max(86_400_000).default(fallback);
export const path = z.string().min(1).max(4096);

/** A secret is named, never written down: the file or environment variable that holds it. */
export const secretFile = path.meta({ description: 'File whose first line is the secret. Relative to this file.' });
export const secretEnv = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of an environment variable')
  .meta({ description: 'Environment variable that holds the secret, in place of a file.' });
