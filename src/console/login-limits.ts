/** How often an address may try to log in: 1 a second, 5 a minute, 20 an hour. */
import { TokenBucket } from '../time/token-bucket.js';

const LIMITS = [
  { perSecond: 1, burst: 2 },
  { perSecond: 5 / 60, burst: 5 },
  { perSecond: 20 / 3600, burst: 20 },
] as const;
const MAX_ADDRESSES = 1000;

export class LoginLimits {
  readonly #byAddress = new Map<string, readonly TokenBucket[]>();

  /** False when this attempt is one too many. */
  take(address: string, now = performance.now()): boolean {
    const buckets = this.#byAddress.get(address) ?? LIMITS.map((limit) => new TokenBucket(limit));
    // The address that has been silent longest makes room.
    this.#byAddress.delete(address);
    this.#byAddress.set(address, buckets);
    if (this.#byAddress.size > MAX_ADDRESSES) this.#byAddress.delete(this.#byAddress.keys().next().value!);
    return buckets.every((bucket) => bucket.take(now));
  }
}
