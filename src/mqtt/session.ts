/**
 * Keeps one connection to the broker: connects, waits until the connection ends, backs off, connects again.
 * Every refusal is retried, bad credentials too: the password file will be mended, and the node has no operator to restart it.
 */
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { MqttConfig } from '../config/schema.js';
import { sourceName } from '../config/source-name.js';
import { messageOf } from '../errors.js';
import { Backoff } from '../time/backoff.js';
import { Deadline } from '../time/deadline.js';
import {
  type CloseOptions,
  type Connection,
  type ConnectionEnd,
  type InboundMessage,
  type KeptSession,
  openConnection,
} from './connection.js';
import type { Publication } from './publication.js';

/** So many connections in a row that the broker closed soon and without a reason make us think of a twin. */
const SUSPICIOUS = 3;

export interface SessionDeps {
  readonly config: MqttConfig;
  readonly clientId: string;
  readonly will: Publication;
  readonly keep?: KeptSession;
  /** See ConnectionOptions. */
  readonly connect?: (() => Duplex) | undefined;
  readonly log: Logger;
  /** As of a connection. */
  readonly onMessage?: (message: InboundMessage) => void | Promise<void>;
  /** A connection is up; called again for the next one, always after `onDown` of the last. */
  readonly onUp: (connection: Connection) => void;
  /** The connection has ended; `reason` carries the reason code. Not told when it was stopped. */
  readonly onDown?: (reason: string) => void;
  /** An attempt to connect has failed. */
  readonly onRefused?: (reason: string) => void;
}

export class Session {
  readonly #deps: SessionDeps;
  readonly #abort = new AbortController();
  #connection: Connection | undefined;
  #stopping = false;
  #running: Promise<void> | undefined;
  #connects = 0;
  /** Connections in a row that were closed soon and without a reason. */
  #brief = 0;

  constructor(deps: SessionDeps) {
    // A node has several sessions: each line says whose it is.
    this.#deps = { ...deps, log: deps.log.child({ clientId: deps.clientId }) };
  }

  /** Times the connection was re-established. */
  get reconnects(): number {
    return Math.max(0, this.#connects - 1);
  }

  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** Returns at once; connecting goes on in the background. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends the session, where it is connected with a last message and DISCONNECT; within about `timeoutMs`. Never rejects. */
  async stop(timeoutMs: number, last?: Publication, options?: CloseOptions): Promise<void> {
    this.#stopping = true;
    const connection = this.#connection;
    const deadline = new Deadline(timeoutMs);
    if (connection && last) await deadline.wait(connection.publish(last));
    await connection?.close(deadline.leftMs, options);
    this.#abort.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { config, log } = this.#deps;
    const backoff = new Backoff(config.reconnect);
    while (!this.#stopping) {
      const delayMs = await this.#once(backoff);
      if (this.#stopping) return;
      log.info({ delayMs }, 'mqtt: next connection attempt');
      await sleep(delayMs, undefined, { signal: this.#abort.signal }).catch(() => undefined);
    }
  }

  /** One connection from attempt to end. Returns the delay before the next one, in milliseconds. */
  async #once(backoff: Backoff): Promise<number> {
    const { config, clientId, will, keep, connect, log, onMessage = () => undefined, onUp, onDown, onRefused } = this.#deps;
    try {
      const connection = await openConnection({ config, clientId, will, keep, connect, onMessage, signal: this.#abort.signal });
      const since = performance.now();
      this.#connection = connection;
      this.#connects += 1;
      log.info({ url: sourceName(config.url), ...connection.limits }, 'mqtt: connected');
      onUp(connection);

      const end = await connection.ended;
      this.#connection = undefined;
      const lifetimeMs = performance.now() - since;
      backoff.afterConnection(lifetimeMs);
      // A twin that backs off as we do is back after the longest delay, and the one that has it sees long connections.
      const isSoon = lifetimeMs <= config.reconnect.maxMs + config.connectTimeoutMs;
      this.#brief = isSoon && end.unexplained ? this.#brief + 1 : 0;
      const reason = this.#explain(end);
      onDown?.(reason);
      if (!this.#stopping) log.warn({ reason, reasonCode: end.reasonCode }, 'mqtt: disconnected');
      if (end.takenOver) {
        log.error('mqtt: another client uses this client id; expected a unique mqtt.clientId or node');
        return backoff.afterTakeOver();
      }
    } catch (error) {
      // A broker that is away is reason enough.
      this.#brief = 0;
      if (!this.#stopping) log.warn({ url: sourceName(config.url), reason: messageOf(error) }, 'mqtt: cannot connect');
      onRefused?.(messageOf(error));
    }
    return backoff.next();
  }

  /** Why the connection ended, and what to do about it where two clients have one id. */
  #explain({ message, takenOver }: ConnectionEnd): string {
    const { clientId } = this.#deps;
    if (takenOver) return `${message}: another client uses client id "${clientId}"; expected a unique mqtt.clientId or node`;
    if (this.#brief < SUSPICIOUS) return message;
    // Brokers before MQTT 5, and mosquitto 2.0, close the connection of the older client without a word.
    return `${message}, ${this.#brief} times in a row soon after connecting: another client may use client id "${clientId}"; expected a unique mqtt.clientId or node`;
  }
}
