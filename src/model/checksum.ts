import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { FastsamError, messageOf, systemCodeOf } from '../errors.js';

/** SHA-256 of a file's content in lower-case hexadecimal; the file is streamed. Errors: MODEL_NOT_FOUND. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk as Buffer);
  } catch (cause) {
    const why =
      { ENOENT: 'no such file', EISDIR: 'is a directory', EACCES: 'permission denied' }[systemCodeOf(cause) ?? ''] ?? messageOf(cause);
    throw new FastsamError('MODEL_NOT_FOUND', `${path}: ${why} (expected a model file)`, { cause });
  }
  return hash.digest('hex');
}
