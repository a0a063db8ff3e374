/** Secrets and certificates, read again for every connection attempt, so that a replaced file needs no restart. */
import { readFile } from 'node:fs/promises';
import { FastsamError, messageOf } from '../errors.js';
import type { MqttConfig } from './schema.js';
import { readSecret } from './secrets.js';

export interface Credentials {
  readonly username?: string;
  readonly password?: string;
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

type CredentialsConfig = Pick<MqttConfig, 'username' | 'passwordFile' | 'passwordEnv' | 'tls'>;

async function read(key: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new FastsamError('BROKER_UNREACHABLE', `mqtt.${key}: cannot read ${file} (${messageOf(cause)}); expected a readable file`, {
      cause,
    });
  }
}

/** Errors: BROKER_UNREACHABLE or CONFIG_INVALID, naming the configuration key and the file. */
export async function readCredentials(config: CredentialsConfig): Promise<Credentials> {
  const { caFile, certFile, keyFile } = config.tls;
  const [password, ca, cert, key] = await Promise.all([
    readSecret({ file: config.passwordFile, env: config.passwordEnv }, 'mqtt.password'),
    caFile === undefined ? undefined : read('tls.caFile', caFile),
    certFile === undefined ? undefined : read('tls.certFile', certFile),
    keyFile === undefined ? undefined : read('tls.keyFile', keyFile),
  ]);
  return {
    ...(config.username !== undefined && { username: config.username }),
    ...(password !== undefined && { password }),
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
  };
}
