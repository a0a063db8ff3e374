/**
 * One connection to the broker, from CONNECT to the end of its socket. It never reconnects: a new attempt is a new
 * connection (see session.ts), so that nothing of a broken one lives on, neither queues nor packet identifiers.
 */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import mqtt, { ErrorWithSubackPacket, type IClientOptions, type IConnackPacket, type IPublishPacket, type MqttClient } from 'mqtt';
import mqttPacket from 'mqtt-packet';
import { EXPECTED_BROKER_URL, parseBrokerUrl } from '../config/broker-url.js';
import { readCredentials } from '../config/credentials.js';
import type { MqttConfig } from '../config/schema.js';
import { PacketLimit } from '../contract/packet-limit.js';
import { FastsamError, messageOf } from '../errors.js';
import type { Publication } from './publication.js';

// The client would allocate 65,536 buffers of two bytes at its first packet, 6 MB and 40 ms, to save allocating one per packet.
mqttPacket.writeToStream.cacheNumbers = false;

/** MQTT 5 reason code of a DISCONNECT: another client connected with our client id. */
const SESSION_TAKEN_OVER = 0x8e;

/** Reason codes of a CONNACK for a version of MQTT that the broker does not speak: in MQTT 3.1.1, in MQTT 5. */
const PROTOCOL_REFUSED: readonly number[] = [0x01, 0x84];

/** Packets above this are not for us; far above maxRequestBytes, so that a too large request still gets its answer. */
const MAX_INBOUND_PACKET_BYTES = 2 * 1024 * 1024;
const MAX_INBOUND_UNACKNOWLEDGED = 32;

/** What the system says of a socket that the other side closed while something was on its way. */
const CLOSED_BY_PEER: readonly unknown[] = ['ECONNRESET', 'EPIPE'];

export interface ConnectionOptions {
  readonly config: MqttConfig;
  readonly clientId: string;
  /** What the broker publishes when the connection breaks without DISCONNECT. */
  readonly will?: Publication | undefined;
  /** MQTT 5: the broker keeps the session, and what it holds, over a broken connection. */
  readonly keep?: KeptSession | undefined;
  /**
   * A message is acknowledged, and the next one read, when the promise settles; where it rejects, the connection is
   * dropped and the broker delivers the message again.
   */
  readonly onMessage: (message: InboundMessage) => void | Promise<void>;
  /** Aborting gives the attempt up, or drops the connection without DISCONNECT. */
  readonly signal: AbortSignal;
  /** Opens the stream to the broker in place of a connection to `config.url`: for a broker in this process. */
  readonly connect?: (() => Duplex) | undefined;
}

export interface KeptSession {
  /** Seconds after the end of the connection. */
  readonly sessionExpiryS: number;
  /** Messages that may wait for their acknowledgement. */
  readonly receiveMaximum: number;
  /** Bytes; the broker does not deliver larger ones. */
  readonly maximumPacketSize: number;
}

export interface InboundMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly retain: boolean;
  readonly responseTopic?: string;
  readonly correlationData?: Buffer;
}

/** Why a connection ended. `reasonCode` is MQTT's, where the broker gave one. */
export interface ConnectionEnd {
  readonly message: string;
  readonly reasonCode?: number;
  readonly takenOver: boolean;
  /** The other side closed it without a word. */
  readonly unexplained: boolean;
}

export interface Connection {
  /** What the broker accepts: QoS 1 messages in flight, bytes of one packet. */
  readonly limits: { readonly receiveMaximum: number; readonly maximumPacketSize: number };
  /** Resolves once the message is in the socket (QoS 0) or acknowledged (QoS 1). Errors: BROKER_UNREACHABLE when the connection ends first; what the broker said when it refuses. */
  publish(publication: Publication): Promise<void>;
  /** QoS 1. Errors: as `publish`. */
  subscribe(filter: string): Promise<void>;
  unsubscribe(filter: string): Promise<void>;
  /** Settles when the connection is over; never rejects. */
  readonly ended: Promise<ConnectionEnd>;
  /** Sends DISCONNECT, so that the will stays unsaid; drops the socket when that takes longer than `timeoutMs`. Never rejects. */
  close(timeoutMs: number, options?: CloseOptions): Promise<void>;
}

export interface CloseOptions {
  /** The broker forgets the session at once, although it was to be kept. */
  readonly forget?: boolean;
}

function reasonCodeOf(error: unknown): number | undefined {
  if (error instanceof ErrorWithSubackPacket) return error.packet.granted.map(Number).find((code) => code >= 0x80);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'number' ? code : undefined;
}

function withCode(message: string, reasonCode: number | undefined): string {
  return reasonCode === undefined ? message : `${message} (reason code 0x${reasonCode.toString(16).padStart(2, '0')})`;
}

