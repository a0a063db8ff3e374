/** The connection that the broker options describe. */
import { randomUUID } from 'node:crypto';
import { mqttSchema } from '../config/sections/mqtt.js';
import { FastsamError } from '../errors.js';
import { type Connection, type InboundMessage, openConnection, refusedProtocol } from '../publish/connection.js';
import type { BrokerArguments } from './broker-options.js';

const PASSWORD_ENV = 'FASTSAMD_MQTT_PASSWORD';

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
    if (args.protocol !== undefined || !refusedProtocol(error)) throw error;
    return openConnection({ config: { ...parsed.data, protocol: 4 }, clientId, onMessage, signal });
  }
}

/** A node's id, or `@GROUP`. Errors: USAGE. */
export function demandNode(node: string): string {
  if (/^@?[a-z0-9-]{1,64}$/.test(node)) return node;
  throw new FastsamError('USAGE', `${node}: expected the id of a node (1 to 64 of a-z, 0-9 and "-"), or @GROUP`);
}
