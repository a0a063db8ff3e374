/** `fastsamd job`: pictures to a queue that a node serves, on a real broker. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { fastsamd, type RunningCommand, start } from '../helpers/command.js';
import { Broker, freePort, hasMosquitto } from '../helpers/mosquitto.js';
import { writeTestModel } from '../helpers/onnx-model.js';

const acl = async () => readFile(new URL('../../config/broker/mosquitto.acl', import.meta.url), 'utf8');

describe.skipIf(!hasMosquitto)('fastsamd job (needs mosquitto)', { timeout: 240_000 }, () => {
  let folder = '';
  let broker: Broker;
  let node: RunningCommand;
  /** Options of an operator, as the access control that comes with fastsamd lets one do. */
  let login: string[] = [];
  const at = (...names: string[]) => join(folder, ...names);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fastsamd-job-'));
    broker = await Broker.start({ acl: await acl(), users: { operator: 'o', 'node-example': 'n', viewer: 'v' } });
    await writeFile(at('operator'), 'o\n');
    await writeFile(at('node'), 'n\n');
    login = ['--broker', broker.url, '--username', 'operator', '--password-file', at('operator')];
    const picture = sharp({ create: { width: 320, height: 320, channels: 3, background: 'grey' } });
    await mkdir(at('photos'));
    for (const k of [1, 2, 10])
      await picture
        .clone()
        .jpeg()
        .toFile(at(`photos/${k}.jpg`));
    await picture.clone().png().toFile(at('one.png'));
    await picture.clone().webp().toFile(at('one.webp'));
    await writeFile(
      at('node.yaml'),
      stringify({
        node: 'node-example',
        model: { path: await writeTestModel(at('three.onnx')) },
        cameras: [],
        jobs: { queues: ['inspect'], concurrency: 2, maxBytes: 100_000 },
        mqtt: { url: broker.url, username: 'node-example', passwordFile: at('node') },
        stateDir: at('state'),
      }),
    );
    node = start('run', '--config', at('node.yaml'));
    const workers = await broker.observe('fastsam/v1/jobs/inspect/workers/+', { username: 'operator', password: 'o' });
    for (const k of [1, 2])
      await workers.until(`fastsam/v1/jobs/inspect/workers/fastsamd-node-example-job-inspect-${k}`, (text) => text === 'online');
  }, 120_000);
  afterAll(async () => {
    node?.process.kill('SIGTERM');
    await node?.outcome;
    await broker[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('list names the workers of a queue, and says when none is there', async () => {
    expect((await fastsamd('job', 'list', ...login)).stdout).toBe(
      'inspect  fastsamd-node-example-job-inspect-1  online\ninspect  fastsamd-node-example-job-inspect-2  online\n',
    );
    const json = await fastsamd('job', 'list', 'inspect', '--json', ...login);
    expect(
      json.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([1, 2].map((k) => ({ queue: 'inspect', worker: `fastsamd-node-example-job-inspect-${k}`, state: 'online' })));
    const none = await fastsamd('job', 'list', 'other', ...login);
    expect(none).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('no worker of queue other is online') });
  });

  it('submit answers every picture, in words or as JSON, with prompts', async () => {
    const folderOf = await fastsamd('job', 'submit', 'inspect', at('photos'), '--parallel', '1', ...login);
    expect([folderOf.stderr, folderOf.code]).toEqual(['', 0]);
    expect(folderOf.stdout.trim().split('\n')).toEqual(
      [1, 2, 10].map((k) => expect.stringMatching(new RegExp(`/photos/${k}.jpg: 3 objects, [\\d.]+ ms, node node-example$`))),
    );
    const words = await fastsamd('job', 'submit', 'inspect', at('one.png'), '--point', '80,80', '--box', '300,300,310,310', ...login);
    expect(words.stdout).toMatch(/one\.png: 1 objects, [\d.]+ ms, node node-example; p1 unmatched.*; p2 matched \(/);
    await writeFile(at('prompts.json'), '[{"type": "points", "points": [[80, 80]], "id": "tap"}]');
    const json = await fastsamd(
      'job',
      'submit',
      'inspect',
      at('photos/*.jpg'),
      '--prompts',
      `@${at('prompts.json')}`,
      '--json',
      '--mask',
      'polygon',
      ...login,
    );
    const answers = json.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(answers.map(({ picture }) => picture).sort()).toEqual([1, 10, 2].map((k) => at(`photos/${k}.jpg`)));
    for (const { status, result } of answers) {
      expect([status, result.prompts[0].id, result.objects.length]).toEqual(['ok', 'tap', 1]);
      expect(result.objects[0].mask.polygons.length).toBeGreaterThan(0);
    }
  });

  it('submit goes on after a picture that cannot be done, and names it', async () => {
    await writeFile(at('cut.jpg'), (await readFile(at('photos/1.jpg'))).subarray(0, 400));
    const mixed = await fastsamd('job', 'submit', 'inspect', at('one.webp'), at('cut.jpg'), at('missing.jpg'), at('one.png'), ...login);
    expect(mixed.code).toBe(1);
    expect(mixed.stdout).toMatch(/^.*one\.png: 3 objects/);
    expect(mixed.stderr).toMatch(/one\.webp: a job takes JPEG or PNG, this is WebP/);
    expect(mixed.stderr).toMatch(/cut\.jpg: (SOURCE_CORRUPT|REQUEST_INVALID): .*\(node node-example\)/);
    expect(mixed.stderr).toMatch(/missing\.jpg: cannot be read: .*no such file/);
  });

  it('submit says what may be wrong when no answer comes', async () => {
    const nobody = await fastsamd('job', 'submit', 'other', at('one.png'), '--timeout', '0.5', ...login);
    expect(nobody).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/no answer within 0.5 s; is the queue served/) });
  });

  it('submit ends when it is interrupted', async () => {
    const watcher = await broker.observe('fastsam/v1/jobs/other/request', { username: 'node-example', password: 'n' });
    const waiting = start('job', 'submit', 'other', at('one.png'), ...login);
    await watcher.until('fastsam/v1/jobs/other/request', () => true);
    waiting.process.kill('SIGINT');
    expect(await waiting.outcome).toMatchObject({ code: 130, stdout: '', stderr: '' });
  });

  it('mistakes are named before anything is sent', async () => {
    const cases: [string[], RegExp][] = [
      [['submit', 'Two Words', at('one.png')], /Two Words: expected the name of a queue/],
      [['submit', 'inspect', at('one.png'), '--prompts', '[{"type":"box"}]'], /prompts/],
      [['submit', 'inspect', at('one.png'), '--prompts', '[]', '--point', '1,1'], /expected either --prompts or/],
      [['submit', 'inspect', at('one.png'), '--parallel', '0'], /--parallel/],
      [['submit', 'inspect', at('none*.png')], /no file fits this pattern/],
    ];
    for (const [args, message] of cases) {
      const { code, stderr } = await fastsamd('job', ...args, ...login);
      expect([code, stderr], args.join(' ')).toEqual([
        expect.toSatisfy((value) => value === 2 || value === 3),
        expect.stringMatching(message),
      ]);
    }
  });

  it('watch shows answers that went to the queue and workers, for those who may read them', async () => {
    await using open = await Broker.start();
    const watching = start('job', 'watch', '--broker', open.url);
    const client = await open.observe('fastsam/v1/jobs/inspect/workers/x');
    // Subscribed once the first line shows.
    const say = setInterval(() => void client.publish('fastsam/v1/jobs/inspect/workers/a-job-inspect-1', 'online'), 100);
    await watching.line(/^inspect a-job-inspect-1: online$/);
    clearInterval(say);
    const answer = { v: 1, id: 'job-7', node: 'a', queue: 'inspect', status: 'error', code: 'SOURCE_CORRUPT', error: 'image: cut short' };
    await client.publish('fastsam/v1/jobs/inspect/response', JSON.stringify(answer));
    await watching.line(/^inspect job-7: SOURCE_CORRUPT: image: cut short \(node a\)$/);
    watching.process.kill('SIGINT');
    expect((await watching.outcome).code).toBe(0);
  });

  it('says that a broker of MQTT 3.1.1 cannot carry jobs', async () => {
    const port = await freePort();
    await writeFile(
      at('embedded.yaml'),
      stringify({
        node: 'alone',
        model: { path: at('three.onnx') },
        cameras: [{ id: 'belt', source: 'test:shapes?width=64&height=64&fps=2' }],
        stateDir: at('alone'),
        mqtt: { broker: 'embedded', embedded: { port } },
      }),
    );
    const alone = start('run', '--config', at('embedded.yaml'));
    try {
      await alone.line(/camera belt: streaming/);
      const { code, stderr } = await fastsamd('job', 'list', '--broker', `mqtt://127.0.0.1:${port}`);
      expect([code, stderr]).toEqual([1, expect.stringContaining('jobs need one that speaks MQTT 5')]);
    } finally {
      alone.process.kill('SIGTERM');
      await alone.outcome;
    }
  });
});
