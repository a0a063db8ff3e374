/** A robot that is one box: the daemon is its own broker, and the commands on the same machine need no option to reach it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fastsamd, start } from '../helpers/command.js';
import { freePort } from '../helpers/mosquitto.js';
import { writeTestModel } from '../helpers/onnx-model.js';

describe('a daemon with the embedded broker', { timeout: 60_000 }, () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fastsamd-embedded-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is examined, asked and watched like any other, though its broker speaks MQTT 3.1.1 only', async () => {
    const port = await freePort();
    const file = join(folder, 'config.json');
    const config = {
      node: 'robot-1',
      model: { path: await writeTestModel(join(folder, 'three.onnx')) },
      stateDir: join(folder, 'state'),
      cameras: [{ id: 'belt', source: 'test:shapes?width=320&height=320&fps=10', publish: { snapshots: true } }],
      mqtt: { broker: 'embedded', embedded: { port } },
    };
    await writeFile(file, JSON.stringify(config));
    const examined = async () => {
      const { stdout } = await fastsamd('doctor', '--config', file, '--json');
      return JSON.parse(stdout).find(({ name }: { name: string }) => name === 'broker');
    };
    expect(await examined()).toMatchObject({ status: 'skipped', detail: expect.stringContaining('while the daemon runs') });

    const daemon = start('run', '--config', file);
    try {
      await daemon.line(/camera belt: streaming/);
      expect(await examined()).toMatchObject({ status: 'ok' });
      const broker = ['--broker', `mqtt://127.0.0.1:${port}`];
      const asked = await fastsamd('request', 'robot-1', 'read/ping', ...broker);
      expect([asked.code, JSON.parse(asked.stdout)]).toMatchObject([0, { node: 'robot-1', status: 'ok' }]);
      // The node's own configuration says where its broker is; requests and prompts come from files.
      const picture = join(folder, 'belt.jpg');
      const request = join(folder, 'request.json');
      await writeFile(request, '{"camera":"belt"}');
      const snapshot = await fastsamd('request', 'robot-1', 'read/snapshot', `@${request}`, '--config', file, '--out', picture);
      expect([snapshot.code, JSON.parse(snapshot.stdout)]).toMatchObject([0, { status: 'ok' }]);
      const watching = start('watch', 'robot-1', ...broker);
      await watching.line(/belt #\d+: 3 objects/);
      watching.process.kill('SIGINT');
      expect((await watching.outcome).code).toBe(0);
      const mistyped = start('watch', 'robot-2', ...broker);
      await mistyped.line(/nothing heard of robot-2 at mqtt:.*is its id right\?/);
      mistyped.process.kill('SIGINT');
      expect(await mistyped.outcome).toMatchObject({ code: 0, stdout: '' });
      // Whoever insists on MQTT 5 is told why that does not work.
      const insisted = await fastsamd('request', 'robot-1', 'read/ping', '--protocol', '5', ...broker);
      expect(insisted).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(/does not speak this version of MQTT: set protocol 4/),
      });
    } finally {
      daemon.process.kill('SIGTERM');
      expect((await daemon.outcome).code).toBe(0);
    }
  });
});
