/**
 * What the service manager is told (sd_notify(3)): ready, status, reloading, stopping, and the watchdog's pings. Without
 * systemd nobody listens, and all of it is silent.
 */
import type { Logger } from 'pino';
import { native } from '../addon/addon.js';

/** How long systemd waits for the next word while the start takes its time, and how often it gets one. */
const EXTEND_S = 60;
const EXTEND_EVERY_MS = 15_000;

export interface ServiceDeps {
  /** NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, as systemd sets them. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
}

export class ServiceManager {
  readonly #socket: string | undefined;
  readonly #watchdogMs: number | undefined;
  readonly #log: Logger;
  #watchdog: NodeJS.Timeout | undefined;
  #complained = false;
  /** As last told. */
  #status = '';
  #isReady = false;

  constructor({ environment, log }: ServiceDeps) {
    this.#socket = environment.NOTIFY_SOCKET || undefined;
    this.#log = log;
    const { WATCHDOG_USEC, WATCHDOG_PID } = environment;
    const ours = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid;
    if (this.#socket !== undefined && ours && Number(WATCHDOG_USEC) > 0) this.#watchdogMs = Number(WATCHDOG_USEC) / 1000;
  }

  /** Milliseconds between pings: half of what systemd waits for. Undefined without a watchdog. */
  get pingMs(): number | undefined {
    return this.#watchdogMs === undefined ? undefined : this.#watchdogMs / 2;
  }

  /** The start is over. */
  ready(status: string): void {
    this.#isReady = true;
    this.#status = status;
    this.#send(['READY=1', `STATUS=${status}`]);
  }

  status(status: string): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#send([`STATUS=${status}`]);
  }

  /** Says `reloading` for as long as `reload` takes; nothing during the start, which would look as if it were over. */
  async reloading<T>(reload: () => Promise<T>): Promise<T> {
    if (!this.#isReady) return reload();
    this.#send(['RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`]);
    try {
      return await reload();
    } finally {
      this.ready(this.#status);
    }
  }

  stopping(status: string): void {
    this.#send(['STOPPING=1', `STATUS=${status}`]);
  }

  /** Asks for patience as long as `work` takes, and says what takes so long. */
  async patience<T>(status: () => string, work: Promise<T>): Promise<T> {
    const extend = () => this.#send([`EXTEND_TIMEOUT_USEC=${EXTEND_S * 1_000_000}`, `STATUS=${status()}`]);
    extend();
    const timer = setInterval(extend, EXTEND_EVERY_MS);
    try {
      return await work;
    } finally {
      clearInterval(timer);
    }
  }

  /** Pings as long as `alive` says so; it is told for how long there may be no progress. */
  startWatchdog(alive: (limitMs: number) => boolean): void {
    const { pingMs } = this;
    if (pingMs === undefined) return;
    let wasAlive = true;
    this.#watchdog ??= setInterval(() => {
      const isAlive = alive(pingMs);
      if (isAlive) this.#send(['WATCHDOG=1']);
      else if (wasAlive) this.#log.error('no progress: the watchdog is not pinged until there is some');
      wasAlive = isAlive;
    }, pingMs);
  }

  stopWatchdog(): void {
    clearInterval(this.#watchdog);
    this.#watchdog = undefined;
  }

  #send(lines: readonly string[]): void {
    if (this.#socket === undefined) return;
    const problem = native().notify(this.#socket, lines.map((line) => line.replace(/\s*\n\s*/g, ' ').slice(0, 1000)).join('\n'));
    if (problem === null || this.#complained) return;
    this.#complained = true;
    this.#log.warn({ reason: problem }, 'systemd cannot be told how the service is doing');
  }
}