async function clientOptions({ config, clientId, will, keep }: ConnectionOptions): Promise<IClientOptions> {
  return {
    ...(await readCredentials(config)),
    clientId,
    protocolVersion: config.protocol,
    clean: keep === undefined,
    keepalive: config.keepaliveS,
    connectTimeout: config.connectTimeoutMs,
    rejectUnauthorized: !config.tls.insecure,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    ...(config.tls.serverName !== undefined && { servername: config.tls.serverName }),
    ...(will && { will: { topic: will.topic, payload: will.payload, qos: will.qos, retain: will.retain } }),
    ...(config.protocol === 5 && {
      properties: {
        receiveMaximum: keep?.receiveMaximum ?? MAX_INBOUND_UNACKNOWLEDGED,
        maximumPacketSize: keep?.maximumPacketSize ?? MAX_INBOUND_PACKET_BYTES,
        ...(keep && { sessionExpiryInterval: keep.sessionExpiryS }),
      },
    }),
  };
}

/**
 * Resolves once the broker accepted the connection.
 * Errors: BROKER_UNREACHABLE with the system's or the broker's reason; its `cause` carries the reason code.
 */
export async function openConnection(options: ConnectionOptions): Promise<Connection> {
  const { config, signal, onMessage, connect } = options;
  const settings = await clientOptions(options);
  signal.throwIfAborted();

  const client = connect ? new mqtt.MqttClient(connect, settings) : mqtt.connect({ ...settings, ...serverOf(config.url) });
  limitPackets(client, settings.properties?.maximumPacketSize ?? MAX_INBOUND_PACKET_BYTES);
  const ended = endOf(client);
  const drop = () => client.stream.destroy();
  signal.addEventListener('abort', drop, { once: true });
  void ended.then(() => signal.removeEventListener('abort', drop));
  // A prompt and the results it changes are small messages that somebody waits for: Nagle's algorithm holds each up to 40 ms.
  if (client.stream instanceof Socket) client.stream.setNoDelay(true);
  client.handleMessage = (packet, done) => {
    const message = inbound(packet.topic.toString(), packet.payload as Buffer, packet);
    Promise.resolve(onMessage(message)).then(() => done(), drop);
  };

  const outcome = await Promise.race([new Promise<IConnackPacket>((resolve) => client.once('connect', resolve)), ended]);
  if ('takenOver' in outcome) throw new FastsamError('BROKER_UNREACHABLE', refusalOf(outcome, config.url), { cause: outcome });
  return new MqttConnection(client, outcome, ended);
}

/** Why there is no connection, with what to do where the reason is one of these. */
function refusalOf({ message, unexplained }: ConnectionEnd, url: string): string {
  const isPlain = /^(mqtt|ws):/i.test(url);
  if (message.includes('ECONNREFUSED')) return `nothing listens there (${message}); is the broker running, and is this its address?`;
  if (/ENOTFOUND|EAI_AGAIN/.test(message)) return `the name of the broker is not known (${message})`;
  if (isPlain && unexplained) return `${message} before the broker answered; where its port is one for TLS, expected mqtts:// or wss://`;
  if (!isPlain && /wrong version number|EPROTO|ERR_SSL/i.test(message))
    return `the port does not speak TLS (${message}); expected mqtt:// or ws://`;
  return message;
}

/** Where the client is to connect. The client's own parser takes `mqtt://::1` for another host. Errors: CONFIG_INVALID. */
function serverOf(url: string): Pick<IClientOptions, 'protocol' | 'host' | 'hostname' | 'port' | 'path'> {
  const parsed = parseBrokerUrl(url);
  if (!parsed) throw new FastsamError('CONFIG_INVALID', `mqtt.url: ${EXPECTED_BROKER_URL}`);
  const { protocol, host, port, path } = parsed;
  if (!protocol.startsWith('ws')) return { protocol, host, ...(port !== undefined && { port }) };
  // The client makes a URL of it again.
  const hostname = host.includes(':') ? `[${host}]` : host;
  return { protocol, host: hostname, hostname, path, ...(port !== undefined && { port }) };
}

/** MQTT 3.1.1 cannot tell the broker what is too large, and the client would keep all of it until it is complete. */
function limitPackets(client: MqttClient, maxBytes: number): void {
  const limit = new PacketLimit(maxBytes);
  client.stream.on('data', (chunk: Uint8Array) => {
    const bytes = limit.exceeded(chunk);
    if (bytes === undefined) return;
    client.stream.removeAllListeners('data');
    client.emit('error', new Error(`the broker sent a packet of ${bytes} bytes; at most ${maxBytes} are taken, limit them at the broker`));
  });
}

