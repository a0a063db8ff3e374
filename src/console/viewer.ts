/** One page that is connected: what it is told, what it asks, and the frames it is sent, no faster than it draws them. */

import type { WebSocket } from '@fastify/websocket';
import type { Logger } from 'pino';
import {
  type ClientMessage,
  type ConsoleUser,
  clientMessageSchema,
  MAX_CHANNELS,
  type Outline,
  type Roi,
  type ServerMessage,
} from '../contract/console.js';
import { readAck } from '../contract/view-message.js';
import type { Control } from '../control/control.js';
import { parsePayload } from '../control/payload.js';
import { FastsamError, isFastsamError, messageOf } from '../errors.js';
import type { StatusBoard, StatusKey } from '../status/board.js';
import { TokenBucket } from '../time/token-bucket.js';
import { maySee } from './access.js';
import type { ConsoleEvents } from './events.js';
import { GOVERNED_LEVEL, LEVELS, QualityControl } from './quality.js';
import type { HubViewer, ViewHub } from './view-hub.js';

const MAX_TEXT_BYTES = 65_536;
const MAX_LIMITED_BYTES = 4096;
const RATE = { perSecond: 10, burst: 30 } as const;
/** Frames on their way to the screen. */
const WINDOW = 2;
/** A page that takes longer to draw gets one at a time. */
const SLOW_ACK_MS = 200;
/** A page that reads so slowly is cut off: what it is told must not pile up here. */
const MAX_BUFFERED_BYTES = 4_000_000;
const PING_MS = 10_000;

/** Close codes of the protocol: what the page did wrong, or what became of its session. */
export const CLOSE_MISBEHAVED = 4400;
export const CLOSE_SESSION_ENDED = 4401;

export interface ViewerDeps {
  readonly socket: WebSocket;
  readonly user: ConsoleUser;
  readonly hub: ViewHub;
  readonly control: Pick<Control, 'handle'>;
  readonly status: StatusBoard;
  readonly events: ConsoleEvents;
  readonly hello: () => Omit<Extract<ServerMessage, { t: 'hello' }>, 't' | 'user' | 'now' | 'events'>;
  /** Keeps a result for questions. */
  readonly hold: (camera: string, seq: number) => boolean;
  /** The exact outline of an object in a frame that is kept. Errors: REQUEST_INVALID. */
  readonly outline: (camera: string, seq: number, object: number) => Promise<Outline>;
  /** The governor has turned something down. */
  readonly governed: () => boolean;
  readonly log: Logger;
}

interface Channel {
  readonly camera: string;
  wanted: 'auto' | number;
  roi: Roi | undefined;
  readonly quality: QualityControl;
  level: number;
  number: number;
  leave: () => void;
  lastAckMs: number;
}

export class Viewer implements HubViewer {
  readonly #deps: ViewerDeps;
  readonly #channels = new Map<string, Channel>();
  /** By channel and seq: when it was sent. */
  readonly #inFlight = new Map<string, number>();
  readonly #rate = new TokenBucket(RATE);
  readonly #ends: (() => void)[] = [];
  #isAlive = true;
  #isTracing = false;

  constructor(deps: ViewerDeps) {
    this.#deps = deps;
  }

  get user(): ConsoleUser {
    return this.#deps.user;
  }

