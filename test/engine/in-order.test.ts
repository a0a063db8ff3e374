import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { InOrder } from '../../src/engine/in-order.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

it('settles in the order of the calls, also after a failure', async () => {
  const order = new InOrder();
  const told: string[] = [];
  const runs = ['first', 'second', 'third'].map((name) => {
    const { promise, resolve, reject } = withResolvers();
    order.settle(promise).then(
      () => told.push(name),
      () => told.push(`${name} failed`),
    );
    return { resolve, reject };
  });
  runs[2]!.resolve();
  runs[1]!.reject(new Error('on purpose'));
  await new Promise(setImmediate);
  expect(told).toEqual([]);
  runs[0]!.resolve();
  await order.settled();
  await new Promise(setImmediate);
  expect(told).toEqual(['first', 'second failed', 'third']);
});

it('keeps no result once it has settled', async () => {
  const order = new InOrder();
  const results = await Promise.all(Array.from({ length: 10 }, async (_, k) => new WeakRef(await order.settle(Promise.resolve({ k })))));
  await order.settled();
  await new Promise(setImmediate);
  collectGarbage();
  expect(results.map((result) => result.deref())).toEqual(results.map(() => undefined));
});

function withResolvers() {
  let resolve!: () => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<void>((resolveIt, rejectIt) => {
    resolve = resolveIt;
    reject = rejectIt;
  });
  return { promise, resolve, reject };
}
