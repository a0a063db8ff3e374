/** `fastsamd demo`: the daemon's main job on this machine, with nothing to set up. `make demo` calls it. */

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pino } from 'pino';
import { EmbeddedBroker } from '../broker/embedded-broker.js';
import { PLATE_RECIPE } from '../config/load.js';
import { type Config, configSchema } from '../config/schema.js';
import { consoleSchema } from '../config/sections/console.js';
import type { CameraEvent } from '../contract/messages.js';
import type { ResultMessage } from '../contract/result.js';
import { Daemon } from '../daemon/daemon.js';
import { type Prompt, parsePrompts } from '../domain/prompt.js';
import type { SegmentationEngine } from '../engine/engine.js';
import { openEngine } from '../engine/open.js';
import { FastsamError, isFastsamError } from '../errors.js';
import { BUNDLED_MODEL } from '../model/installed.js';
import { runPipeline } from '../pipeline/pipeline.js';
import { firstFrames } from '../source/limit.js';
import { openSource } from '../source/open.js';
import { finishBeforeLeaving } from './leaving.js';
import { demandRange } from './model-options.js';
import { AnnotatedOutput } from './output.js';
import { Inputs } from './overwriting.js';
import { say, tell } from './terminal.js';

/** Drawn in the size of the model's input, which it then sees unscaled. */
export const SCENE = 'test:conveyor?width=640&height=640';
/** One product, part by part, for an inspection. */
const PLATES = `${SCENE}&product=plate`;
/** What an operator of that belt could ask: what lies in the inspection station, what passes the pick point, and all the rest. */
export const SCENE_PROMPTS = [
  { id: 'station', type: 'box', box: [0.36, 0.36, 0.64, 0.64], space: 'normalized', minIou: 0.15 },
  { id: 'pick', type: 'points', points: [[0.8, 0.5]], space: 'normalized' },
  { id: 'everything', type: 'everything' },
] as const;
const SEGMENTATION = { conf: 0.4, iou: 0.7 } as const;
/** For the picture of that belt: as drawn six seconds after the start, when both prompts have an object. */
const PICTURE_OPTIONS = '&fps=1&realtime=false';
const PICTURE_FRAME = 6;
const PRINT_INTERVAL_MS = 1000;

export interface DemoArguments {
  readonly broker?: string | undefined;
  readonly source?: string | undefined;
  readonly model?: string | undefined;
  readonly frames?: number | undefined;
  readonly inspect?: boolean | undefined;
  readonly out: string;
}

export async function demo(args: DemoArguments): Promise<void> {
  if (args.frames !== undefined) demandRange('--frames', args.frames, 1, 1e9, true);
  const model = args.model ?? BUNDLED_MODEL;
  if (args.inspect && args.source !== undefined) throw new FastsamError('USAGE', '--inspect has its own source; leave --source out');
  const scene = args.inspect ? PLATES : SCENE;
  const source = args.source ?? scene;
  const prompts = args.source === undefined && !args.inspect ? SCENE_PROMPTS : [];
  // Also finds out whether the source can be opened: the daemon would try again without end, and a demo has nothing else to show.
  const pictures = await writePicture(
    { uri: args.source ?? `${scene}${PICTURE_OPTIONS}`, frame: args.source === undefined ? PICTURE_FRAME : 0 },
    model,
    parsePrompts(prompts),
    args.out,
  );
  const log = pino({ level: 'warn' }, pino.destination({ fd: 2, sync: true }));
  const own = { embedded: { host: '127.0.0.1', port: 0 }, tls: { insecure: false } };
  const broker = args.broker === undefined ? new EmbeddedBroker({ config: own, log }) : undefined;
  await broker?.start();
  const url = args.broker ?? broker!.url;
  // Nothing of a demo outlives it.
  const stateDir = await mkdtemp(join(tmpdir(), 'fastsamd-demo-'));
  const config = { ...demoConfig(model, source, prompts, url, broker ? 4 : 5, await consolePort(), args.inspect), stateDir };
  const lines = new StatusLines(args.frames);
  const daemon = new Daemon({
    config,
    log,
    onResult: (message) => {
      if (lines.add(message)) void daemon.stop('all frames shown');
    },
    onEvent: (_, event) => {
      if (event.type === 'verdict') say(verdictLine(event));
    },
  });
  using finishing = finishBeforeLeaving('success');
  finishing.signal.addEventListener('abort', () => void daemon.stop('interrupted'));
  say(`model   ${model}`);
  say(`source  ${source}`);
  say(`broker  ${url}${broker ? ' (started for this demo)' : ''}`);
  say(`watch   mosquitto_sub -L ${url}/fastsam/v1/${config.node}/# -v`);
  say(
    `prompt  mosquitto_pub -L ${url}/fastsam/v1/${config.node}/request/prompt/set -m '{"id":"1","prompts":[{"type":"points","points":[[0.5,0.5]],"space":"normalized"}]}'`,
  );
  try {
    await daemon.start();
    const page = `http://127.0.0.1:${daemon.console?.port}/`;
    say(`console ${page} (open it in a browser: see it, click it)`);
    if (hasDesktop()) openInBrowser(page);
    await daemon.finished();
  } finally {
    lines.flush();
    for (const picture of pictures) say(`picture ${picture} (a frame with its masks and prompts; open it)`);
    await broker?.stop();
    await rm(stateDir, { recursive: true, force: true });
  }
}

