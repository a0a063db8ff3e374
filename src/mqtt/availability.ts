/**
 * `availability`: online, or offline once the node is gone. A connection has one will, and the main one's belongs to
 * `state`; so this topic has a separate small connection, open only while the main one is.
 */
import type { Logger } from 'pino';
import type { MqttConfig } from '../config/schema.js';
import type { Availability } from '../contract/messages.js';
import { messageOf } from '../errors.js';
import type { Publication } from './publication.js';
import { Session } from './session.js';

export interface AvailabilityDeps {
  readonly config: MqttConfig;
  /** Of the main connection. */
  readonly clientId: string;
  readonly topic: string;
  readonly log: Logger;
}

export class AvailabilityBeacon {
  readonly #deps: AvailabilityDeps;
  #session: Session | undefined;

  constructor(deps: AvailabilityDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { config, clientId, log } = this.#deps;
    this.#session ??= new Session({
      config,
      clientId: `${clientId}-availability`,
      will: this.#publication('offline'),
      log,
      onUp: (connection) => {
        connection.publish(this.#publication('online')).catch((error: unknown) => {
          log.warn({ reason: messageOf(error) }, 'mqtt: availability not published');
        });
      },
    });
    this.#session.start();
  }

  /** Says offline where there is a connection, within about `timeoutMs`. Never rejects. */
  async stop(timeoutMs: number): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.stop(timeoutMs, this.#publication('offline'));
  }

  #publication(payload: Availability): Publication {
    return { topic: this.#deps.topic, payload, qos: 1, retain: true };
  }
}
