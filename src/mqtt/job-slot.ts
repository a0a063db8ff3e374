/**
 * One place for a job, with a separate connection that takes one message at a time and acknowledges it when it is
 * answered. The broker keeps the session of a slot whose connection broke, and with it the job that was in work.
 */
import type { Logger } from 'pino';
import type { MqttConfig } from '../config/schema.js';
import { messageOf } from '../errors.js';
import { Deadline } from '../time/deadline.js';
import type { Connection, InboundMessage } from './connection.js';
import { type JobStarts, jobKey } from './job-starts.js';
import type { Publication } from './publication.js';
import { Session } from './session.js';

export interface JobSlotDeps {
  readonly config: MqttConfig;
  readonly clientId: string;
  readonly sessionExpiryS: number;
  readonly maxBytes: number;
  /** Filter of the shared subscription. */
  readonly filter: string;
  /** Retained topic that tells the other nodes whether this slot is served. */
  readonly statusTopic: string;
  /** Notes at the broker which job is in work. */
  readonly starts: JobStarts;
  /**
   * `starts`: how often the job was begun before in this slot, by processes that have ended. Calls `begin` before it does
   * the job. Settles once the job is answered; rejects when it could not be, and is then delivered again.
   */
  readonly onJob: (message: InboundMessage, starts: number, begin: () => Promise<void>) => Promise<void>;
  /** The slot's first connection has ended; for one that was taken over from another node. */
  readonly onEnd?: () => void;
  readonly log: Logger;
}

export const SLOT_SERVED = 'online';
export const SLOT_LOST = 'lost';

export class JobSlot {
  readonly clientId: string;
  readonly #deps: JobSlotDeps;
  readonly #session: Session;
  #connection: Connection | undefined;
  #working = 0;
  /** The job that this process began last, while its record is at the broker. */
  #begun: { readonly job: string; readonly startsBefore: number } | undefined;
  #lastJobAt = performance.now();

  constructor(deps: JobSlotDeps) {
    this.#deps = deps;
    this.clientId = deps.clientId;
    const { config, clientId, sessionExpiryS, maxBytes, log, onEnd } = deps;
    this.#session = new Session({
      config,
      clientId,
      will: this.#status(SLOT_LOST),
      keep: { sessionExpiryS, receiveMaximum: 1, maximumPacketSize: maxBytes },
      log,
      onMessage: (message) => this.#take(message),
      onUp: (connection) => void this.#goUp(connection),
      onDown: () => {
        this.#connection = undefined;
        onEnd?.();
      },
    });
  }

  start(): void {
    this.#session.start();
  }

  /** Milliseconds in which there was nothing to do; 0 while a job is in work. */
  get idleMs(): number {
    return this.#working > 0 ? 0 : performance.now() - this.#lastJobAt;
  }

  /** Takes no more jobs from the queue; those that the broker has already set aside for the slot still come. */
  async leave(): Promise<void> {
    await this.#connection?.unsubscribe(this.#deps.filter);
    this.#lastJobAt = performance.now();
  }

  /**
   * Ends the connection. Default: the broker keeps what is set aside for the slot, says that it is lost, and another
   * node or the next run takes it up. With `forget` nothing is left of it. Never rejects.
   */
  async stop(timeoutMs: number, forget = false): Promise<void> {
    const deadline = new Deadline(timeoutMs);
    // The job in work is interrupted by this stop; it did not end the process.
    if (this.#begun) await new Deadline(timeoutMs / 2).wait(this.#note(this.#begun.job, this.#begun.startsBefore));
    if (forget) await this.#session.stop(deadline.leftMs, this.#status(''), { forget: true });
    else await this.#session.stop(deadline.leftMs, this.#status(SLOT_LOST));
  }

  async #goUp(connection: Connection): Promise<void> {
    this.#connection = connection;
    const { filter, clientId, log } = this.#deps;
    try {
      await connection.subscribe(filter);
      await connection.publish(this.#status(SLOT_SERVED));
    } catch (error) {
      log.warn({ clientId, filter, reason: messageOf(error) }, 'mqtt: no jobs can be taken');
    }
  }

  async #take(message: InboundMessage): Promise<void> {
    this.#working += 1;
    try {
      const job = jobKey(message);
      // A job that comes back because the connection broke has ended no process.
      const startsBefore =
        this.#begun?.job === job ? this.#begun.startsBefore : await this.#deps.starts.read(this.#deps.statusTopic, this.clientId, job);
      await this.#deps.onJob(message, startsBefore, () => {
        this.#begun = { job, startsBefore };
        return this.#note(job, startsBefore + 1);
      });
      if (this.#begun?.job === job || startsBefore > 0) {
        this.#begun = undefined;
        await this.#note(job, 0);
      }
    } finally {
      this.#working -= 1;
      this.#lastJobAt = performance.now();
    }
  }

  #note(job: string, starts: number): Promise<void> {
    return this.#deps.starts.write(this.#deps.statusTopic, job, starts);
  }

  #status(payload: string): Publication {
    return { topic: this.#deps.statusTopic, payload, qos: 1, retain: true };
  }
}
