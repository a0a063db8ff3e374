/** A real RTSP server (gst-rtsp-server) in a process of its own, which can be killed, frozen and told to change its picture. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Certificate } from './certificate.js';
import { killed } from './killed.js';
import { freePort } from './mosquitto.js';

const SCRIPT = fileURLToPath(new URL('./rtsp-server.py', import.meta.url));
/** The distribution's own: other interpreters do not see its bindings. */
const PYTHON = '/usr/bin/python3';

/** For `describe.skipIf(!hasRtspServer)('… (needs gir1.2-gst-rtsp-server-1.0)')`. */
export const hasRtspServer =
  spawnSync(PYTHON, ['-c', 'import gi; gi.require_version("GstRtspServer", "1.0"); from gi.repository import GstRtspServer']).status === 0;

export interface RtspServerSettings {
  readonly codec?: 'h264' | 'h265' | 'mjpeg';
  /** Width and height in pixels. */
  readonly size?: readonly [number, number];
  /** User and password. */
  readonly login?: readonly [string, string];
  /** Makes it an rtsps: server. */
  readonly tls?: Certificate;
}

export class RtspServer implements AsyncDisposable {
  #process: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly settings: RtspServerSettings,
  ) {}

  static async start(settings: RtspServerSettings = {}): Promise<RtspServer> {
    const server = new RtspServer(await freePort(), settings);
    await server.start();
    return server;
  }

  get url(): string {
    return `${this.settings.tls ? 'rtsps' : 'rtsp'}://127.0.0.1:${this.port}/cam`;
  }

  /** Resolves when it listens. */
  async start(): Promise<void> {
    const { codec = 'h264', size = [320, 240], login, tls } = this.settings;
    const command = ['--pdeathsig', 'KILL', PYTHON, SCRIPT, `${this.port}`, codec, ...size.map(String)];
    if (login) command.push('--login', ...login);
    if (tls) command.push('--tls', tls.cert, tls.key);
    const child = spawn('setpriv', command, { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#process = child;
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`the RTSP server ended with ${code}`);
    });
    await Promise.race([once(child.stdout!, 'data'), ended]);
    ended.catch(() => undefined);
  }

  kill(): Promise<void> {
    return killed(this.#process);
  }

  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  resize(width: number, height: number): void {
    this.#process?.stdin?.write(`size ${width} ${height}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
