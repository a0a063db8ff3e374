/** Reachability probe: tells when the server of a lost camera answers again, without opening a stream. */
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
 * Resolves true when the server answers after it had been silent, false when `signal` is aborted; `onAsked` hears every
 * answer, and every silence. A server that
 * answered every time does not count as back: the source reopens on its own schedule.
 */
export async function untilBack(address: Address, signal: AbortSignal, onAsked: (there: boolean) => void): Promise<boolean> {
  let silent = false;
  while (!signal.aborted) {
    const asked = performance.now();
    const there = await answers(address, signal);
    if (signal.aborted) return false;
    onAsked(there);
    if (there && silent) return true;
    silent = !there;
    await delay(Math.max(INTERVAL_MS - (performance.now() - asked), 0), undefined, { signal }).catch(() => undefined);
  }
  return false;
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
