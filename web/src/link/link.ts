/** The page's one connection: what the daemon tells, what the page asks. It comes back by itself. */
import { signal } from '@preact/signals';
import type { ClientInput, ConsoleEvent, ConsoleUser, HistoryPoint, Outline, Roi, ServerMessage } from '../../../src/contract/console.js';
import type { PromptsMessage } from '../../../src/contract/node.js';
import { ackMessage } from '../../../src/contract/view-message.js';

const CONNECT_MS = 5000;
/** For the first question; a request that was lost with the network is not waited for. */
const REACH_MS = 2000;
/** The daemon says something every two seconds. */
const SILENT_MS = 5000;
/** Short: a page is to be live again within a second once the daemon is there. */
const BACKOFF_MS = [200, 400, 700];
/** As many of one type as the daemon keeps. */
const MAX_EVENTS_OF_TYPE = 100;
const ANSWER_MS = 10_000;
const CLOSE_TRY_LATER = 1013;
const CLOSE_SESSION_ENDED = 4401;

export type Status = 'connecting' | 'open' | 'offline' | 'login';

export const status = signal<Status>('connecting');
export const hello = signal<Extract<ServerMessage, { t: 'hello' }> | undefined>(undefined);
export const topics = signal<ReadonlyMap<string, unknown>>(new Map());
export const events = signal<readonly ConsoleEvent[]>([]);
export const latestPoint = signal<HistoryPoint | undefined>(undefined);
export const watching = signal(0);
export const notice = signal<{ readonly text: string; readonly kind: 'info' | 'error' } | undefined>(undefined);
export const wasUpdated = signal(false);
/** Why there is no connection, where that is known. */
export const obstacle = signal<string | undefined>(undefined);
/** The browser shows the page and refuses its WebSocket: the certificate is the likely reason. */
export const isDistrusted = signal(false);

/** Milliseconds by which the daemon's clock is ahead of this one. */
let clockAhead = 0;
let socket: WebSocket | undefined;
let attempt = 0;
let heardAt = 0;
let retry: ReturnType<typeof setTimeout> | undefined;
const waiting = new Map<string, (response: Response) => void>();
const receivers = new Map<number, Receiver>();
const watched = new Map<string, Receiver>();

export interface Response {
  readonly status: 'ok' | 'error';
  readonly code?: string;
  readonly error?: string;
  readonly revision?: number;
  readonly data?: unknown;
}

/** Takes the frames of one camera, as it wants them at present. */
export interface Receiver {
  readonly level: 'auto' | number;
  /** The part that is wanted; all of the frame when undefined. */
  readonly roi?: Roi | undefined;
  frame(bytes: Uint8Array<ArrayBuffer>, drawn: () => void): void;
}

/** Now, by the daemon's clock. */
export function daemonNow(): number {
  return Date.now() + clockAhead;
}

export function user(): ConsoleUser | undefined {
  return hello.value?.user;
}

export function may(role: ConsoleUser['role']): boolean {
  const order = ['viewer', 'operator', 'admin'];
  return status.value === 'open' && order.indexOf(user()?.role ?? '') >= order.indexOf(role);
}

export function prompts(camera: string): PromptsMessage | undefined {
  return topics.value.get(`cameras/${camera}/prompts`) as PromptsMessage | undefined;
}

export function tell(text: string, kind: 'info' | 'error' = 'info'): void {
  notice.value = { text, kind };
}

export function watch(camera: string, receiver: Receiver): () => void {
  watched.set(camera, receiver);
  sendWatch(camera, receiver);
  return () => {
    if (watched.get(camera) !== receiver) return;
    watched.delete(camera);
    for (const [channel, each] of receivers) if (each === receiver) receivers.delete(channel);
    send({ t: 'unwatch', camera });
  };
}

/** Tells the daemon that the camera's receiver wants its frames in another way now. */
export function renew(camera: string): void {
  const receiver = watched.get(camera);
  if (receiver) sendWatch(camera, receiver);
}

function sendWatch(camera: string, { level, roi }: Receiver): void {
  send({ t: 'watch', camera, level, ...(roi ? { roi } : {}) });
}

export function hold(camera: string, seq: number): void {
  send({ t: 'hold', camera, seq });
}

/** Asks the daemon. Never rejects: what went wrong is the answer. */
export function ask(verb: string, payload: Record<string, unknown> = {}): Promise<Response> {
  return exchange((id) => ({ t: 'request', verb, id, payload }));
}

/** The outline of an object in a frame that is held; undefined when it is known no more. */
export async function outline(camera: string, seq: number, object: number): Promise<Outline | undefined> {
  const { data } = await exchange((id) => ({ t: 'outline', id, camera, seq, object }));
  return data as Outline | undefined;
}

function exchange(message: (id: string) => ClientInput): Promise<Response> {
  const id = randomId();
  return new Promise((resolve) => {
    const timer = setTimeout(() => finish({ status: 'error', code: 'TIMEOUT', error: 'no answer; the connection may be lost' }), ANSWER_MS);
    const finish = (response: Response) => {
      clearTimeout(timer);
      waiting.delete(id);
      resolve(response);
    };
    waiting.set(id, finish);
    if (!send(message(id))) finish({ status: 'error', code: 'OFFLINE', error: 'not connected' });
  });
}

export function start(): void {
  void connect();
  setInterval(() => {
    if (status.value === 'open' && performance.now() - heardAt > SILENT_MS) lost();
  }, 500);
  // A phone that slept may have lost the connection without being told.
  const wake = () => {
    if (document.visibilityState !== 'visible') return;
    if (status.value === 'offline') reconnectNow();
    else if (status.value === 'open' && performance.now() - heardAt > SILENT_MS) lost();
  };
  document.addEventListener('visibilitychange', wake);
  addEventListener('pageshow', wake);
  addEventListener('online', reconnectNow);
}

