import { describe, expect, it } from 'vitest';
import { attempt, mutate, randomOf, TARGETS } from './targets.js';

/** `make fuzz-readers` looks for inputs that reach new code; here each reader meets its seeds and some mutations of them. */
const MUTATIONS = 300;

describe.each(Object.entries(TARGETS))('the reader of %s', (name, { seeds, read }) => {
  it('reads its seeds', async () => {
    for (const seed of seeds()) await read(Buffer.from(seed));
  });

  it(`ends with a value or a coded error for ${MUTATIONS} mutations of them`, async () => {
    const random = randomOf(20261127);
    const all = seeds();
    for (let k = 0; k < MUTATIONS; k += 1) {
      await expect(attempt(name, mutate(Buffer.from(all[k % all.length]!), random)), `mutation ${k}`).resolves.toBeUndefined();
    }
  });
});
