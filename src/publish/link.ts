/** Whether the broker is there and takes everything, in one line for health. */
import type { LinkState } from './interface.js';

/** Topics or filters that the broker refuses, with its reason. */
type Refusals = ReadonlyMap<string, string>;

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

  /** `refusals`: of the connection there is; undefined when there is none. */
  state(refusals: readonly Refusals[] | undefined): LinkState {
    if (!refusals) {
      const reasons = [this.#ended, this.#refused].filter((reason) => reason !== undefined).join(', then ');
      return { ok: false, reason: `not connected to the broker: ${reasons || 'no answer yet'}` };
    }
    const [refused, ...more] = refusals.flatMap((map) => [...map]);
    if (!refused) return { ok: true };
    const [topic, why] = refused;
    return { ok: false, reason: `the broker refuses ${topic}: ${why}${more.length > 0 ? ` (and ${more.length} more)` : ''}` };
  }
}
