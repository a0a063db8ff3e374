import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backoff } from '../../src/time/backoff.js';

/** Deterministic numbers in [0, 1) (Park and Miller, 1988). */
function randomFrom(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_648;
  };
}

describe('backoff', () => {
  it('doubles the limit of the delay up to the maximum', () => {
    const backoff = new Backoff({ minMs: 1000, maxMs: 60_000, random: () => 1 });
    expect(Array.from({ length: 8 }, () => backoff.next())).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  });

  it('stays within 0 and the maximum, whatever happens', () => {
    const step = fc.oneof(fc.constant('fail'), fc.constant('take-over'), fc.nat(100_000));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), fc.integer({ min: 1, max: 5000 }), fc.nat(), (steps, minMs, seed) => {
        const maxMs = 60_000;
        const backoff = new Backoff({ minMs, maxMs, random: randomFrom(seed) });
        for (const what of steps) {
          if (typeof what === 'number') backoff.afterConnection(what);
          const delay = what === 'take-over' ? backoff.afterTakeOver() : backoff.next();
          expect(delay).toBeGreaterThanOrEqual(what === 'take-over' ? maxMs / 2 : 0);
          expect(delay).toBeLessThanOrEqual(maxMs);
        }
      }),
    );
  });

  it('starts small again after a connection that outlived the limit, not after a shorter one', () => {
    const backoff = new Backoff({ minMs: 1000, maxMs: 60_000, random: () => 1 });
    for (let k = 0; k < 4; k += 1) backoff.next();
    backoff.afterConnection(15_999);
    expect(backoff.next()).toBe(16_000);
    backoff.afterConnection(32_000);
    expect(backoff.next()).toBe(1000);
  });

  it('keeps two clients with one id from taking turns quickly, on a broker that gives no reason', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const random = randomFrom(seed * 7919);
      const clients = [0, 1].map(() => ({ backoff: new Backoff({ minMs: 1000, maxMs: 60_000, random }), connectedAt: 0, nextAt: 0 }));
      let holder = clients[0]!;
      let other = clients[1]!;
      let takeOvers = 0;
      // One hour: `other` connects, which throws `holder` out.
      while (other.nextAt < 3_600_000) {
        const now = other.nextAt;
        holder.backoff.afterConnection(now - holder.connectedAt);
        holder.nextAt = now + holder.backoff.next();
        other.connectedAt = now;
        [holder, other] = [other, holder];
        takeOvers += 1;
      }
      expect(takeOvers).toBeLessThan(720);
    }
  });
});
