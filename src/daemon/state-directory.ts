/** Where a node keeps what outlives it: prompts in force, events that wait for the broker. */
import { closeSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { native } from '../addon/addon.js';
import type { Config } from '../config/schema.js';
import { makeDirectory, removeParts } from '../durable.js';
import { FastsamError, isFastsamError, messageOf } from '../errors.js';
import { oneLine } from '../printable.js';
import type { StatusBoard } from '../status/board.js';

/**
 * A folder of the node's own, so that several may run on one machine: below `stateDir`, where it is configured, below
 * what systemd names (StateDirectory=), or below the user's. It may not exist yet.
 */
export function stateDirectoryOf({ stateDir, node }: Pick<Config, 'stateDir' | 'node'>): string {
  const user = () => join(process.env.XDG_STATE_HOME || join(homedir(), '.local/state'), 'fastsamd');
  return join(stateDir ?? process.env.STATE_DIRECTORY?.split(':')[0] ?? user(), node);
}

/** What a node keeps in its state directory. */
export interface StateFiles {
  readonly lock: string;
  readonly prompts: string;
  readonly zones: string;
  readonly events: string;
  /** Which retained topics the node has published. */
  readonly retained: string;
  /** The record of inspections. */
  readonly verdicts: string;
  /** The folder of their pictures. */
  readonly evidence: string;
  /** The folder of what cameras were taught by requests. */
  readonly taught: string;
  /** Users of the console, and their invitations. */
  readonly users: string;
  readonly invites: string;
  /** Clips that users of the console have in work. */
  readonly clips: string;
}

export function stateFilesIn(folder: string): StateFiles {
  return {
    lock: join(folder, 'lock'),
    prompts: join(folder, 'prompts.json'),
    zones: join(folder, 'zones.json'),
    events: join(folder, 'events.db'),
    retained: join(folder, 'retained.json'),
    verdicts: join(folder, 'verdicts.db'),
    evidence: join(folder, 'evidence'),
    taught: join(folder, 'taught'),
    users: join(folder, 'console-users.json'),
    invites: join(folder, 'console-invites.json'),
    clips: join(folder, 'console-clips'),
  };
}

const ALERT = 'state-directory';
const CHECK_MS = 5000;
/** The alert about a folder that was deleted stays for so long after it was made again. */
const ALERT_MS = 600_000;

export interface StateDirectoryDeps {
  readonly path: string;
  readonly node: string;
  readonly status: Pick<StatusBoard, 'setAlert' | 'clearAlert'>;
  /** The folder was deleted and is there again, empty: what belongs into it has to be written once more. */
  readonly onMadeAgain: () => void;
  readonly log: Logger;
}

/** The folder at run time: held by one daemon at a time, and made again when somebody deletes it. */
export class StateDirectory {
  readonly #files: StateFiles;
  readonly #deps: StateDirectoryDeps;
  #descriptor: number | undefined;
  #checking: NodeJS.Timeout | undefined;
  #busy = false;
  #madeAgainAt: number | undefined;

  constructor(deps: StateDirectoryDeps) {
    this.#deps = deps;
    this.#files = stateFilesIn(deps.path);
  }

  /**
   * Makes the folder, takes its lock and removes what unfinished writes left behind. A folder that cannot be written is
   * no error: what has to be kept there says so itself. Errors: STATE_LOCKED, naming the process that has it.
   */
  async start(): Promise<void> {
    await this.#take();
    const { prompts, zones, retained } = this.#files;
    if (this.#descriptor !== undefined) await Promise.all([prompts, zones, retained].map(removeParts));
    this.#checking = setInterval(() => void this.#check(), CHECK_MS).unref();
  }

  /** Frees the lock. */
  stop(): void {
    clearInterval(this.#checking);
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  async #take(): Promise<void> {
    const { path, node, log } = this.#deps;
    try {
      await makeDirectory(path);
      const self = `node ${node}, process ${process.pid} on ${hostname()}, since ${new Date().toISOString()}`;
      const answer = await native().lockFile(this.#files.lock, self);
      if ('holder' in answer) {
        const holder = oneLine(answer.holder) || 'a process that has not said its name yet';
        throw new FastsamError(
          'STATE_LOCKED',
          `${path}: in use by ${holder}; stop that one, or give this one a node or a stateDir that is not taken`,
        );
      }
      this.#descriptor = answer.descriptor;
    } catch (error) {
      if (isFastsamError(error, 'STATE_LOCKED')) throw error;
      log.error({ path, reason: messageOf(error) }, 'the state directory cannot be used; expected a writable folder');
    }
  }

  /** Whether the folder is still the one whose lock is held. */
  async #check(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      const held = this.#descriptor;
      if (held !== undefined && (await isOpenFile(this.#files.lock, held))) return this.#clear();
      await this.#take();
      if (this.#descriptor === held || held === undefined) return;
      closeSync(held);
      this.#tell();
      this.#deps.onMadeAgain();
    } catch (error) {
      this.#deps.log.error({ reason: messageOf(error) }, 'the state directory was deleted, and another daemon has made it again');
    } finally {
      this.#busy = false;
    }
  }

  #tell(): void {
    const { path, status, log } = this.#deps;
    const message = `${path} was deleted while it was in use and has been made again; events and prompts in it are written once more`;
    this.#madeAgainAt = performance.now();
    log.error(message);
    status.setAlert(ALERT, { severity: 'warning', message });
  }

  #clear(): void {
    if (this.#madeAgainAt === undefined || performance.now() - this.#madeAgainAt < ALERT_MS) return;
    this.#madeAgainAt = undefined;
    this.#deps.status.clearAlert(ALERT);
  }
}

async function isOpenFile(path: string, descriptor: number): Promise<boolean> {
  const [named, opened] = await Promise.all([
    stat(path).catch(() => undefined),
    stat(`/proc/self/fd/${descriptor}`).catch(() => undefined),
  ]);
  return named !== undefined && named.ino === opened?.ino && named.dev === opened.dev;
}
