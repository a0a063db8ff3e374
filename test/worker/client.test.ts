import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compiledModule } from '../../src/compiled.js';
import { WorkerClient } from '../../src/worker/client.js';

type TestCalls = {
  double: { request: number; response: number };
  fill: { request: { readonly value: number }; response: Float32Array<ArrayBuffer> };
  refuse: { request: string; response: never };
  hang: { request: null; response: never };
  die: { request: null; response: never };
};

const SERVICE = `
import { workerData } from 'node:worker_threads';
import { FastsamError } from '${compiledModule('./errors.js', new URL('../../src/x.ts', import.meta.url).href)}';
import { serve } from '${compiledModule('./worker/server.js', new URL('../../src/x.ts', import.meta.url).href)}';
await serve(() => {
  if (workerData.refuse) throw new FastsamError('MODEL_CORRUPT', 'no such model');
  return {
    loaded: { greeting: workerData.greeting },
    handlers: {
      double: (value) => 2 * value,
      fill: ({ value }, { lent, transfer }) => {
        lent.a.fill(value);
        const copy = lent.a.slice();
        transfer.push(copy.buffer);
        return copy;
      },
      refuse: (message) => { throw message === '' ? new Error('plain') : new FastsamError('PROMPT_INVALID', message); },
      hang: () => { for (;;); },
      die: () => { process.exit(3); },
    },
    close() {},
  };
});
`;

describe('calls into a worker thread', { timeout: 20_000 }, () => {
  let folder: string;
  let script: URL;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fastsamd-worker-'));
    script = pathToFileURL(join(folder, 'service.mjs'));
    await writeFile(script, SERVICE);
  });
  afterAll(() => rm(folder, { recursive: true }));
  const start = (settings: object = {}) =>
    WorkerClient.start<TestCalls, { greeting?: string }>({ script, name: 'helper', settings, failure: 'OUTPUT_UNWRITABLE' });

  it('are answered in order, after what the thread says of itself', async () => {
    const { client, loaded } = await start({ greeting: 'hello' });
    expect(loaded).toEqual({ greeting: 'hello' });
    const settled: number[] = [];
    await Promise.all([1, 2, 3].map((value) => client.call('double', value).then((answer) => settled.push(answer))));
    expect(settled).toEqual([2, 4, 6]);
    await client.stop();
    await client.stop();
    await expect(client.call('double', 1)).rejects.toMatchObject({ code: 'MISUSE', message: 'helper has been stopped' });
  });

  it('lend memory, which comes back with the answer and with an error', async () => {
    const { client } = await start();
    const lend = { a: new Float32Array(1000) };
    const first = lend.a;
    const answered = client.call('fill', { value: 7 }, { lend });
    expect(first).toHaveLength(0);
    expect((await answered)[999]).toBe(7);
    expect(lend.a[999]).toBe(7);
    const refused = client.call('refuse', 'not that', { lend });
    expect(lend.a).toHaveLength(0);
    await expect(refused).rejects.toMatchObject({ code: 'PROMPT_INVALID', message: 'not that' });
    expect(lend.a[999]).toBe(7);
    await client.stop();
  });

  it('are rejected as INTERNAL for an error without a code, and the thread goes on', async () => {
    const { client } = await start();
    await expect(client.call('refuse', '')).rejects.toMatchObject({ code: 'INTERNAL', message: 'plain' });
    expect(await client.call('double', 4)).toBe(8);
    await client.stop();
  });

  it('fail with what kept the thread from loading', async () => {
    await expect(start({ refuse: true })).rejects.toMatchObject({ code: 'MODEL_CORRUPT', message: 'no such model' });
    const missing = WorkerClient.start({ script: new URL('missing.mjs', script), name: 'helper', settings: {} });
    await expect(missing).rejects.toMatchObject({ code: 'ENGINE_FAILED', message: /helper does not start/ });
  });

  it('end a thread that takes too long over one, and reject all others', async () => {
    const { client } = await start();
    const hanging = client.call('hang', null, { timeoutMs: 50 });
    const behind = client.call('double', 1);
    await expect(hanging).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE', message: /no answer within 50 ms/ });
    await expect(behind).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
    await client.stop();
  });

  it('are rejected when the thread exits', async () => {
    const { client } = await start();
    await expect(client.call('die', null)).rejects.toMatchObject({ code: 'MISUSE' });
    await client.stop();
  });
});
