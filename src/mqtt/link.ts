/** Whether the broker is there and takes everything, in one line for health. */
import type { Delivery } from './delivery.js';
import type { LinkState } from './interface.js';
import type { Subscriptions } from './subscriptions.js';

/** A broker that takes nothing for so long is worth a word, although the keepalive has not given it up yet. */
const STALL_MS = 10_000;

export class Link {
  #ended: string | undefined;
  #refused: string | undefined;

  /** The connection has ended. */
  ended(reason: string): void {
    this.#ended = reason;
    this.#refused = undefined;
  }

  /** An attempt to connect has failed. */
  refused(reason: string): void {
    this.#refused = reason;
  }

  /** What the present connection reports; undefined when there is none. */
  state(
    delivery: Pick<Delivery, 'refused' | 'stalledMs'> | undefined,
    subscriptions: Pick<Subscriptions, 'refused'> | undefined,
  ): LinkState {
    if (!delivery) {
      const reasons = [this.#ended, this.#refused].filter((reason) => reason !== undefined).join(', then ');
      return { ok: false, reason: `not connected to the broker: ${reasons || 'no answer yet'}` };
    }
    const { stalledMs } = delivery;
    if (stalledMs > STALL_MS) return { ok: false, reason: `the broker has taken nothing for ${Math.round(stalledMs / 1000)} s` };
    const [refused, ...more] = [...(subscriptions?.refused ?? []), ...delivery.refused];
    if (!refused) return { ok: true };
    const [topic, why] = refused;
    return { ok: false, reason: `the broker refuses ${topic}: ${why}${more.length > 0 ? ` (and ${more.length} more)` : ''}` };
  }
}
