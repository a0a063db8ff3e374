/** A daemon in this process with its console on, on a free port: shapes that move, and a model that finds three rectangles. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { configSchema } from '../../src/config/schema.js';
import { Users } from '../../src/console/users.js';
import type { ClientInput, ConsoleUser, ServerMessage, ViewMeta } from '../../src/contract/console.js';
import { ackMessage, readView, type View } from '../../src/contract/view-message.js';
import { Daemon } from '../../src/daemon/daemon.js';
import type { DaemonDeps } from '../../src/daemon/parts.js';
import { stateDirectoryOf, stateFilesIn } from '../../src/daemon/state-directory.js';
import { writeTestModel } from '../helpers/onnx-model.js';

export const SCENE = 'test:shapes?width=320&height=320&fps=20';
/** For what does not ask for many frames: two cameras of 20 frames a second take both cores from the browser. */
export const SLOW_SCENE = SCENE.replace('fps=20', 'fps=5');

export interface ConsoleNode extends AsyncDisposable {
  readonly daemon: Daemon;
  readonly port: number;
  readonly url: string;
  readonly logged: string[];
  readonly folder: string;
}

/** All of two cores: what a page is sent does not depend on what else the machine does. */
async function idleMachine(): Promise<number> {
  return 2 * performance.now();
}

export async function consoleNode(
  changes: Record<string, unknown> = {},
  users: readonly (ConsoleUser & { readonly password: string })[] = [],
  deps: Partial<DaemonDeps> = {},
): Promise<ConsoleNode> {
  const folder = await mkdtemp(join(tmpdir(), 'fastsamd-console-'));
  const { console: consoleChanges = {}, ...rest } = changes as { console?: object };
  const config = configSchema.parse({
    node: 'line-3',
    model: { path: await writeTestModel(join(folder, 'three.onnx')) },
    cameras: [
      { id: 'belt', source: SLOW_SCENE },
      { id: 'gate', source: SLOW_SCENE },
    ],
    mqtt: { url: 'mqtt://127.0.0.1:9' },
    telemetry: { intervalMs: 500 },
    stateDir: folder,
    ...rest,
    console: { enabled: true, port: 0, ...consoleChanges },
  });
  const logged: string[] = [];
  const log = pino({ level: 'info' }, { write: (line) => void logged.push(line) });
  const file = stateFilesIn(stateDirectoryOf(config)).users;
  for (const { password, ...user } of users) {
    await mkdir(join(folder, config.node), { recursive: true });
    await new Users(file).add(user, password);
  }
  const daemon = new Daemon({ config, log, idleTime: idleMachine, ...deps });
  await daemon.start();
  const port = daemon.console!.port!;
  return {
    daemon,
    port,
    url: `http://127.0.0.1:${port}`,
    logged,
    folder,
    [Symbol.asyncDispose]: async () => {
      await daemon.stop('test is over');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A page without a browser: it acknowledges what it is sent unless told otherwise. */
export class Page implements Disposable {
  readonly messages: ServerMessage[] = [];
  readonly views: View<ViewMeta>[] = [];
  acknowledges = true;
  readonly closed: Promise<{ code: number; reason: string }>;
  #wake: (() => void)[] = [];

  private constructor(readonly socket: WebSocket) {
    this.closed = new Promise((resolve) => socket.on('close', (code, reason) => resolve({ code, reason: String(reason) })));
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) {
        const view = readView<ViewMeta>(new Uint8Array(data));
        this.views.push(view);
        if (this.acknowledges) socket.send(ackMessage(view.channel, view.seq));
      } else this.messages.push(JSON.parse(String(data)));
      for (const wake of this.#wake.splice(0)) wake();
    });
    socket.on('error', () => undefined);
  }

  static async open(
    node: ConsoleNode,
    { headers = {}, path = '/api/live' }: { headers?: Record<string, string>; path?: string } = {},
  ): Promise<Page> {
    // Scripts, which bring a token, have no origin.
    const origin = 'authorization' in headers ? {} : { origin: node.url };
    const socket = new WebSocket(`ws://127.0.0.1:${node.port}${path}`, 'fastsam.console.v1', { headers: { ...origin, ...headers } });
    const page = new Page(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('unexpected-response', (_request, response) => reject(new Error(`HTTP ${response.statusCode}`)));
    });
    return page;
  }

  say(message: ClientInput): void {
    this.socket.send(JSON.stringify(message));
  }

  /** Resolves with what `find` finds, now or later. */
  async until<T>(find: (page: Page) => T | undefined): Promise<T> {
    for (;;) {
      const found = find(this);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  message<T extends ServerMessage['t']>(t: T, matches: (message: Extract<ServerMessage, { t: T }>) => boolean = () => true) {
    return this.until(({ messages }) =>
      messages.find((message): message is Extract<ServerMessage, { t: T }> => message.t === t && matches(message as never)),
    );
  }

  /** Asks, and waits for the answer. */
  async ask(
    verb: string,
    payload: Record<string, unknown>,
  ): Promise<{ status: string; code?: string; revision?: number; data?: unknown; error?: string }> {
    const id = `q${this.messages.length}-${Math.random().toString(36).slice(2, 8)}`;
    this.say({ t: 'request', verb, id, payload });
    const { response } = await this.message('response', (message) => (message.response as { id: string }).id === id);
    return response as never;
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }
}

/** The Cookie header of a login. An address may log in once a second: a refused login is repeated when its turn has come. */
export async function login(node: ConsoleNode, user: string, password: string): Promise<string> {
  const attempt = () =>
    fetch(`${node.url}/api/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: node.url },
      body: JSON.stringify({ user, password }),
    });
  let response = await attempt();
  for (let repeats = 0; response.status === 429 && repeats < 3; repeats++) {
    await setTimeout(1000);
    response = await attempt();
  }
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response.headers.getSetCookie()[0]!.split(';')[0]!;
}
