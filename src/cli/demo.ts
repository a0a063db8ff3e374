/** `fastsamd demo`: the daemon's main job on this machine, with nothing to set up. `make demo` calls it. */

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Aedes } from 'aedes';
import { pino } from 'pino';
import type { CommandModule } from 'yargs';
import { Daemon } from '../app/daemon.js';
import { type Config, configSchema } from '../config/schema.js';
import { FastsamError } from '../errors.js';
import type { ResultMessage } from '../wire/result.js';
import { demandRange } from './model-options.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Test material beside a checkout, see README. */
const SHARED = join(ROOT, '../shared');
const PRINT_INTERVAL_MS = 1000;

interface DemoArguments {
  readonly broker?: string | undefined;
  readonly source?: string | undefined;
  readonly model?: string | undefined;
  readonly frames?: number | undefined;
}

export const demoCommand: CommandModule<object, DemoArguments> = {
  command: 'demo',
  describe: 'Run the daemon on a clip or a generated scene, with a broker of its own',
  builder: (yargs) =>
    yargs.options({
      broker: {
        type: 'string',
        requiresArg: true,
        describe: 'mqtt://HOST:PORT of a broker; one is started on a free loopback port when absent.',
      },
      source: { type: 'string', requiresArg: true, describe: 'As for segment; a clip or test:shapes when absent.' },
      model: {
        type: 'string',
        requiresArg: true,
        describe: 'ONNX file; the first of models/fastsam-s*.onnx, models/demo.onnx and the test models when absent.',
      },
      frames: { type: 'number', requiresArg: true, describe: 'Stop by itself after this many results.' },
    }),
  handler: demo,
};

async function demo(args: DemoArguments): Promise<void> {
  if (args.frames !== undefined) demandRange('--frames', args.frames, 1, 1e9, true);
  const model = args.model ?? (await findModel());
  const source = args.source ?? findSource();
  const broker = args.broker === undefined ? await startBroker() : undefined;
  const url = args.broker ?? broker!.url;
  // Nothing of a demo outlives it.
  const stateDir = await mkdtemp(join(tmpdir(), 'fastsamd-demo-'));
  const config = { ...demoConfig(model, source, url, broker ? 4 : 5), stateDir };
  const lines = new StatusLines(args.frames);
  const daemon = new Daemon({
    config,
    log: pino({ level: 'warn' }, pino.destination({ fd: 2, sync: true })),
    onResult: (message) => {
      if (lines.add(message)) void daemon.stop('all frames shown');
    },
  });
  const terminate = () => void daemon.stop('interrupted');
  process.once('SIGINT', terminate).once('SIGTERM', terminate);
  print(`model   ${model}`);
  print(`source  ${source}`);
  print(`broker  ${url}${broker ? ' (started for this demo)' : ''}`);
  print(`watch   mosquitto_sub -L ${url}/fastsam/v1/${config.node}/# -v`);
  print(
    `prompt  mosquitto_pub -L ${url}/fastsam/v1/${config.node}/request/prompt/set -m '{"id":"1","prompts":[{"type":"points","points":[[0.5,0.5]],"space":"normalized"}]}'`,
  );
  try {
    await daemon.start();
    await daemon.finished();
  } finally {
    lines.flush();
    await broker?.stop();
    await rm(stateDir, { recursive: true, force: true });
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function findModel(): Promise<string> {
  const own = await listed(join(ROOT, 'models'));
  const fastsam = own.find((path) => /fastsam-s[^/]*\.onnx$/i.test(path));
  const bundled = own.find((path) => path.endsWith('/demo.onnx'));
  const shared = (await listed(join(SHARED, 'models'))).find((path) => path.endsWith('.onnx'));
  const model = fastsam ?? bundled ?? shared;
  if (model) return model;
  throw new FastsamError(
    'USAGE',
    'no model found: "bin/fastsamd model pull fastsam-s" fetches FastSAM-s, MODEL=path (make) or --model path names another ONNX file',
  );
}

async function listed(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch(() => []);
  return names.sort().map((name) => join(directory, name));
}

function findSource(): string {
  const clip = join(SHARED, 'videos/bedroom.mp4');
  return existsSync(clip) ? clip : 'test:shapes';
}

function demoConfig(model: string, source: string, url: string, protocol: 4 | 5): Config {
  const parsed = configSchema.safeParse({
    node: 'demo',
    model: { path: resolve(model) },
    segmentation: { conf: 0.25 },
    cameras: [{ id: 'camera', source, loop: true, realtime: true }],
    mqtt: { url, protocol },
    telemetry: { intervalMs: 2000 },
    log: { level: 'warn' },
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new FastsamError('USAGE', `${issue?.path.join('.')}: ${issue?.message}`);
}

/** Speaks MQTT 3.1.1 only; ends with the demo. */
async function startBroker(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const aedes = await Aedes.createBroker();
  const server = createServer(aedes.handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    url: `mqtt://127.0.0.1:${port}`,
    stop: async () => {
      await new Promise<void>((done) => aedes.close(done));
      await new Promise((done) => server.close(done));
    },
  };
}

/** A line a second: rate, latency and what was found; and the end of the demo, when it has one. */
class StatusLines {
  #results = 0;
  #since = performance.now();
  #pending: ResultMessage[] = [];

  constructor(private readonly limit: number | undefined) {}

  /** True when that was the last frame wanted. */
  add(message: ResultMessage): boolean {
    if (this.#results === this.limit) return true;
    this.#results += 1;
    this.#pending.push(message);
    if (performance.now() - this.#since >= PRINT_INTERVAL_MS) this.flush();
    return this.#results === this.limit;
  }

  flush(): void {
    const count = this.#pending.length;
    if (count === 0) return;
    const seconds = (performance.now() - this.#since) / 1000;
    const totals = this.#pending.map((message) => message.latencyMs.total).sort((a, b) => a - b);
    const last = this.#pending.at(-1)!;
    const dropped = this.#pending.reduce((sum, message) => sum + Object.values(message.dropped).reduce((a, b) => a + b, 0), 0);
    const { infer, decode } = last.latencyMs;
    print(
      `frame ${String(last.seq).padStart(5)}  ${(count / seconds).toFixed(1).padStart(5)} fps  latency ${totals[count >> 1]!.toFixed(0)} ms` +
        ` (network ${infer.toFixed(0)}, decode ${decode.toFixed(1)})  ${last.objects.length} objects  ${dropped} dropped${labelled(last)}`,
    );
    this.#pending = [];
    this.#since = performance.now();
  }
}

/** `: 2 person, 1 bed` for models with class names. */
function labelled(message: ResultMessage): string {
  const counts = new Map<string, number>();
  for (const { label } of message.objects) if (label !== null) counts.set(label, (counts.get(label) ?? 0) + 1);
  const named = [...counts].map(([label, count]) => `${count} ${label}`).join(', ');
  return named ? `: ${named}` : '';
}
