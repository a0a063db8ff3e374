/** Worker mode: fastsamd processes as nodes on one broker, one of them killed in the middle. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type JobAnswer, jobAnswerSchema, type TelemetryMessage } from '../../src/contract/messages.js';
import { type RunningCommand, start } from '../helpers/command.js';
import { Broker, hasMosquitto } from '../helpers/mosquitto.js';
import { writeTestModel } from '../helpers/onnx-model.js';

/** 300 in the long version (make soak-mqtt). */
const JOBS = Number(process.env.MQTT_JOBS ?? 40);

let folder = '';
let model = '';
let image = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fastsamd-jobs-'));
  model = await writeTestModel(join(folder, 'three.onnx'));
  const picture = sharp({ create: { width: 320, height: 320, channels: 3, background: 'grey' } });
  image = (await picture.jpeg().toBuffer()).toString('base64');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function startNode(node: string, port: number, path = model): Promise<RunningCommand> {
  const config = {
    node,
    model: { path, onnxruntime: { threads: 1 } },
    cameras: [],
    telemetry: { intervalMs: 500 },
    jobs: { queues: ['inspect'], concurrency: 1 },
    mqtt: { url: `mqtt://127.0.0.1:${port}`, reconnect: { minMs: 50, maxMs: 500 } },
    stateDir: folder,
  };
  const file = join(folder, `${node}.yaml`);
  await writeFile(file, stringify(config));
  return start('run', '--config', file);
}

