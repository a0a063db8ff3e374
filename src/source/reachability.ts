/** Tells when the server of a lost camera answers again, without opening a stream. */
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import tls from 'node:tls';

/** Where a network source lives, and what its server answers to. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** A request that every server of its kind answers at once, if only with an error. */
  readonly greeting: string;
  /** What every answer of such a server begins with: one that sends anything else is as little there as a silent one. */
  readonly reply: string;
}

const INTERVAL_MS = 500;
/** A server that was stopped accepts connections in its kernel: only an answer counts. */
const ANSWER_TIMEOUT_MS = 1000;

/**
 * Watches the server of a lost camera. A server that answered every time does not count as back: the camera opens its
 * source on its own schedule.
 */
export class ServerWatch {
  #watching: AbortController | undefined;
  #isSilent = false;

  /** `onBack` is called each time the server answers after it had been silent. */
  constructor(private readonly onBack: () => void) {}

  /** The server did not answer when it was asked last. */
  get isSilent(): boolean {
    return this.#isSilent;
  }

  /** Asks the server every half second until `stop`; a watch that runs goes on. */
  start(address: Address): void {
    if (this.#watching) return;
    this.#watching = new AbortController();
    void this.#watch(address, this.#watching.signal);
  }

  stop(): void {
    this.#watching?.abort();
    this.#watching = undefined;
    this.#isSilent = false;
  }

  async #watch(address: Address, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const askedAt = performance.now();
      const isThere = await answers(address, signal);
      if (signal.aborted) return;
      const isBack = isThere && this.#isSilent;
      this.#isSilent = !isThere;
      if (isBack) this.onBack();
      await delay(Math.max(INTERVAL_MS - (performance.now() - askedAt), 0), undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Whether the server answers, in its own protocol, within a second. */
function answers({ host, port, tls: secure, greeting, reply }: Address, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    // The handshake is the answer of a TLS server; its certificate is checked when the stream is opened.
    const socket = secure ? tls.connect({ host, port, rejectUnauthorized: false }) : net.connect({ host, port });
    const settle = (there: boolean) => {
      signal.removeEventListener('abort', abort);
      clearTimeout(timer);
      socket.destroy();
      resolve(there);
    };
    const abort = () => settle(false);
    const timer = setTimeout(abort, ANSWER_TIMEOUT_MS);
    signal.addEventListener('abort', abort);
    socket.on('error', abort);
    socket.on('close', abort);
    if (secure) socket.on('secureConnect', () => settle(true));
    else {
      let heard = '';
      socket.on('connect', () => socket.write(greeting));
      socket.on('data', (chunk) => {
        heard += chunk.toString('latin1', 0, reply.length);
        if (!reply.startsWith(heard.slice(0, reply.length))) settle(false);
        else if (heard.length >= reply.length) settle(true);
      });
    }
  });
}
