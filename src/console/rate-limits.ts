/** How often somebody may do something: each in buckets that fill again with time. */
import { TokenBucket } from '../time/token-bucket.js';

/** Attempts to log in, or tokens that are wrong, of an address: 1 a second, 5 a minute, 20 an hour. */
export const ATTEMPTS = [
  { perSecond: 1, burst: 2 },
  { perSecond: 5 / 60, burst: 5 },
  { perSecond: 20 / 3600, burst: 20 },
] as const;
/** HTTP requests of a session or a token. The burst is a page of events with their pictures. */
export const REQUESTS = [{ perSecond: 10, burst: 200 }] as const;
const MAX_KEPT = 1000;

export class RateLimits {
  readonly #limits: readonly { readonly perSecond: number; readonly burst: number }[];
  readonly #byKey = new Map<string, readonly TokenBucket[]>();

  constructor(limits: readonly { readonly perSecond: number; readonly burst: number }[]) {
    this.#limits = limits;
  }

  /** False when this is one too many. `key`: an address, or the hash of a session or token. */
  take(key: string, now = performance.now()): boolean {
    const buckets = this.#byKey.get(key) ?? this.#limits.map((limit) => new TokenBucket(limit));
    // The one that has been silent longest makes room.
    this.#byKey.delete(key);
    this.#byKey.set(key, buckets);
    if (this.#byKey.size > MAX_KEPT) this.#byKey.delete(this.#byKey.keys().next().value!);
    return buckets.every((bucket) => bucket.take(now));
  }
}