export function reconnectNow(): void {
  clearTimeout(retry);
  attempt = 0;
  void connect();
}

export async function post(path: string, body: unknown): Promise<{ ok: boolean; status: number; body: Record<string, unknown> }> {
  try {
    const response = await fetch(`./api/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { ok: response.ok, status: response.status, body: (await response.json().catch(() => ({}))) as Record<string, unknown> };
  } catch {
    return { ok: false, status: 0, body: { error: 'the daemon cannot be reached' } };
  }
}

async function connect(): Promise<void> {
  if (socket) return;
  try {
    const me = (await (await fetch('./api/me', { signal: AbortSignal.timeout(REACH_MS) })).json()) as { user: ConsoleUser | null };
    if (me.user === null) {
      status.value = 'login';
      return;
    }
  } catch {
    later();
    return;
  }
  if (socket) return;
  const url = new URL('./api/live', location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  url.hash = '';
  const opened = new WebSocket(url, 'fastsam.console.v1');
  socket = opened;
  opened.binaryType = 'arraybuffer';
  // The page itself has just reached the daemon: iOS shows a page after a warning, and still refuses its WebSocket without a word.
  const blameCertificate = () => {
    if (!wasOpen && url.protocol === 'wss:') isDistrusted.value = true;
  };
  const timer = setTimeout(() => {
    if (socket !== opened || status.value === 'open') return;
    blameCertificate();
    lost();
  }, CONNECT_MS);
  let wasOpen = false;
  opened.onopen = () => {
    wasOpen = true;
    clearTimeout(timer);
    heardAt = performance.now();
  };
  opened.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (socket !== opened) return;
    heardAt = performance.now();
    if (typeof data === 'string') receive(JSON.parse(data) as ServerMessage);
    else receiveFrame(new Uint8Array(data));
  };
  opened.onclose = ({ code, reason }) => {
    clearTimeout(timer);
    if (socket !== opened) return;
    if (code === CLOSE_TRY_LATER) obstacle.value = reason;
    else blameCertificate();
    lost(code === CLOSE_SESSION_ENDED);
  };
}

function lost(isLogin = false): void {
  const broken = socket;
  socket = undefined;
  if (broken) {
    broken.onclose = null;
    broken.close();
  }
  receivers.clear();
  for (const finish of [...waiting.values()])
    finish({ status: 'error', code: 'OFFLINE', error: 'the connection was lost; nothing is known about this request' });
  status.value = 'offline';
  if (isLogin) void connect();
  else later();
}

function later(): void {
  if (status.value !== 'login') status.value = status.value === 'connecting' ? 'connecting' : 'offline';
  clearTimeout(retry);
  retry = setTimeout(() => void connect(), BACKOFF_MS[Math.min(attempt, BACKOFF_MS.length - 1)]! * (0.75 + Math.random() / 4));
  attempt += 1;
}

function send(message: ClientInput): boolean {
  if (socket?.readyState !== WebSocket.OPEN) return false;
  socket.send(JSON.stringify(message));
  return true;
}

function receive(message: ServerMessage): void {
  switch (message.t) {
    case 'hello':
      if (hello.value && hello.value.build !== message.build) wasUpdated.value = true;
      clockAhead = message.now - Date.now();
      attempt = 0;
      topics.value = new Map();
      events.value = message.events;
      hello.value = message;
      status.value = 'open';
      obstacle.value = undefined;
      isDistrusted.value = false;
      for (const [camera, receiver] of watched) sendWatch(camera, receiver);
      break;
    case 'tick':
      clockAhead = message.now - Date.now();
      watching.value = message.watching;
      break;
    case 'topic': {
      const next = new Map(topics.value);
      if (message.payload === null) next.delete(message.topic);
      else next.set(message.topic, message.payload);
      topics.value = next;
      break;
    }
    case 'channel': {
      const receiver = watched.get(message.camera);
      if (receiver) receivers.set(message.channel, receiver);
      break;
    }
    case 'response': {
      const response = message.response as Response & { id: string };
      waiting.get(response.id)?.(response);
      break;
    }
    case 'event': {
      const { number, type } = message.event;
      const next = [...events.value.filter((event) => event.number !== number), message.event].sort((a, b) => a.number - b.number);
      const ofType = next.filter((event) => event.type === type);
      const oldest = ofType.length > MAX_EVENTS_OF_TYPE ? ofType[0] : undefined;
      events.value = next.filter((event) => event !== oldest);
      break;
    }
    case 'telemetry':
      latestPoint.value = message.point;
      break;
    case 'error':
      if (/^no camera/.test(message.error)) setTimeout(watchAgain, 1000);
      else tell(message.error, 'error');
  }
}

/** A node that starts has no cameras yet. */
function watchAgain(): void {
  const known = new Set(receivers.values());
  for (const [camera, receiver] of watched) if (!known.has(receiver)) sendWatch(camera, receiver);
}

function receiveFrame(bytes: Uint8Array<ArrayBuffer>): void {
  const numbers = new DataView(bytes.buffer);
  const channel = numbers.getUint32(4, true);
  const seq = numbers.getUint32(8, true);
  const from = socket;
  const drawn = () => {
    if (socket === from && from?.readyState === WebSocket.OPEN) from.send(ackMessage(channel, seq));
  };
  const receiver = receivers.get(channel);
  if (receiver) receiver.frame(bytes, drawn);
  else drawn();
}

/** crypto.randomUUID is missing on plain HTTP. */
function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
