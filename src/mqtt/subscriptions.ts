/** What one connection listens to: asked for at its start, and again while the broker refuses it, for access rules get mended. */
import type { Logger } from 'pino';
import { isFastsamError, messageOf } from '../errors.js';
import type { Connection } from './connection.js';

/** A refused subscription is tried again after this long: soon after its access control is mended, and no load. */
export const REFUSED_AGAIN_MS = 10_000;

export interface SubscriptionsDeps {
  readonly connection: Connection;
  readonly filters: readonly string[];
  readonly log: Logger;
}

export class Subscriptions {
  readonly #connection: Connection;
  readonly #filters: readonly string[];
  readonly #log: Logger;
  readonly #refused = new Map<string, string>();
  #again: NodeJS.Timeout | undefined;
  #over = false;

  constructor({ connection, filters, log }: SubscriptionsDeps) {
    this.#connection = connection;
    this.#filters = filters;
    this.#log = log;
  }

  start(): void {
    for (const filter of this.#filters) void this.#subscribe(filter);
  }

  /** Filters that the broker does not let us subscribe to, with its reason. */
  get refused(): ReadonlyMap<string, string> {
    return this.#refused;
  }

  /** The connection has ended. */
  end(): void {
    this.#over = true;
    clearTimeout(this.#again);
  }

  /** Never rejects. */
  async #subscribe(filter: string): Promise<void> {
    try {
      await this.#connection.subscribe(filter);
      if (this.#refused.delete(filter)) this.#log.info({ topic: filter }, 'mqtt: subscribed after all');
    } catch (error) {
      if (this.#over || isFastsamError(error, 'BROKER_UNREACHABLE')) return;
      if (!this.#refused.has(filter)) this.#log.warn({ topic: filter, reason: messageOf(error) }, 'mqtt: cannot subscribe');
      this.#refused.set(filter, messageOf(error));
      this.#again ??= setTimeout(() => {
        this.#again = undefined;
        for (const each of this.#refused.keys()) void this.#subscribe(each);
      }, REFUSED_AGAIN_MS);
    }
  }
}
