/** `fastsamd doctor` against a real broker, with and without the right to what it needs. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { native } from '../../src/addon/addon.js';
import type { Check } from '../../src/doctor/report.js';
import { fastsamd } from '../helpers/command.js';
import { fastsamdHere } from '../helpers/command-here.js';
import { Broker, freePort, hasMosquitto } from '../helpers/mosquitto.js';
import { writeTestModel } from '../helpers/onnx-model.js';
import { hasRtspServer, RtspServer } from '../helpers/rtsp-server.js';

let directory = '';
let model = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-doctor-'));
  model = await writeTestModel(join(directory, 'small.onnx'), { width: 64, height: 64 });
});
afterAll(() => rm(directory, { recursive: true }));

async function doctor(config: object): Promise<{ code: number | null; of: (name: string) => Check | undefined }> {
  const file = join(directory, 'config.yaml');
  await writeFile(file, stringify({ node: 'n', stateDir: directory, ...config }));
  const { code, stdout } = await fastsamdHere('doctor', '--config', file, '--json');
  const checks = JSON.parse(stdout) as Check[];
  return { code, of: (name) => checks.find((check) => check.name === name) };
}

describe('fastsamd doctor', { timeout: 120_000 }, () => {
  it.skipIf(!hasMosquitto)('tries model, cameras and broker (needs mosquitto)', async () => {
    await using broker = await Broker.start();
    const cameras = [{ id: 'belt', source: 'test:shapes?width=64&height=48' }];
    const { code, of } = await doctor({ model: { path: model }, cameras, mqtt: { url: broker.url } });
    expect(of('model')).toMatchObject({ status: 'ok', detail: expect.stringMatching(/^small on onnxruntime, input 64×64, \d+ ms/) });
    expect(of('camera belt')).toMatchObject({ status: 'ok', detail: '64×48 rgb' });
    expect(of('broker')).toMatchObject({ status: 'ok', detail: expect.stringMatching(/round trip of \d+ ms/) });
    expect(of('configuration')!.status).toBe('ok');
    expect(code).toBe(0);
  });

  it.skipIf(!hasMosquitto)('names what the ACL of the broker denies (needs mosquitto)', async () => {
    const acl = join(directory, 'acl');
    await writeFile(acl, 'topic readwrite elsewhere/#\n');
    await using broker = await Broker.start({ config: [`acl_file ${acl}`] });
    const { code, of } = await doctor({
      model: { path: join(directory, 'absent.onnx') },
      cameras: [{ id: 'belt', source: 'v4l2:/dev/video99' }],
      mqtt: { url: broker.url },
    });
    expect(of('broker')).toMatchObject({
      status: 'problem',
      detail: expect.stringMatching(/may not .*publish on fastsam\/v1\/n\/response\/doctor/),
      remedy: expect.stringMatching(/ACL/),
    });
    expect(of('model')).toMatchObject({ status: 'problem', detail: expect.stringMatching(/absent\.onnx/) });
    expect(of('camera belt')).toMatchObject({ status: 'problem', detail: expect.stringMatching(/no such device/) });
    expect(code).toBe(1);
  });

  it.skipIf(!hasRtspServer)('opens cameras with all their options (needs gir1.2-gst-rtsp-server-1.0)', async () => {
    await using server = await RtspServer.start({ login: ['operator', 's3cret'] });
    await writeFile(join(directory, 'password'), 's3cret\n');
    await mkdir(join(directory, 'empty'), { recursive: true });
    const login = { source: server.url, username: 'operator', passwordFile: 'password' };
    const { of } = await doctor({
      model: { path: model },
      cameras: [
        { id: 'known', ...login },
        { id: 'turned', ...login, rotate: 90 },
        { id: 'unknown', source: server.url },
        { id: 'idle', source: join(directory, 'empty'), watch: true },
      ],
      mqtt: { url: `mqtt://127.0.0.1:${await freePort()}` },
    });
    expect(of('camera known')).toMatchObject({ status: 'ok', detail: expect.stringMatching(/^320×240 /) });
    expect(of('camera turned')).toMatchObject({ status: 'ok', detail: expect.stringMatching(/^240×320 /) });
    expect(of('camera unknown')).toMatchObject({ status: 'problem', detail: expect.stringMatching(/refuses|401|[Uu]nauthorized/) });
    expect(of('camera idle')).toMatchObject({ status: 'warning', detail: 'opens and has sent no frame yet' });
  });

  it('tries the small model of the governor, and cuts out regions of interest as the daemon does', async () => {
    const source = 'test:shapes?width=64&height=48';
    const closed = await freePort();
    const tried = (governor: object) =>
      doctor({
        model: { path: model },
        governor,
        cameras: [
          { id: 'corner', source, roi: { x: 40, y: 16, width: 32, height: 16 } },
          { id: 'outside', source, roi: { x: 64, y: 0, width: 16, height: 16 } },
        ],
        mqtt: { url: `mqtt://127.0.0.1:${closed}` },
      });
    const smaller = await writeTestModel(join(directory, 'smaller.onnx'), { width: 32, height: 32 });
    const { code, of } = await tried({ smallModel: smaller });
    expect(of('model')).toMatchObject({ status: 'ok', detail: expect.stringMatching(/^small on onnxruntime, input 64×64/) });
    expect(of('small model')).toMatchObject({ status: 'ok', detail: expect.stringMatching(/^smaller on onnxruntime, input 32×32/) });
    // What hangs over the edge is left out.
    expect(of('camera corner')).toMatchObject({ status: 'ok', detail: '24×16 rgb' });
    expect(of('camera outside')).toMatchObject({
      status: 'problem',
      detail: expect.stringMatching(/the region of interest lies outside its 64×48 frames/),
      remedy: expect.stringMatching(/roi/),
    });
    expect(code).toBe(1);

    const absent = await tried({ smallModel: join(directory, 'none.onnx') });
    expect(absent.of('model')!.status).toBe('ok');
    expect(absent.of('small model')).toMatchObject({ status: 'problem', detail: expect.stringMatching(/none\.onnx/) });
    // The daemon would not load it either.
    expect((await tried({ enabled: false, smallModel: join(directory, 'none.onnx') })).of('small model')).toBeUndefined();
  });

  it('goes on without a broker, and without a configuration shows a table', async () => {
    const { code, of } = await doctor({
      model: { path: model },
      cameras: [{ id: 'belt', source: 'test:shapes' }],
      mqtt: { url: `mqtt://127.0.0.1:${await freePort()}` },
    });
    expect(of('broker')).toMatchObject({ status: 'problem', detail: expect.stringMatching(/ECONNREFUSED/) });
    expect(code).toBe(1);
    const { stdout } = await fastsamd('doctor');
    expect(stdout).toMatch(/^ok {7}addon/m);
    expect(stdout).toMatch(native().features.tensorrt ? /^(ok|warning) +TensorRT/m : /^skipped {2}TensorRT .*not part of this build/m);
    expect(stdout).toMatch(/^skipped {2}configuration .*--config FILE/m);
    expect(stdout).toMatch(/\d+ ok, \d+ warnings, \d+ problems, \d+ skipped\n$/);
  });
});
