/** Signals of a running daemon that are not its end. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type RunningCommand, start } from '../helpers/command.js';
import { freePort } from '../helpers/mosquitto.js';
import { writeTestModel } from '../helpers/onnx-model.js';

let folder = '';
let daemon: RunningCommand;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fastsamd-signals-'));
  const model = { path: await writeTestModel(join(folder, 'three.onnx')), onnxruntime: { threads: 1 } };
  const config = {
    node: 'n',
    model,
    cameras: [{ id: 'belt', source: 'test:shapes?width=64&height=64&fps=2' }],
    mqtt: { broker: 'embedded', embedded: { port: await freePort() } },
    stateDir: join(folder, 'state'),
  };
  await writeFile(join(folder, 'config.yaml'), stringify(config));
  daemon = start('run', '--config', join(folder, 'config.yaml'));
  await daemon.line(/model three/);
}, 60_000);
afterAll(async () => {
  daemon.process.kill('SIGKILL');
  await daemon.outcome;
  await rm(folder, { recursive: true });
});

describe('a running daemon', { timeout: 60_000 }, () => {
  it('opens no debugger at SIGUSR1, answers 3,000 SIGHUPs with few reloads, and stops as ever', async () => {
    daemon.process.kill('SIGUSR1');
    for (let k = 0; k < 3000; k += 1) daemon.process.kill('SIGHUP');
    await daemon.line(/SIGHUP: 0 changes applied/);
    const residentKiB = Number(/^VmHWM:\s+(\d+)/m.exec(await readFile(`/proc/${daemon.process.pid}/status`, 'utf8'))?.[1]);
    daemon.process.kill('SIGTERM');
    const { code, stderr, stdout } = await daemon.outcome;
    const log = stdout + stderr;
    expect(code).toBe(0);
    expect(log).not.toMatch(/debugger/i);
    // Signals of one kind that have not been handled are one to the system; each that is handled may lead to one reload.
    const reloads = log.match(/SIGHUP: 0 changes applied/g)!.length;
    process.stderr.write(`${reloads} reloads for 3000 signals, at most ${Math.round(residentKiB / 1024)} MiB\n`);
    expect(reloads).toBeLessThan(100);
  });
});
