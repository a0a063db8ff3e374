/** The connection that the broker options describe. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { MqttConfig } from '../config/schema.js';
import { mqttSchema } from '../config/sections/mqtt.js';
import { sourceName } from '../config/source-name.js';
import { FastsamError, isFastsamError, messageOf } from '../errors.js';
import { type Connection, type InboundMessage, openConnection, refusedProtocol } from '../mqtt/connection.js';
import type { BrokerArguments, BrokerOptions } from './broker-options.js';

const PASSWORD_ENV = 'FASTSAMD_MQTT_PASSWORD';

/**
 * Fills in what is not on the command line: from FASTSAMD_BROKER, FASTSAMD_USERNAME and FASTSAMD_PREFIX, then from the mqtt
 * section of `--config`, then the defaults. Errors: CONFIG_INVALID.
 */
export async function withBroker<T extends BrokerOptions>(args: T): Promise<Omit<T, keyof BrokerArguments> & BrokerArguments> {
  const { FASTSAMD_BROKER: broker, FASTSAMD_USERNAME: username, FASTSAMD_PREFIX: prefix } = process.env;
  const file = args.config === undefined ? undefined : await mqttOf(args.config);
  const hasPassword = args['password-file'] !== undefined || process.env[PASSWORD_ENV] !== undefined;
  return {
    ...args,
    broker: args.broker ?? (broker || file?.url) ?? 'mqtt://127.0.0.1:1883',
    prefix: args.prefix ?? (prefix || file?.prefix) ?? 'fastsam/v1',
    username: args.username ?? (username || file?.username),
    'password-file': args['password-file'] ?? (hasPassword ? undefined : file?.passwordFile),
    passwordEnv: hasPassword ? undefined : file?.passwordEnv,
    ca: args.ca ?? file?.tls.caFile,
    cert: args.cert ?? file?.tls.certFile,
    key: args.key ?? file?.tls.keyFile,
    protocol: args.protocol ?? (file?.protocol === 4 ? 4 : undefined),
  };
}

/** The mqtt section of a configuration file, for clients on this machine. The whole schema is loaded for this alone. */
async function mqttOf(file: string): Promise<MqttConfig> {
  const [{ loadConfig }, { reachable }] = await Promise.all([import('../config/load.js'), import('../config/reachable.js')]);
  return reachable((await loadConfig(file)).mqtt);
}

/** Connects once. Errors: USAGE for options that fit no broker, BROKER_UNREACHABLE. */
export async function connectTo(
  args: BrokerArguments,
  onMessage: (message: InboundMessage) => void,
  signal: AbortSignal,
): Promise<Connection> {
  const fromEnv = args['password-file'] === undefined && process.env[PASSWORD_ENV] !== undefined;
  const parsed = mqttSchema.safeParse({
    url: args.broker,
    prefix: args.prefix,
    protocol: args.protocol ?? 5,
    username: args.username,
    passwordFile: args['password-file'],
    ...(args.passwordEnv !== undefined && { passwordEnv: args.passwordEnv }),
    ...(fromEnv && { passwordEnv: PASSWORD_ENV }),
    tls: { caFile: args.ca, certFile: args.cert, keyFile: args.key },
  });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new FastsamError('USAGE', `--${String(issue?.path[0] === 'url' ? 'broker' : issue?.path.at(-1))}: ${issue?.message}`);
  }
  const clientId = `fastsamd-client-${randomUUID().slice(0, 8)}`;
  try {
    return await openConnection({ config: parsed.data, clientId, onMessage, signal });
  } catch (error) {
    // The embedded broker, for one.
    if (args.protocol !== undefined || !refusedProtocol(error)) {
      if (!isFastsamError(error, 'BROKER_UNREACHABLE')) throw error;
      throw new FastsamError(error.code, `${sourceName(args.broker)}: ${error.message} (--broker)`, { cause: error });
    }
    return openConnection({ config: { ...parsed.data, protocol: 4 }, clientId, onMessage, signal });
  }
}

/** A node's id, or `@GROUP`. Errors: USAGE. */
export function demandNode(node: string): string {
  if (/^@?[a-z0-9-]{1,64}$/.test(node)) return node;
  throw new FastsamError('USAGE', `${node}: expected the id of a node (1 to 64 of a-z, 0-9 and "-"), or @GROUP`);
}

/**
 * JSON from the command line: the text itself, `@FILE`, or `-` for standard input. `what` names it in errors. Errors: USAGE.
 */
export async function readJson(text: string, what: string): Promise<unknown> {
  const file = text === '/dev/stdin' ? text : /^@(.+)$/s.exec(text)?.[1];
  let json = text;
  try {
    if (file !== undefined) json = await readFile(file, 'utf8');
    return JSON.parse(json);
  } catch (cause) {
    const place = file === undefined ? what : `${what} in ${file === '/dev/stdin' ? 'standard input' : file}`;
    throw new FastsamError('USAGE', `${place} is not JSON: ${messageOf(cause)}`, { cause });
  }
}
