/** Secrets come from a file or an environment variable that the configuration names, never from the configuration. */
import { open } from 'node:fs/promises';
import { FastsamError, messageOf, systemCodeOf } from '../errors.js';

const MAX_BYTES = 4096;

export interface SecretReference {
  /** File whose first line is the secret. */
  readonly file?: string | undefined;
  /** Environment variable that holds it. */
  readonly env?: string | undefined;
}

/**
 * The secret, or undefined when none is configured. `key` is the configuration key it belongs to without its suffix
 * (`mqtt.password` for `mqtt.passwordFile` and `mqtt.passwordEnv`), for messages.
 * Errors: CONFIG_INVALID when what is configured is missing, unreadable, empty or too long.
 */
export async function readSecret(reference: SecretReference, key: string): Promise<string | undefined> {
  if (reference.file !== undefined) return checked(await firstLine(reference.file, `${key}File`), `${key}File: ${reference.file}`);
  if (reference.env !== undefined) return checked(process.env[reference.env] ?? '', `${key}Env: environment variable ${reference.env}`);
  return undefined;
}

async function firstLine(file: string, key: string): Promise<string> {
  try {
    await using handle = await open(file, 'r');
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_BYTES + 1), 0, MAX_BYTES + 1, null);
    return buffer.toString('utf8', 0, bytesRead).split(/\r?\n/, 1)[0] ?? '';
  } catch (error) {
    const reasons: Record<string, string> = { ENOENT: 'no such file', EACCES: 'not readable by this user', EISDIR: 'a directory' };
    const reason = reasons[systemCodeOf(error) ?? ''] ?? messageOf(error);
    throw new FastsamError('CONFIG_INVALID', `${key}: ${file}: ${reason}; expected a file whose first line is the secret`, {
      cause: error,
    });
  }
}

function checked(secret: string, what: string): string {
  if (secret === '') throw new FastsamError('CONFIG_INVALID', `${what}: empty or not set; expected the secret`);
  if (Buffer.byteLength(secret) > MAX_BYTES) throw new FastsamError('CONFIG_INVALID', `${what}: longer than ${MAX_BYTES} bytes`);
  return secret;
}
