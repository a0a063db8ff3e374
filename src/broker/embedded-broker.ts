/**
 * A broker inside the daemon, for a robot that is one box and has no other. It speaks MQTT 3.1.1, keeps nothing over a
 * restart, and listens on loopback unless it is told otherwise. Its clients are limited: see the constants below. The
 * daemon itself uses `link`, which no crowd of clients can block.
 */
import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { Aedes, type Client, type PublishPacket } from 'aedes';
import type { Logger } from 'pino';
import { readCredentials } from '../config/credentials.js';
import type { MqttConfig } from '../config/schema.js';
import { PacketLimit } from '../contract/packet-limit.js';
import { FastsamError, messageOf } from '../errors.js';
import { TokenBucket } from '../time/token-bucket.js';

/** Clients that are logged in: in all, and from one address beyond this machine. */
const MAX_CLIENTS = 100;
const MAX_CLIENTS_PER_ADDRESS = 50;
/** Connections that are not logged in yet. The oldest of the address, then of all, makes room for a new one. */
const MAX_WAITING = 64;
const MAX_WAITING_PER_ADDRESS = 32;
const LOGIN_MS = 5000;
/** Bytes of the first packet, which holds the client id, the login and the will. */
const MAX_CONNECT_BYTES = 16 * 1024;
const MAX_PACKET_BYTES = 4 * 1024 * 1024;
const MAX_CLIENT_ID_CHARS = 128;
/** Wrong passwords that one address may try; beyond, its logins are refused unread. */
const GUESSES = { perSecond: 5, burst: 10 } as const;
const MAX_GUESSERS = 1024;
const MAX_SUBSCRIPTIONS = 100;
const MAX_RETAINED = 4096;
const MAX_RETAINED_BYTES = 32 * 1024 * 1024;
/** A client that does not read what it subscribed to is disconnected. */
const DRAIN_MS = 10_000;
/** CONNACK of MQTT 3.1.1. */
const UNAVAILABLE = 3;
const BAD_CREDENTIALS = 4;

export interface EmbeddedBrokerDeps {
  /** Clients log in with `username` and its password, where the configuration has them. */
  readonly config: Pick<MqttConfig, 'embedded' | 'username' | 'passwordFile' | 'passwordEnv' | 'tls'>;
  readonly log: Logger;
}

