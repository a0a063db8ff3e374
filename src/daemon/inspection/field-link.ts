/** A link of one camera to its field (a server that listens, lines that are held): tried again until it stands, and an alert meanwhile. */
import type { Logger } from 'pino';
import { messageOf } from '../../errors.js';
import type { StatusBoard } from '../../status/board.js';

const AGAIN_MS = 5000;

export interface FieldLinkDeps<T> {
  readonly camera: string;
  /** Id of the alert, before the camera's. */
  readonly alert: string;
  /** `onLost` may be called once the link stands, until it is stopped. */
  readonly open: (onLost: (why: string) => void) => Promise<T>;
  /** Logged when the link stands. */
  readonly standing: string;
  /** Logged and told as the alert, with the reason behind it. */
  readonly failing: string;
  readonly status: Pick<StatusBoard, 'setAlert' | 'clearAlert'>;
  readonly log: Logger;
}

export class FieldLink<T extends { stop(): Promise<void> }> {
  readonly #deps: FieldLinkDeps<T>;
  #link: T | undefined;
  #opening: Promise<void> = Promise.resolve();
  #again: NodeJS.Timeout | undefined;
  #isFailing = false;
  #isStopped = false;

  constructor(deps: FieldLinkDeps<T>) {
    this.#deps = deps;
  }

  /** Undefined while the link does not stand. */
  get current(): T | undefined {
    return this.#link;
  }

  start(): void {
    this.#opening = this.#open();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#again);
    await this.#opening;
    await this.#link?.stop();
    if (this.#isFailing) this.#deps.status.clearAlert(this.#alert);
  }

  get #alert(): string {
    return `${this.#deps.alert}-${this.#deps.camera}`.slice(0, 64);
  }

  async #open(): Promise<void> {
    const { camera, open, standing, status, log } = this.#deps;
    try {
      this.#link = await open((why) => {
        this.#link = undefined;
        this.#fail(why);
      });
      log.info({ camera }, `camera ${camera}: ${standing}`);
      if (this.#isFailing) status.clearAlert(this.#alert);
      this.#isFailing = false;
    } catch (error) {
      this.#fail(messageOf(error));
    }
  }

  #fail(why: string): void {
    const { camera, failing, status, log } = this.#deps;
    const message = `camera ${camera}: ${failing}: ${why}`;
    if (!this.#isFailing) log.error(message);
    this.#isFailing = true;
    status.setAlert(this.#alert, { severity: 'critical', message: message.slice(0, 1000) });
    if (!this.#isStopped) this.#again = setTimeout(() => this.start(), AGAIN_MS).unref();
  }
}