  start(): void {
    const { socket, user, status, events, hello } = this.#deps;
    this.#tell({ t: 'hello', user, ...hello(), now: Date.now(), events: events.list(user) });
    this.#ends.push(
      status.subscribe((key, message) => this.#topic(key, message)),
      events.subscribe((event) => {
        if (event.camera === undefined ? user.cameras === undefined : maySee(user, event.camera)) this.#tell({ t: 'event', event });
      }),
    );
    const ping = setInterval(() => this.#ping(), PING_MS);
    this.#ends.push(() => clearInterval(ping));
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    socket.on('message', (data, isBinary) => {
      const bytes = Buffer.isBuffer(data) ? data : Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)]);
      if (isBinary) this.#acknowledge(bytes);
      else void this.#receive(bytes);
    });
    socket.on('close', () => this.#end());
    // A connection that breaks says so as `close` too.
    socket.on('error', () => undefined);
  }

  close(code: number, reason: string): void {
    this.#end();
    this.#deps.socket.close(code, reason);
  }

  tick(now: number, watching: number): void {
    this.#tell({ t: 'tick', now, watching });
  }

  tell(message: ServerMessage): void {
    this.#tell(message);
  }

  ready(channel: number): boolean {
    if (this.#deps.socket.bufferedAmount > 0) return false;
    const open = this.#find(channel);
    if (!open) return false;
    let waiting = 0;
    for (const key of this.#inFlight.keys()) if (key.startsWith(`${channel} `)) waiting += 1;
    return waiting < (open.lastAckMs > SLOW_ACK_MS ? 1 : WINDOW);
  }

  skipped(channel: number): void {
    const open = this.#find(channel);
    open?.quality.offered(false);
    if (open) this.#adapt(open);
  }

  send(channel: number, seq: number, message: Uint8Array): void {
    const { socket } = this.#deps;
    if (socket.readyState !== socket.OPEN) return;
    this.#inFlight.set(`${channel} ${seq}`, performance.now());
    this.#find(channel)?.quality.offered(true);
    socket.send(message, { binary: true });
  }

  #find(channel: number): Channel | undefined {
    for (const open of this.#channels.values()) if (open.number === channel) return open;
    return undefined;
  }

  #acknowledge(bytes: Buffer): void {
    const ack = readAck(bytes);
    const key = ack && `${ack.channel} ${ack.seq}`;
    const sentAt = key === undefined ? undefined : this.#inFlight.get(key);
    if (!ack || key === undefined || sentAt === undefined) {
      this.close(CLOSE_MISBEHAVED, 'an acknowledgement of a frame that was not sent');
      return;
    }
    // Frames are drawn in order: what was sent before and not drawn never will be.
    for (const [older, at] of this.#inFlight) if (older.startsWith(`${ack.channel} `) && at <= sentAt) this.#inFlight.delete(older);
    const open = this.#find(ack.channel);
    if (!open) return;
    open.lastAckMs = performance.now() - sentAt;
    open.quality.acknowledged(open.lastAckMs);
    this.#adapt(open);
  }

  async #receive(bytes: Buffer): Promise<void> {
    const isTooMany = !this.#rate.take(performance.now());
    try {
      // Of one too many no more is read than who waits for its answer.
      const parsed = clientMessageSchema.safeParse(parsePayload(bytes, isTooMany ? MAX_LIMITED_BYTES : MAX_TEXT_BYTES));
      if (isTooMany) {
        const limited = { code: 'RATE_LIMITED', error: `expected at most ${RATE.perSecond} messages per second; try again later` };
        const { data } = parsed;
        if (data?.t !== 'request' && data?.t !== 'outline') throw new FastsamError('RATE_LIMITED', limited.error);
        this.#tell({ t: 'response', verb: 'verb' in data ? data.verb : data.t, response: { id: data.id, status: 'error', ...limited } });
        return;
      }
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        throw new FastsamError('REQUEST_INVALID', `${issue?.path.join('.') || 'message'}: ${issue?.message ?? 'unexpected'}`);
      }
      await this.#act(parsed.data);
    } catch (error) {
      if (!isFastsamError(error)) this.#deps.log.error({ err: error }, 'console: a message failed');
      this.#tell({
        t: 'error',
        code: isFastsamError(error) ? error.code : 'INTERNAL',
        error: isFastsamError(error) ? messageOf(error).slice(0, 500) : 'the log says more',
      });
    }
  }

  async #act(message: ClientMessage): Promise<void> {
    const { user, hold, control, events } = this.#deps;
    if ('camera' in message && !maySee(user, message.camera))
      throw new FastsamError('REQUEST_FORBIDDEN', `camera "${message.camera}" is not one of yours`);
    switch (message.t) {
      case 'watch':
        this.#watch(message.camera, message.level, message.roi);
        return;
      case 'unwatch':
        this.#unwatch(message.camera);
        return;
      case 'hold':
        hold(message.camera, message.seq);
        return;
      case 'outline': {
        const response = await this.#outline(message);
        this.#tell({ t: 'response', verb: 'outline', response: { id: message.id, ...response } });
        return;
      }
      case 'request': {
        const { verb, id, payload } = message;
        const { name, role, cameras } = user;
        const handled = events.during(user, payload.camera, () =>
          control.handle(verb, Buffer.from(JSON.stringify({ ...payload, id })), { via: 'http', role, cameras, user: name }),
        );
        const response = (await handled) ?? { id, status: 'error', code: 'RATE_LIMITED', error: 'too many requests; try again later' };
        this.#tell({ t: 'response', verb, response });
      }
    }
  }

  /** One at a time: tracing takes a thread. */
  async #outline({ camera, seq, object }: Extract<ClientMessage, { t: 'outline' }>): Promise<object> {
    if (this.#isTracing) return { status: 'error', code: 'RATE_LIMITED', error: 'expected one outline at a time; wait for its answer' };
    this.#isTracing = true;
    try {
      return { status: 'ok', data: await this.#deps.outline(camera, seq, object) };
    } catch (error) {
      if (!isFastsamError(error)) throw error;
      return { status: 'error', code: error.code, error: messageOf(error) };
    } finally {
      this.#isTracing = false;
    }
  }

  /** Begins, or goes on with another level or part of the frame: what is known about the connection stays. */
  #watch(camera: string, wanted: 'auto' | number, roi: Roi | undefined): void {
    const known = this.#channels.get(camera);
    if (known) {
      known.wanted = wanted;
      known.roi = roi;
      this.#enter(known, this.#levelOf(known));
      return;
    }
    if (this.#channels.size >= MAX_CHANNELS) throw new FastsamError('REQUEST_INVALID', `expected at most ${MAX_CHANNELS} cameras at once`);
    const quality = new QualityControl();
    const channel: Channel = { camera, wanted, roi, quality, level: 0, number: 0, leave: () => undefined, lastAckMs: 0 };
    this.#enter(channel, this.#levelOf(channel));
    this.#channels.set(camera, channel);
  }

  #unwatch(camera: string): void {
    const channel = this.#channels.get(camera);
    if (!channel) return;
    this.#channels.delete(camera);
    channel.leave();
  }

  #levelOf({ wanted, quality }: Channel): number {
    const level = wanted === 'auto' ? quality.level : wanted;
    return Math.min(LEVELS.length - 1, this.#deps.governed() ? Math.max(level, GOVERNED_LEVEL) : level);
  }

  #enter(channel: Channel, level: number): void {
    const { hub } = this.#deps;
    const number = hub.channelOf(channel.camera, level, channel.roi);
    if (number === channel.number) return;
    const leave = hub.join(channel.camera, { level, roi: channel.roi }, this);
    channel.leave();
    channel.leave = leave;
    channel.level = level;
    channel.number = number;
    this.#tell({ t: 'channel', camera: channel.camera, channel: channel.number, level });
  }

  #adapt(channel: Channel): void {
    if (this.#channels.get(channel.camera) !== channel) return;
    channel.quality.update(performance.now());
    const level = this.#levelOf(channel);
    if (level !== channel.level) this.#enter(channel, level);
  }

  /** What is retained, as far as the user may see it. */
  #topic(key: StatusKey, message: unknown): void {
    const { user } = this.#deps;
    const camera = /^cameras\/([^/]+)\//.exec(key)?.[1];
    if (camera !== undefined && !maySee(user, camera)) return;
    if (user.cameras !== undefined && camera === undefined && key !== 'state' && key !== 'info') return;
    const payload = key === 'info' && message !== undefined ? this.#info(message as object) : message;
    this.#tell({ t: 'topic', topic: key, payload: payload ?? null });
  }

  #info(info: object): object {
    const { cameras } = this.#deps.user;
    if (cameras === undefined) return info;
    const all = (info as { cameras: readonly { id: string }[] }).cameras;
    return { ...info, cameras: all.filter(({ id }) => cameras.includes(id)), config: {} };
  }

  #ping(): void {
    const { socket } = this.#deps;
    if (!this.#isAlive) {
      socket.terminate();
      return;
    }
    this.#isAlive = false;
    socket.ping();
  }

  #tell(message: ServerMessage): void {
    const { socket } = this.#deps;
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > MAX_BUFFERED_BYTES) {
      socket.terminate();
      return;
    }
    socket.send(JSON.stringify(message));
  }

  #end(): void {
    for (const camera of [...this.#channels.keys()]) this.#unwatch(camera);
    for (const end of this.#ends.splice(0)) end();
    this.#inFlight.clear();
  }
}
