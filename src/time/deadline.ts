import { setTimeout as sleep } from 'node:timers/promises';

/** A point in time by which several steps have to be over together. */
export class Deadline {
  readonly #at: number;

  constructor(timeoutMs: number) {
    this.#at = performance.now() + timeoutMs;
  }

  get leftMs(): number {
    return Math.max(0, this.#at - performance.now());
  }

  /** Waits for `work` to end, well or not, but not beyond the deadline. Never rejects. */
  async wait(work: Promise<unknown>): Promise<void> {
    const timer = new AbortController();
    await Promise.allSettled([Promise.race([work, sleep(this.leftMs, undefined, { signal: timer.signal })])]);
    timer.abort();
  }
}
