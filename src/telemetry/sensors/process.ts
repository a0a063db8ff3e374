/** Reads sensors in a separate process, which is abandoned when a read in it hangs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { compiledModule } from '../../compiled.js';
import type { SensorRequest } from './child.js';
import { NO_READINGS, type SensorReadings } from './readings.js';

const CHILD = fileURLToPath(compiledModule('./child.js', import.meta.url));
/** For all sensors together, each of which answers within milliseconds, also on a slow bus. */
const HUNG_MS = 5000;
/** A loaded machine may take a while to start a process. */
const START_MS = 60_000;
/** So many stuck files are no accident any more: the rest is left alone. */
const MAX_STUCK = 8;
/** Problems are told once per file, and this many files are remembered. */
const MAX_TOLD = 256;

export interface SensorProcessDeps {
  /** Default "/". */
  readonly root?: string;
  /** Folders whose file systems are measured. */
  readonly folders: readonly string[];
  readonly log: Logger;
  readonly hungMs?: number;
}

interface Sampling {
  readonly resolve: (readings: SensorReadings) => void;
  timer: NodeJS.Timeout;
  lastAccess: string | undefined;
}

export class SensorProcess {
  readonly #deps: SensorProcessDeps;
  readonly #stuck = new Set<string>();
  readonly #told = new Set<string>();
  #child: ChildProcess | undefined;
  #sampling: Sampling | undefined;
  #running: Promise<SensorReadings> | undefined;
  #stopped = false;

  constructor(deps: SensorProcessDeps) {
    this.#deps = deps;
  }

  /** Files in which a read hung; they are not touched again. */
  get stuck(): readonly string[] {
    return [...this.#stuck];
  }

  /** Keeps the process alive meanwhile. Never rejects, and takes at most `hungMs` once the process runs; what hangs then is null from the next sample on. */
  sample(): Promise<SensorReadings> {
    if (this.#stopped || this.#stuck.size >= MAX_STUCK) return Promise.resolve(NO_READINGS);
    this.#running ??= this.#sample().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  stop(): void {
    this.#stopped = true;
    this.#abandon();
  }

  #sample(): Promise<SensorReadings> {
    const fresh = this.#child === undefined;
    const child = this.#child ?? this.#spawn();
    const { root = '/', folders } = this.#deps;
    return new Promise((resolve) => {
      this.#sampling = { resolve, timer: this.#watch(fresh ? START_MS : this.#hungMs), lastAccess: undefined };
      const request: SensorRequest = { root, folders, skip: [...this.#stuck] };
      child.stdin?.write(`${JSON.stringify(request)}\n`);
    });
  }

  get #hungMs(): number {
    return this.#deps.hungMs ?? HUNG_MS;
  }

  #watch(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#hung(), ms);
  }

  #spawn(): ChildProcess {
    // A few files a second need little memory.
    const child = spawn(process.execPath, ['--max-old-space-size=32', '--max-semi-space-size=1', CHILD], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#child = child;
    child.unref();
    for (const pipe of [child.stdin, child.stdout]) {
      (pipe as unknown as { unref(): void }).unref();
      pipe.on('error', () => undefined);
    }
    createInterface({ input: child.stdout }).on('line', (line) => this.#receive(child, line));
    const gone = () => {
      if (this.#child === child) this.#abandon();
    };
    child.once('error', gone).once('exit', gone);
    return child;
  }

  #receive(child: ChildProcess, line: string): void {
    const sampling = this.#sampling;
    if (child !== this.#child || !sampling) return;
    if (line.startsWith('> ')) {
      // The process runs: from here on it is the sensors that take time.
      if (sampling.lastAccess === undefined) {
        clearTimeout(sampling.timer);
        sampling.timer = this.#watch(this.#hungMs);
      }
      sampling.lastAccess = line.slice(2);
      return;
    }
    const readings = JSON.parse(line.slice(2)) as SensorReadings;
    for (const { path, reason } of readings.problems) this.#tell(path, reason);
    this.#finish(readings);
  }

  #hung(): void {
    const file = this.#sampling?.lastAccess;
    if (file !== undefined) {
      this.#stuck.add(file);
      this.#deps.log.error({ file }, `sensors: reading ${file} hangs; it is left alone until the next start`);
      if (this.#stuck.size === MAX_STUCK) this.#deps.log.error('sensors: too many hang, no sensor is read any more');
    }
    this.#abandon();
  }

  /** A process that hangs in the kernel ends when the kernel call returns; nothing waits for that. */
  #abandon(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
    this.#finish(NO_READINGS);
  }

  #finish(readings: SensorReadings): void {
    const sampling = this.#sampling;
    this.#sampling = undefined;
    if (!sampling) return;
    clearTimeout(sampling.timer);
    sampling.resolve(readings);
  }

  #tell(file: string, reason: string): void {
    if (this.#told.has(file) || this.#told.size >= MAX_TOLD) return;
    this.#told.add(file);
    this.#deps.log.warn({ file, reason }, `sensors: ${file} cannot be used: ${reason}`);
  }
}
