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
  left: { request: null; response: number };
  refuse: { request: string; response: never };
  hang: { request: null; response: never };
  die: { request: null; response: never };
};

const SERVICE = `
import { workerData } from 'node:worker_threads';
import { FastsamError } from '${compiledModule('./errors.js', new URL('../../src/x.ts', import.meta.url).href)}';
import { serve } from '${compiledModule('./worker/server.js', new URL('../../src/x.ts', import.meta.url).href)}';
let sent;
await serve(() => {
  if (workerData.refuse) throw new FastsamError('MODEL_CORRUPT', 'no such model');
  return {
    loaded: { greeting: workerData.greeting },
    handlers: {
      double: (value) => 2 * value,
      fill: ({ value }, { transfer }) => {
        const filled = new Float32Array(1000).fill(value);
        transfer.push(filled.buffer);
        sent = filled;
        return filled;
      },
      left: () => sent.length,
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

  it('move what they answer with, where the thread says so', async () => {
    const { client } = await start();
    expect((await client.call('fill', { value: 7 }))[999]).toBe(7);
    expect(await client.call('left', null)).toBe(0);
    await client.stop();
  });

  it('are rejected with the error of the thread', async () => {
    const { client } = await start();
    await expect(client.call('refuse', 'not that')).rejects.toMatchObject({ code: 'PROMPT_INVALID', message: 'not that' });
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
