/**
 * A broker inside the daemon, for a robot that is one box and has no other. It speaks MQTT 3.1.1, keeps nothing over a
 * restart, and listens on loopback unless it is told otherwise.
 */
import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { Aedes } from 'aedes';
import type { Logger } from 'pino';
import type { MqttConfig } from '../config/schema.js';
import { FastsamError, messageOf } from '../errors.js';
import { readCredentials } from './credentials.js';

const MAX_CLIENTS = 100;
const MAX_CLIENT_ID_CHARS = 128;
/** CONNACK of MQTT 3.1.1: bad user name or password. */
const BAD_CREDENTIALS = 4;

/** The configuration as clients on this machine need it: the embedded broker in place of `url`, where it is chosen. */
export function reachable(config: MqttConfig): MqttConfig {
  if (config.broker === 'external') return config;
  const { host, port } = config.embedded;
  const own = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? (host.includes(':') ? `[${host}]` : host);
  return { ...config, url: `mqtt://${own}:${port}`, protocol: 4 };
}

export interface EmbeddedBrokerDeps {
  /** Clients log in with `username` and its password, where the configuration has them. */
  readonly config: Pick<MqttConfig, 'embedded' | 'username' | 'passwordFile' | 'passwordEnv' | 'tls'>;
  readonly log: Logger;
}

export class EmbeddedBroker {
  readonly #deps: EmbeddedBrokerDeps;
  readonly #sockets = new Set<Socket>();
  #aedes: Aedes | undefined;
  #server: Server | undefined;

  constructor(deps: EmbeddedBrokerDeps) {
    this.#deps = deps;
  }

  /** Where to reach it on this machine; after `start`. */
  get url(): string {
    const address = this.#server?.address();
    if (typeof address !== 'object' || !address) throw new FastsamError('MISUSE', 'the embedded broker has not been started');
    return `mqtt://127.0.0.1:${address.port}`;
  }

  /** Errors: BROKER_UNREACHABLE when it cannot listen. */
  async start(): Promise<void> {
    const { config, log } = this.#deps;
    const { host, port } = config.embedded;
    const aedes = await Aedes.createBroker({ maxClientsIdLength: MAX_CLIENT_ID_CHARS });
    this.#aedes = aedes;
    aedes.authenticate = (_client, username, password, done) => {
      this.#permits(username, password).then(
        (permitted) =>
          done(permitted ? null : Object.assign(new Error('bad user name or password'), { returnCode: BAD_CREDENTIALS }), permitted),
        (error: unknown) => done(Object.assign(new Error(messageOf(error)), { returnCode: BAD_CREDENTIALS }), false),
      );
    };
    const server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      aedes.handle(socket);
    });
    server.maxConnections = MAX_CLIENTS;
    this.#server = server;
    server.listen(port, host);
    try {
      await once(server, 'listening');
    } catch (cause) {
      throw new FastsamError(
        'BROKER_UNREACHABLE',
        `mqtt.embedded: cannot listen on ${host}:${port} (${messageOf(cause)}); expected a free port`,
        { cause },
      );
    }
    log.info({ host, port }, 'mqtt: embedded broker listens');
  }

  /** Ends all connections. */
  async stop(): Promise<void> {
    const aedes = this.#aedes;
    const server = this.#server;
    this.#aedes = undefined;
    this.#server = undefined;
    if (aedes) await new Promise<void>((resolve) => aedes.close(resolve));
    if (!server?.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** The password is read anew each time, so that a replaced file needs no restart. */
  async #permits(username: string | undefined, password: Buffer | undefined): Promise<boolean> {
    const { config } = this.#deps;
    if (config.username === undefined) return true;
    const expected = await readCredentials(config);
    return username === config.username && equal(password, Buffer.from(expected.password ?? ''));
  }
}

function equal(given: Buffer | undefined, expected: Buffer): boolean {
  return given !== undefined && given.length === expected.length && timingSafeEqual(given, expected);
}