export class EmbeddedBroker {
  readonly #deps: EmbeddedBrokerDeps;
  readonly #sockets = new Set<Socket>();
  /** Connections that are not logged in, in the order they came, with their addresses. */
  readonly #waiting = new Map<Duplex, string>();
  readonly #limits = new WeakMap<Duplex, PacketLimit>();
  readonly #loggedIn = new Map<Duplex, string>();
  /** Broker-side ends of `link`. */
  readonly #own = new WeakSet<Duplex>();
  /** By address. */
  readonly #guesses = new Map<string, TokenBucket>();
  /** Filters of a client. */
  readonly #subscriptions = new WeakMap<Client, Set<string>>();
  /** Bytes of retained messages by topic. */
  readonly #retained = new Map<string, number>();
  #retainedBytes = 0;
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
    const aedes = await Aedes.createBroker({
      maxClientsIdLength: MAX_CLIENT_ID_CHARS,
      connectTimeout: LOGIN_MS,
      drainTimeout: DRAIN_MS,
      preConnect: (_client, packet, done) => {
        // What is kept for clients that are away would grow without bound.
        packet.clean = true;
        done(null, true);
      },
      authenticate: (client, username, password, done) => {
        this.#login(client.conn, username, password).then(
          (refusal) => done(refusal ? Object.assign(new Error(refusal.reason), { returnCode: refusal.code as 4 }) : null, !refusal),
          (error: unknown) => done(Object.assign(new Error(messageOf(error)), { returnCode: BAD_CREDENTIALS as 4 }), false),
        );
      },
      authorizeSubscribe: (client, subscription, done) => {
        const permitted = client === null || this.#maySubscribe(client, subscription.topic);
        // Answered as refused (0x80) in the SUBACK.
        done(null, permitted ? subscription : null);
      },
      authorizePublish: (client, packet, done) => {
        if (packet.topic.startsWith('$SYS/')) return done(new Error('$SYS topics belong to the broker'));
        if (packet.retain) {
          if (client && !this.#own.has(client.conn) && !this.#mayRetain(packet)) return done(new Error('too many retained messages'));
          // Counted here and not once it is stored: a client has up to a hundred messages under way at a time.
          this.#countRetained(packet);
        }
        done(null);
      },
    });
    aedes.on('unsubscribe', (topics, client) => {
      for (const topic of topics) this.#subscriptions.get(client)?.delete(topic);
    });
    this.#aedes = aedes;
    const server = createServer((socket) => this.#accept(aedes, socket));
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

  /** A connection of this process, logged in by what it is. Errors: BROKER_UNREACHABLE when the broker does not run. */
  link(): Duplex {
    const aedes = this.#aedes;
    if (!aedes) throw new FastsamError('BROKER_UNREACHABLE', 'the embedded broker does not run');
    const [near, far] = duplexPair();
    near.once('close', () => far.destroy());
    far.once('close', () => near.destroy());
    this.#own.add(far);
    aedes.handle(far as Socket);
    return near;
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

  #accept(aedes: Aedes, socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const limit = new PacketLimit(MAX_CONNECT_BYTES);
    this.#limits.set(socket, limit);
    this.#sockets.add(socket);
    this.#waiting.set(socket, address);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#waiting.delete(socket);
      this.#loggedIn.delete(socket);
    });
    // The broker would keep all of a packet until it is complete, whatever its size.
    const read = socket.read.bind(socket);
    socket.read = (size?: number) => {
      const chunk: Buffer | null = read(size);
      if (!chunk || limit.exceeded(chunk) === undefined) return chunk;
      socket.destroy();
      return null;
    };
    const ofAddress = [...this.#waiting].filter(([, other]) => other === address);
    if (ofAddress.length > MAX_WAITING_PER_ADDRESS) ofAddress[0]![0].destroy();
    else if (this.#waiting.size > MAX_WAITING) this.#waiting.keys().next().value?.destroy();
    aedes.handle(socket);
  }

  #hasRoomFor(address: string): boolean {
    if (this.#loggedIn.size >= MAX_CLIENTS) return false;
    return isLoopback(address) || [...this.#loggedIn.values()].filter((other) => other === address).length < MAX_CLIENTS_PER_ADDRESS;
  }

  /** Undefined when the client may come in. */
  async #login(conn: Duplex, username: string | undefined, password: Buffer | undefined): Promise<Refusal | undefined> {
    if (this.#own.has(conn)) return undefined;
    const address = this.#waiting.get(conn) ?? '';
    const { config } = this.#deps;
    if (config.username !== undefined) {
      const bucket = this.#guessesOf(address);
      // Taken before the password is read, for many are tried at once; given back to who knew it.
      if (!bucket.take(performance.now())) return { code: UNAVAILABLE, reason: 'too many wrong passwords from this address' };
      // Read at every login, so that a replaced file needs no restart.
      const expected = await readCredentials(config);
      if (username !== config.username || !equal(password, Buffer.from(expected.password ?? ''))) {
        return { code: BAD_CREDENTIALS, reason: 'bad user name or password' };
      }
      bucket.giveBack();
    }
    if (!this.#hasRoomFor(address)) return { code: UNAVAILABLE, reason: 'too many clients' };
    this.#waiting.delete(conn);
    this.#loggedIn.set(conn, address);
    const limit = this.#limits.get(conn);
    if (limit) limit.maxBytes = MAX_PACKET_BYTES;
    return undefined;
  }

  #guessesOf(address: string): TokenBucket {
    const bucket = this.#guesses.get(address) ?? new TokenBucket(GUESSES);
    // Kept in the order of their last attempt.
    this.#guesses.delete(address);
    this.#guesses.set(address, bucket);
    if (this.#guesses.size > MAX_GUESSERS) this.#guesses.delete(this.#guesses.keys().next().value!);
    return bucket;
  }

  /** Counted here, because the broker itself adds the many filters of one packet only after all were authorised. */
  #maySubscribe(client: Client, filter: string): boolean {
    const filters = this.#subscriptions.get(client) ?? new Set();
    this.#subscriptions.set(client, filters);
    if (filters.size >= MAX_SUBSCRIPTIONS && !filters.has(filter)) return false;
    filters.add(filter);
    return true;
  }

  #mayRetain({ topic, payload }: Pick<PublishPacket, 'topic' | 'payload'>): boolean {
    if (payload.length === 0) return true;
    const before = this.#retained.get(topic);
    if (before === undefined && this.#retained.size >= MAX_RETAINED) return false;
    return this.#retainedBytes - (before ?? 0) + payload.length <= MAX_RETAINED_BYTES;
  }

  #countRetained({ topic, payload }: Pick<PublishPacket, 'topic' | 'payload'>): void {
    this.#retainedBytes += payload.length - (this.#retained.get(topic) ?? 0);
    if (payload.length === 0) this.#retained.delete(topic);
    else this.#retained.set(topic, payload.length);
  }
}

interface Refusal {
  readonly code: typeof UNAVAILABLE | typeof BAD_CREDENTIALS;
  readonly reason: string;
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.replace('::ffff:', '').startsWith('127.');
}

function equal(given: Buffer | undefined, expected: Buffer): boolean {
  return given !== undefined && given.length === expected.length && timingSafeEqual(given, expected);
}