/**
 * Segments a frame of the source (0 is the first) and writes it, marked, to `path`. Returns the absolute paths of what was
 * written: none where the path cannot be written, which is said and is no reason to end. Errors: those of opening the source
 * and the model; USAGE for a path that is no picture.
 */
async function writePicture(
  of: { readonly uri: string; readonly frame: number },
  model: string,
  prompts: readonly Prompt[],
  path: string,
): Promise<string[]> {
  const output = new AnnotatedOutput(path, prompts, await Inputs.of([of.uri]));
  await output.check();
  const source = await openSource(of.uri);
  let engine: SegmentationEngine | undefined;
  try {
    engine = await openEngine({ model });
    await runPipeline({
      source: firstFrames(source, of.frame + 1),
      engine,
      segmentation: () => ({ ...SEGMENTATION, maxDet: 300, snapToBorder: 'auto' }),
      prompts: () => ({ revision: 0, prompts }),
      deliver: async (result, frame) => {
        if (result.sequence === of.frame) await output.add(frame, result, source.live);
      },
    });
  } catch (error) {
    if (!isFastsamError(error, 'OUTPUT_UNWRITABLE')) throw error;
    tell(`fastsamd: ${error.message}`);
  } finally {
    await output.close();
    await Promise.all([source.stop(), engine?.stop()]);
  }
  return output.files.map((file) => resolve(file));
}

/** Whether somebody sits before a screen of this machine, rather than before a script or a remote terminal. */
function hasDesktop(): boolean {
  const { DISPLAY, WAYLAND_DISPLAY, SSH_CONNECTION, CI } = process.env;
  return process.stdout.isTTY && !!(DISPLAY || WAYLAND_DISPLAY) && !SSH_CONNECTION && !CI;
}

/** Where that does not work, the address that was printed has to do. */
function openInBrowser(page: string): void {
  const opener = spawn('xdg-open', [page], { stdio: 'ignore', detached: true });
  opener.on('error', () => undefined);
  opener.unref();
}

/** The usual port where it is free, so that a page that is open finds the next demo; else any. */
async function consolePort(): Promise<number> {
  const { port } = consoleSchema.parse({});
  const server = createServer();
  const isFree = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  await new Promise((resolve) => server.close(resolve));
  return isFree ? port : 0;
}

/** `part     3  NOK COUNT (bores 1)`: the values that are not ok. */
function verdictLine({ inspection, verdict, reasons, checks }: Extract<CameraEvent, { type: 'verdict' }>): string {
  const wrong = checks.filter(({ result }) => result !== 'ok').map(({ id, value }) => `${id} ${value?.toFixed(2) ?? '?'}`);
  return `part  ${String(inspection).padStart(5)}  ${[verdict, ...reasons].join(' ')}${wrong.length > 0 ? ` (${wrong.join(', ')})` : ''}`;
}

function demoConfig(
  model: string,
  source: string,
  prompts: readonly object[],
  url: string,
  protocol: 4 | 5,
  port: number,
  inspect = false,
): Config {
  const inspection = inspect ? { tracking: { enabled: true }, inspection: { recipe: PLATE_RECIPE } } : {};
  const parsed = configSchema.safeParse({
    node: 'demo',
    model: { path: model },
    segmentation: SEGMENTATION,
    cameras: [{ id: 'camera', source, loop: true, realtime: true, prompts, ...inspection }],
    mqtt: { url, protocol },
    telemetry: { intervalMs: 2000 },
    console: { enabled: true, port },
    log: { level: 'warn' },
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new FastsamError('USAGE', `${issue?.path.join('.')}: ${issue?.message}`);
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
    say(
      `frame ${String(last.seq).padStart(5)}  ${(count / seconds).toFixed(1).padStart(5)} fps  latency ${totals[count >> 1]!.toFixed(0)} ms` +
        ` (network ${infer.toFixed(0)}, decode ${decode.toFixed(1)})  ${last.objects.length} objects  ${dropped} dropped${labelled(last)}${answered(last)}`,
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

/** `; station: object 3 (0.57), pick: unmatched`; nothing for "everything", which is the number of objects. */
function answered(message: ResultMessage): string {
  const answers = message.prompts
    .filter((answer) => answer.type !== 'everything')
    .map((answer) => {
      const found = answer.status === 'matched' ? answer.objects.map(({ id, score }) => `object ${id} (${score.toFixed(2)})`) : [];
      return `${answer.id}: ${found.join(', ') || answer.status}`;
    });
  return answers.length > 0 ? `; ${answers.join(', ')}` : '';
}
