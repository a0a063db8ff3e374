/** Cameras that attack their reader, each in a process of its own, so that only the reader is measured here. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { killed } from './killed.js';

const SCRIPT = fileURLToPath(new URL('./hostile-camera.mjs', import.meta.url));

export class HostileCamera implements AsyncDisposable {
  private constructor(
    private readonly process: ChildProcess,
    readonly url: string,
  ) {}

  /** `kind`: see hostile-camera.mjs; `target`: where the redirecting kinds lead. */
  static async start(kind: string, target = ''): Promise<HostileCamera> {
    const command = ['--pdeathsig', 'KILL', process.execPath, SCRIPT, kind, target];
    const child = spawn('setpriv', command, { stdio: ['pipe', 'pipe', 'inherit'] });
    const [port] = (await once(child.stdout!, 'data')) as [Buffer];
    const scheme = kind.startsWith('rtsp-') ? 'rtsp' : 'http';
    return new HostileCamera(child, `${scheme}://127.0.0.1:${Number(port)}/cam`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await killed(this.process);
  }
}
