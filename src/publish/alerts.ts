/** Alerts in force, each retained on a topic of its own until it is cleared. */
import { toTimestamp } from '../wire/common.js';
import type { Alert, AlertMessage } from '../wire/messages.js';
import type { InboundMessage } from './connection.js';
import type { Outbox } from './outbox.js';

export interface AlertsDeps {
  readonly outbox: Outbox;
  readonly topicOf: (id: string) => string;
}

export class Alerts {
  readonly #deps: AlertsDeps;
  readonly #alerts = new Map<string, AlertMessage>();

  constructor(deps: AlertsDeps) {
    this.#deps = deps;
  }

  /** By id. */
  get all(): Readonly<Record<string, AlertMessage>> {
    return Object.fromEntries(this.#alerts);
  }

  /** Said again, an alert keeps the time since when. */
  set(id: string, { severity, message }: Alert): void {
    const known = this.#alerts.get(id);
    if (known?.severity === severity && known.message === message) return;
    const alert: AlertMessage = { severity, message, since: known?.since ?? toTimestamp(Date.now()) };
    this.#alerts.set(id, alert);
    const { outbox, topicOf } = this.#deps;
    outbox.putState({ topic: topicOf(id), payload: JSON.stringify(alert), qos: 1, retain: true, schema: 'fastsam.v1.alert' });
  }

  clear(id: string): void {
    if (this.#alerts.delete(id)) this.#deps.outbox.clearState(this.#deps.topicOf(id));
  }

  /** A message on one of the topics. True when it was one. */
  receive({ topic, payload, retain }: InboundMessage): boolean {
    const { outbox, topicOf } = this.#deps;
    if (!topic.startsWith(topicOf(''))) return false;
    // Raised by an earlier run of this node, and over with it: nobody else would clear it.
    if (retain && payload.length > 0 && !outbox.holds(topic)) outbox.clearState(topic);
    return true;
  }
}
