/** How long to wait before the next connection attempt. */
export interface BackoffOptions {
  readonly minMs: number;
  readonly maxMs: number;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

/**
 * Exponential backoff with full jitter (M. Brooker, "Exponential Backoff and Jitter", 2015): a uniformly random delay
 * below a limit that doubles from `minMs` to `maxMs`, so that a fleet does not return to a restarted broker in step.
 */
export class Backoff {
  #limitMs: number;
  readonly #options: BackoffOptions;

  constructor(options: BackoffOptions) {
    this.#options = options;
    this.#limitMs = options.minMs;
  }

  /** Delay in milliseconds before the next attempt; the one after that may take twice as long. */
  next(): number {
    const { maxMs, random = Math.random } = this.#options;
    const limit = Math.min(this.#limitMs, maxMs);
    this.#limitMs = Math.min(limit * 2, maxMs);
    return Math.round(random() * limit);
  }

  /**
   * Delay after another client took our identity: near the maximum at once, for two clients that both come back
   * quickly would keep throwing each other out.
   */
  afterTakeOver(): number {
    const { maxMs, random = Math.random } = this.#options;
    this.#limitMs = maxMs;
    return Math.round(((1 + random()) / 2) * maxMs);
  }

  /**
   * A connection ended after `lifetimeMs`. One that outlived the current limit was a good one, and delays start small
   * again. Measured against the limit and not against a constant, two clients with one id, on a broker that does not
   * say why it throws them out, drift to long delays instead of taking turns every few seconds.
   */
  afterConnection(lifetimeMs: number): void {
    if (lifetimeMs >= this.#limitMs) this.#limitMs = this.#options.minMs;
  }
}