/** Whether openConnection failed because the broker does not speak `config.protocol`. */
export function refusedProtocol(error: unknown): boolean {
  const end = error instanceof FastsamError ? (error.cause as ConnectionEnd | undefined) : undefined;
  return end?.reasonCode !== undefined && PROTOCOL_REFUSED.includes(end.reasonCode);
}

/** Why the client's only connection ended, when it has. The first reason counts: what follows are its consequences. */
function endOf(client: MqttClient): Promise<ConnectionEnd> {
  let why: ConnectionEnd | undefined;
  const because = (message: string, reasonCode: number | undefined, unexplained = false) => {
    why ??= {
      message: withCode(message, reasonCode),
      ...(reasonCode !== undefined && { reasonCode }),
      takenOver: reasonCode === SESSION_TAKEN_OVER,
      unexplained,
    };
  };
  client.on('disconnect', (packet) => because('the broker ended the session', packet.reasonCode));
  client.on('error', (error) => {
    const code = reasonCodeOf(error);
    const told =
      code !== undefined && PROTOCOL_REFUSED.includes(code)
        ? 'the broker does not speak this version of MQTT: set protocol 4, or 5'
        : messageOf(error);
    because(told || 'connection error', code, 'code' in error && CLOSED_BY_PEER.includes(error.code));
    client.stream.destroy();
  });
  return new Promise((resolve) => {
    client.once('close', () => resolve(why ?? { message: 'the connection was closed', takenOver: false, unexplained: true }));
  });
}

function inbound(topic: string, payload: Buffer, packet: IPublishPacket): InboundMessage {
  const { responseTopic, correlationData } = packet.properties ?? {};
  return {
    topic,
    payload,
    retain: packet.retain,
    ...(responseTopic !== undefined && { responseTopic }),
    ...(correlationData !== undefined && { correlationData }),
  };
}

class MqttConnection implements Connection {
  readonly limits;
  /** Rejections of what is under way: the client itself never calls back for what was in flight when the socket broke. */
  readonly #pending = new Set<(error: FastsamError) => void>();
  #end: FastsamError | undefined;

  constructor(
    private readonly client: MqttClient,
    connack: IConnackPacket,
    readonly ended: Promise<ConnectionEnd>,
  ) {
    this.limits = {
      receiveMaximum: connack.properties?.receiveMaximum ?? 65_535,
      maximumPacketSize: connack.properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY,
    };
    void ended.then((end) => {
      this.#end = new FastsamError('BROKER_UNREACHABLE', end.message);
      for (const reject of this.#pending) reject(this.#end);
      this.#pending.clear();
    });
  }

  publish(publication: Publication): Promise<void> {
    const { topic, payload, qos, retain, expiryS, schema, responseTopic, correlationData } = publication;
    const contentType = publication.contentType ?? (schema && 'application/json');
    const properties = {
      ...(contentType !== undefined && { contentType }),
      ...(schema !== undefined && { userProperties: { schema } }),
      ...(expiryS !== undefined && { messageExpiryInterval: expiryS }),
      ...(responseTopic !== undefined && { responseTopic }),
      ...(correlationData && { correlationData }),
    };
    return this.#unlessEnded((done) => this.client.publish(topic, payload, { qos, retain, properties }, (error) => done(error)));
  }

  subscribe(filter: string): Promise<void> {
    // "Retain as published": a message that is meant to be retained shows so on its first delivery already.
    return this.#unlessEnded((done) => this.client.subscribe(filter, { qos: 1, rap: true }, (error) => done(error)));
  }

  unsubscribe(filter: string): Promise<void> {
    return this.#unlessEnded((done) => this.client.unsubscribe(filter, (error) => done(error)));
  }

  async close(timeoutMs: number, { forget = false }: CloseOptions = {}): Promise<void> {
    const timer = setTimeout(() => this.client.stream.destroy(), timeoutMs);
    this.client.end(false, forget ? { properties: { sessionExpiryInterval: 0 } } : {});
    await this.ended;
    clearTimeout(timer);
  }

  #unlessEnded(send: (done: (error: Error | null | undefined) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#end) return reject(this.#end);
      this.#pending.add(reject);
      send((error) => {
        this.#pending.delete(reject);
        // The client's own words for a socket that broke; a refusal carries a reason code.
        if (error && /^(connection closed|client disconnecting)/i.test(error.message)) {
          reject(new FastsamError('BROKER_UNREACHABLE', messageOf(error), { cause: error }));
        } else if (error) reject(new Error(withCode(messageOf(error), reasonCodeOf(error)), { cause: error }));
        else resolve();
      });
    });
  }
}
