/** A daemon whose every camera address carries a secret: what it writes, publishes and shows does not. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseConfig } from '../../src/config/load.js';
import { fastsamd, start } from '../helpers/command.js';
import { Broker, hasMosquitto } from '../helpers/mosquitto.js';
import { writeTestModel } from '../helpers/onnx-model.js';
import { leaks, SECRET_SOURCES } from '../helpers/secret-sources.js';

let folder = '';
let model = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fastsamd-secrets-'));
  model = await writeTestModel(join(folder, 'three.onnx'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Forms that the configuration refuses (config/source-name.test.ts looks at the refusals) never reach a daemon. */
function isAccepted(source: string): boolean {
  try {
    parseConfig(JSON.stringify({ model: { path: 'm' }, cameras: [{ id: 'a', source }] }), 'c.yaml');
    return true;
  } catch {
    return false;
  }
}

/** The command lines of all threads and processes that the process has started, and its own. */
async function commandLines(pid: number): Promise<string[]> {
  const lines: string[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const status = await readFile(`/proc/${entry}/status`, 'utf8').catch(() => '');
    const parent = Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]);
    if (Number(entry) !== pid && parent !== pid) continue;
    lines.push(await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => ''));
    for (const thread of await readdir(`/proc/${entry}/task`).catch(() => []))
      lines.push(await readFile(`/proc/${entry}/task/${thread}/comm`, 'utf8').catch(() => ''));
  }
  return lines;
}

/** At an address that refuses connections. */
const sources = SECRET_SOURCES.map((source) => source.replaceAll('10.0.0.5', '127.0.0.1')).filter(isAccepted);
/** As many cameras as a node may have. */
const MAX_CAMERAS = 16;
const batches = Array.from({ length: Math.ceil(sources.length / MAX_CAMERAS) }, (_, k) =>
  sources.slice(k * MAX_CAMERAS, (k + 1) * MAX_CAMERAS),
);

describe.skipIf(!hasMosquitto)('secrets in the addresses of cameras (needs mosquitto)', { timeout: 120_000 }, () => {
  it('cover at least 40 forms', () => expect(sources.length).toBeGreaterThanOrEqual(40));

  it.each(batches)('are in no log, message, command line or report: %s and others', async (...cameraSources) => {
    await using broker = await Broker.start();
    const observer = await broker.observe('#');
    const cameras = cameraSources.map((source, k) => ({ id: `cam-${k}`, source }));
    const config = {
      node: 'n',
      model: { path: model, onnxruntime: { threads: 1 } },
      cameras,
      mqtt: { url: broker.url },
      log: { level: 'debug' },
      stateDir: join(folder, 'state'),
    };
    const file = join(folder, 'config.yaml');
    await writeFile(file, stringify(config));
    const daemon = start('run', '--config', file);
    const shown: Record<string, string> = {};
    try {
      // Each camera has been tried, and says why it does not work.
      for (const { id } of cameras) {
        const tried = observer.until(`fastsam/v1/n/cameras/${id}/state`, (text) => JSON.parse(text).reason !== undefined);
        await Promise.race([
          tried,
          daemon.outcome.then(({ stderr }) => Promise.reject(new Error(`the daemon ended: ${stderr.slice(-1000)}`))),
        ]);
      }
      await observer.until('fastsam/v1/n/health');
      shown['command lines'] = (await commandLines(daemon.process.pid!)).join('\n');
      const [printed, doctor] = await Promise.all([fastsamd('config', 'show', file), fastsamd('doctor', '--config', file)]);
      shown['config show'] = printed.stdout + printed.stderr;
      shown.doctor = doctor.stdout + doctor.stderr;
    } finally {
      daemon.process.kill('SIGTERM');
    }
    const { stdout, stderr } = await daemon.outcome;
    shown.log = stdout + stderr;
    for (const { topic, text } of observer.received) shown[topic] = (shown[topic] ?? '') + text;
    expect(shown.log!.length).toBeGreaterThan(1000);
    expect(shown['config show']).toContain('cam-0');
    expect(shown.doctor).toMatch(/cam-0/);
    const found = Object.entries(shown).flatMap(([where, text]) =>
      text
        .split('\n')
        .filter(leaks)
        .map((line) => `${where}: ${line.slice(0, 300)}`),
    );
    expect(found).toEqual([]);
  });
});
