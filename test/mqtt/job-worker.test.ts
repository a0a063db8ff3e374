/** What a node believes of the slots of other nodes, as messages claim them. */
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { jobsSchema } from '../../src/config/sections/jobs.js';
import { mqttSchema } from '../../src/config/sections/mqtt.js';
import { JobWorker } from '../../src/mqtt/job-worker.js';
import { freePort } from '../helpers/mosquitto.js';

afterEach(() => vi.useRealTimers());

async function worker(): Promise<JobWorker> {
  return new JobWorker({
    config: mqttSchema.parse({ url: `mqtt://127.0.0.1:${await freePort()}` }),
    jobs: jobsSchema.parse({ queues: ['inspect'] }),
    node: 'second',
    clientId: 'fastsamd-second',
    responsePrefix: 'fastsam/v1/clients/',
    run: () => Promise.reject(new Error('no jobs here')),
    answer: () => Promise.reject(new Error('no broker here')),
    log: pino({ level: 'silent' }),
  });
}

/** The number of sessions that the node takes over after `names` were said to be lost. */
async function adopted(names: readonly string[]): Promise<number> {
  const jobs = await worker();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  for (const name of names) jobs.receive(`fastsam/v1/jobs/inspect/workers/${name}`, Buffer.from('lost'));
  // Longer than a vanished node has to come back.
  await vi.advanceTimersByTimeAsync(10_000);
  vi.useRealTimers();
  const { counts } = jobs;
  await jobs.stop(0);
  return counts.adopted;
}

describe('a session that is said to be lost', () => {
  it('is taken over when it is a slot of the queue', async () => {
    expect(await adopted(['fastsamd-first-job-inspect-1', 'fastsamd-first-job-inspect-2'])).toBe(2);
  });

  it.each([
    ['the main client of a node', 'fastsamd-first'],
    ['its availability', 'fastsamd-first-availability'],
    ['a slot of another queue', 'fastsamd-first-job-sort-1'],
    ['a slot without a node', '-job-inspect-1'],
    ['a number that no node has', 'fastsamd-first-job-inspect-0'],
    ['more than a number', 'fastsamd-first-job-inspect-1a'],
    ['a record', 'fastsamd-first-job-inspect-1.job'],
    ['a slot of this node', 'fastsamd-second-job-inspect-1'],
    ['characters that no client id has', 'first\u0000-job-inspect-1'],
  ])('is left alone when it is %s', async (_what, name) => {
    expect(await adopted([name])).toBe(0);
  });

  it('is one of at most 16', async () => {
    expect(await adopted(Array.from({ length: 300 }, (_, k) => `node-${k}-job-inspect-1`))).toBe(16);
  });
});