describe.skipIf(!hasMosquitto)('jobs (needs mosquitto)', { timeout: 120_000 + JOBS * 500 }, () => {
  it(`are all answered, ${JOBS} of them by three nodes, although one is killed in the middle and stays away`, async () => {
    await using broker = await Broker.start();
    const observer = await broker.observe('fastsam/v1/#');
    const names = ['a', 'b', 'c'];
    const nodes = await Promise.all(names.map((name) => startNode(name, broker.port)));
    try {
      for (const name of names)
        await observer.until(`fastsam/v1/jobs/inspect/workers/fastsamd-${name}-job-inspect-1`, (text) => text === 'online');
      const answers = await broker.observe('fastsam/v1/clients/+');
      for (let k = 0; k < JOBS; k += 1) {
        const prompts = [{ type: 'points', points: [[80, 80]], id: 'tap' }];
        const properties = { responseTopic: 'fastsam/v1/clients/me', correlationData: Buffer.from(`job-${k}`) };
        await answers.publish('fastsam/v1/jobs/inspect/request', JSON.stringify({ id: `job-${k}`, image, prompts }), { properties });
        // In the middle: some are answered, some are not yet asked.
        if (k === Math.floor(JOBS / 2)) {
          await answers.untilJson<JobAnswer>('fastsam/v1/clients/me', ({ node }) => node === 'b');
          nodes[1]!.process.kill('SIGKILL');
        }
      }
      const done = new Map<string, JobAnswer>();
      for (let k = 0; k < JOBS; k += 1) {
        const answer = await answers.untilJson<JobAnswer>('fastsam/v1/clients/me', ({ id }) => id === `job-${k}`);
        done.set(`job-${k}`, jobAnswerSchema.parse(answer));
      }
      expect(done.size).toBe(JOBS);
      for (const { status, result } of done.values())
        expect([status, result?.objects.length, result?.prompts[0]?.status]).toEqual(['ok', 1, 'matched']);
      const byNode = names.map((name) => [...done.values()].filter(({ node }) => node === name).length);
      process.stderr.write(
        `jobs: ${done.size} of ${JOBS} answered, by node ${byNode.join(' ')}, ${answers.received.length - done.size} twice\n`,
      );
      expect(Math.min(...byNode)).toBeGreaterThan(0);
      const correlated = answers.received.every(
        ({ text, packet }) => packet.properties?.correlationData?.toString() === JSON.parse(text).id,
      );
      expect(correlated).toBe(true);
    } finally {
      for (const node of nodes) node.process.kill('SIGKILL');
      await Promise.all(nodes.map(({ outcome }) => outcome));
    }
  });

  it('that ends the process twice is answered with JOB_POISON by the third, also when that is another node', async () => {
    await using broker = await Broker.start();
    const hanging = await writeTestModel(join(folder, 'hangs.onnx'), { hangs: 'on pictures' });
    const observer = await broker.observe('fastsam/v1/jobs/inspect/#');
    const noise = sharp({
      create: { width: 64, height: 64, channels: 3, background: 'grey', noise: { type: 'gaussian', mean: 128, sigma: 60 } },
    });
    const job = JSON.stringify({ id: 'poison', image: (await noise.jpeg().toBuffer()).toString('base64') });
    const record = 'fastsam/v1/jobs/inspect/workers/fastsamd-first-job-inspect-1.job';
    for (const starts of [1, 2]) {
      const node = await startNode('first', broker.port, hanging);
      if (starts === 1) {
        await observer.until('fastsam/v1/jobs/inspect/workers/fastsamd-first-job-inspect-1', (text) => text === 'online');
        await observer.publish('fastsam/v1/jobs/inspect/request', job);
      }
      await observer.until(record, (text) => text !== '' && JSON.parse(text).starts === starts);
      node.process.kill('SIGKILL');
      await node.outcome;
    }
    const other = await startNode('second', broker.port, hanging);
    try {
      const answer = await observer.untilJson<JobAnswer>('fastsam/v1/jobs/inspect/response');
      expect(answer).toMatchObject({ id: 'poison', node: 'second', status: 'error', code: 'JOB_POISON' });
    } finally {
      other.process.kill('SIGKILL');
      await other.outcome;
    }
  });

  it('that cannot be done are answered too, and an answer goes only where it may', async () => {
    await using broker = await Broker.start();
    const observer = await broker.observe('fastsam/v1/#');
    const node = await startNode('single', broker.port);
    try {
      await observer.until('fastsam/v1/jobs/inspect/workers/fastsamd-single-job-inspect-1', (text) => text === 'online');
      const ask = async (id: string, payload: string) => {
        await observer.publish('fastsam/v1/jobs/inspect/request', payload, { properties: { responseTopic: 'elsewhere/me' } });
        return observer.untilJson<JobAnswer>(
          'fastsam/v1/jobs/inspect/response',
          (answer) => answer.id === id || (id === '' && answer.id === null),
        );
      };
      expect(await ask('', '{')).toMatchObject({ status: 'error', code: 'REQUEST_INVALID' });
      expect(await ask('x1', '{"id":"x1"}')).toMatchObject({ code: 'REQUEST_INVALID', error: expect.stringContaining('image') });
      expect(await ask('x2', '{"id":"x2","image":"aGVsbG8="}')).toMatchObject({
        code: 'REQUEST_INVALID',
        error: expect.stringContaining('JPEG or PNG'),
      });
      const far = JSON.stringify({ id: 'x3', image, prompts: [{ type: 'points', points: [[9999, 1]] }] });
      expect(await ask('x3', far)).toMatchObject({ code: 'PROMPT_INVALID' });
      const half = JSON.stringify({ id: 'x4', image: image.slice(0, image.length / 2) });
      expect(await ask('x4', half)).toMatchObject({ status: 'error' });
      expect(await ask('x5', JSON.stringify({ id: 'x5', image }))).toMatchObject({ status: 'ok', result: { camera: 'inspect' } });
      const { mqtt } = await observer.untilJson<TelemetryMessage>('fastsam/v1/single/telemetry', ({ mqtt: { jobs } }) => jobs?.done === 1);
      expect(mqtt.jobs).toEqual({ done: 1, failed: 5, adopted: 0 });
      node.process.kill('SIGTERM');
      expect((await node.outcome).code).toBe(0);
    } finally {
      node.process.kill('SIGKILL');
    }
  });
});
