/** The console's server: its page, its socket, logins, and the probes of the node. Off unless configured; loaded only then. */
import type { AddressInfo } from 'node:net';
import type { WebSocket } from '@fastify/websocket';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.js';
import { isLoopback } from '../config/sections/console.js';
import type { CameraEvent, TelemetryMessage } from '../contract/messages.js';
import type { Control } from '../control/control.js';
import type { FrameResult } from '../domain/result.js';
import { FastsamError, messageOf } from '../errors.js';
import type { RecentResults } from '../pipeline/recent-results.js';
import type { ResultSink } from '../pipeline/sinks.js';
import type { StatusBoard } from '../status/board.js';
import { maySee } from './access.js';
import { Accounts, PAGES_PER_SESSION } from './accounts.js';
import type { PictureSegmenter } from './asking.js';
import { CameraFrames } from './camera-frames.js';
import type { CertificateRenewal } from './certificate.js';
import { Clips, clipRoutes } from './clips.js';
import { ConsoleEvents } from './events.js';
import { History, isSpan, visible } from './history.js';
import { consoleHttp } from './http.js';
import { outlineOf } from './outline.js';
import { authorityRoute, pageRoutes } from './page-routes.js';
import { Pictures, pictureRoutes } from './pictures.js';
import { followPrompts, PromptHistory } from './prompt-history.js';
import { ViewHub } from './view-hub.js';
import type { Work } from './view-rate.js';
import { CLOSE_SESSION_ENDED, Viewer } from './viewer.js';

const TICK_MS = 2000;
/** How long a user who was removed is still there. */
const USERS_REVIEW_MS = 1000;
const REVIEW_MS = 5000;
const MAX_CONNECTIONS = 128;
/** RFC 6455's registry. */
const CLOSE_TRY_LATER = 1013;
const INSECURE_ALERT = 'console-insecure';

/** A probe's answer, as /metrics, /healthz and /readyz give it. */
export interface ProbeAnswer {
  readonly status: number;
  readonly body: string;
  readonly type: string;
}

export interface ConsoleDeps {
  readonly config: () => Config;
  readonly bootId: string;
  readonly version: string;
  readonly status: StatusBoard;
  readonly control: Pick<Control, 'handle'>;
  readonly addSink: (camera: string, sink: ResultSink) => () => Promise<void>;
  readonly recent: RecentResults;
  /** How busy segmentation of a camera is, and the machine. Never rejects. */
  readonly work: (camera: string) => Promise<Work>;
  readonly pictures: PictureSegmenter;
  /** Undefined for a path that is no probe. */
  readonly probe: (path: string) => Promise<ProbeAnswer | undefined>;
  /** The governor has turned something down. */
  readonly governed: () => boolean;
  readonly usersFile: string;
  readonly invitesFile: string;
  readonly clipsFolder: string;
  readonly log: Logger;
}

export class ConsoleServer {
  readonly #deps: ConsoleDeps;
  readonly #accounts: Accounts;
  readonly #frames: CameraFrames;
  readonly #history = new History();
  readonly #promptHistory = new PromptHistory();
  readonly #events: ConsoleEvents;
  readonly #hub: ViewHub;
  readonly #pictures: Pictures;
  readonly #clips: Clips;
  readonly #viewers = new Set<Viewer>();
  #app: FastifyInstance | undefined;
  #renewal: CertificateRenewal | undefined;
  #ends: (() => void)[] = [];

  constructor(deps: ConsoleDeps) {
    this.#deps = deps;
    this.#accounts = new Accounts({
      usersFile: deps.usersFile,
      invitesFile: deps.invitesFile,
      node: () => deps.config().node,
      port: () => this.port ?? 0,
      isOpen: () => this.#isOpen,
      onEvent: (event) => this.#events.add(event),
      log: deps.log,
    });
    this.#frames = new CameraFrames({ addSink: deps.addSink, showsPictures: (camera) => this.#showsPictures(camera) });
    this.#hub = new ViewHub({
      addSink: deps.addSink,
      watchResults: (camera) => deps.recent.watch(camera),
      show: (camera, result) => deps.recent.show(camera, result),
      work: deps.work,
      pictures: (camera) => this.#showsPictures(camera),
      onError: (camera, error) => deps.log.error({ camera, reason: messageOf(error) }, 'console: a frame was not encoded'),
    });
    this.#events = new ConsoleEvents({
      picture: (camera) => this.#frames.thumbnail(camera),
      showsPictures: (camera) => this.#showsPictures(camera),
    });
    this.#pictures = new Pictures(deps.pictures);
    this.#clips = new Clips({ folder: deps.clipsFolder, segmenter: deps.pictures });
  }

  /** Where it listens; undefined when it does not. */
  get port(): number | undefined {
    return (this.#app?.server.address() as AddressInfo | null | undefined)?.port;
  }

  /** Frames encoded for viewers since the start. */
  get encoded(): number {
    return this.#hub.encoded;
  }

  /** Errors: CONFIG_INVALID when the address is taken, a certificate cannot be read, or no user exists who could log in. */
  async start(): Promise<void> {
    const { log, status } = this.#deps;
    const { host, port, insecure, tls, trustProxy } = this.#config;
    if (!this.#isOpen && !(await this.#accounts.hasUsers()))
      throw new FastsamError(
        'CONFIG_INVALID',
        `console.${trustProxy.length > 0 ? 'trustProxy' : `host: ${host}`}: the console has no users; add one with "fastsamd console add-user" first`,
      );
    await this.#clips.start();
    const app = await this.#create();
    try {
      await app.listen({ host, port });
    } catch (cause) {
      await app.close();
      throw new FastsamError('CONFIG_INVALID', `console: cannot listen on ${host}:${port}: ${messageOf(cause)}`, { cause });
    }
    this.#app = app;
    app.server.maxConnections = MAX_CONNECTIONS;
    if (!this.#isOpen && tls.certFile === undefined && insecure)
      status.setAlert(INSECURE_ALERT, {
        severity: 'warning',
        message: 'console: without TLS, passwords and pictures cross the network in clear (console.insecure)',
      });
    const tick = setInterval(() => this.#tick(), TICK_MS);
    const users = setInterval(() => void this.#accounts.review(), USERS_REVIEW_MS);
    const review = setInterval(() => void Promise.all([this.#renewal?.review(), this.#clips.review()]), REVIEW_MS);
    this.#ends = [
      this.#events.follow(status),
      followPrompts(this.#promptHistory, this.#deps),
      () => clearInterval(tick),
      () => clearInterval(users),
      () => clearInterval(review),
    ];
    log.info({ host, port: this.port }, `console: ${tls.certFile === undefined ? 'http' : 'https'}://${host}:${this.port}/`);
  }

  async stop(): Promise<void> {
    for (const end of this.#ends.splice(0)) end();
    for (const viewer of this.#viewers) viewer.close(1001, 'fastsamd stops');
    this.#pictures.clear();
    await this.#clips.clear();
    const app = this.#app;
    this.#app = undefined;
    app?.server.closeAllConnections();
    await app?.close();
  }

  cameraEvent(camera: string, event: CameraEvent): void {
    this.#events.cameraEvent(camera, event);
  }

  telemetry(message: TelemetryMessage): void {
    const point = this.#history.add(message);
    for (const viewer of this.#viewers) viewer.tell({ t: 'telemetry', point: visible(point, viewer.user) });
  }

  get #config(): Config['console'] {
    return this.#deps.config().console;
  }

  /** Only this machine can connect, and no proxy of it lets others in: the console asks for no login. */
  get #isOpen(): boolean {
    return isLoopback(this.#config.host) && this.#config.trustProxy.length === 0;
  }

  #showsPictures(camera: string): boolean {
    return this.#deps.config().cameras.find(({ id }) => id === camera)?.console.pictures ?? false;
  }

  async #create(): Promise<FastifyInstance> {
    const { app, renewal } = await consoleHttp({ config: () => this.#config, isOpen: () => this.#isOpen, log: this.#deps.log });
    this.#renewal = renewal;
    await app.register(pageRoutes);
    authorityRoute(app, { certFile: () => this.#config.tls.certFile, node: () => this.#deps.config().node });
    await app.register(async (routes) => this.#accounts.publicRoutes(routes), { prefix: '/api' });
    await app.register(async (routes) => this.#api(routes), { prefix: '/api' });
    for (const path of ['/metrics', '/healthz', '/readyz']) {
      app.get(path, async (request, reply) => {
        if (!(await this.#accounts.identify(request))) return reply.code(401).send('log in first\n');
        if (!this.#accounts.takesRequest(request)) return reply.code(429).header('retry-after', '1').send('too many requests\n');
        const answer = await this.#deps.probe(path);
        return answer
          ? reply.code(answer.status).type(answer.type).header('cache-control', 'no-store').send(answer.body)
          : reply.code(404).send();
      });
    }
    return app;
  }

  async #api(routes: FastifyInstance): Promise<void> {
    // Before the body is read: a photo of 16 MB is received from users alone.
    routes.addHook('onRequest', async (request, reply) => {
      const user = await this.#accounts.identify(request);
      if (!user) return reply.code(401).send({ code: 'REQUEST_FORBIDDEN', error: 'log in first' });
      if (!this.#accounts.takesRequest(request))
        return reply.code(429).header('retry-after', '1').send({ code: 'RATE_LIMITED', error: 'too many requests; try again in a second' });
      request.user = user;
      reply.header('cache-control', 'no-store');
    });
    routes.get('/live', { websocket: true }, (socket, request) => this.#connect(socket, request));
    routes.get<{ Params: { id: string } }>('/cameras/:id/snapshot.jpg', async (request, reply) => {
      const jpeg = await this.#frames.snapshot(request.user, request.params.id);
      return reply.type('image/jpeg').send(jpeg);
    });
    routes.get<{ Params: { number: string } }>('/events/:number', async (request, reply) => {
      const picture = this.#events.picture(Number.parseInt(request.params.number, 10), request.user);
      return picture ? reply.type('image/jpeg').send(picture) : reply.code(404).send({ code: 'REQUEST_INVALID', error: 'no such picture' });
    });
    routes.get<{ Querystring: { span?: string } }>('/history', async (request) => {
      const { span = '1h' } = request.query;
      if (!isSpan(span)) throw new FastsamError('REQUEST_INVALID', 'span: expected 1h or 24h');
      return this.#history.list(span, request.user);
    });
    routes.get<{ Params: { id: string } }>('/cameras/:id/prompts/history', async ({ user, params: { id } }) => {
      if (!maySee(user, id)) throw new FastsamError('REQUEST_FORBIDDEN', `camera "${id}" is not one of yours`);
      return this.#promptHistory.list(id);
    });
    await pictureRoutes(routes, {
      pictures: this.#pictures,
      fromCamera: (user, camera) => this.#frames.frame(user, camera),
    });
    await routes.register((scope) =>
      clipRoutes(scope, {
        clips: this.#clips,
        showFrame: (frame, user, name) => this.#pictures.addFrame(frame, user, name),
        onError: (error) => this.#deps.log.error({ reason: messageOf(error) }, 'console: a clip was not segmented'),
      }),
    );
    await this.#accounts.adminRoutes(routes);
  }

  #connect(socket: WebSocket, request: FastifyRequest): void {
    const { control, status, recent, governed, bootId, version, config, log } = this.#deps;
    const { user } = request;
    const isFull = this.#viewers.size >= this.#config.maxViewers;
    if (isFull || !this.#accounts.hasRoom(request)) {
      socket.close(
        CLOSE_TRY_LATER,
        isFull ? 'Too many pages are open (console.maxViewers).' : `This login has ${PAGES_PER_SESSION} pages open. Close one of them.`,
      );
      return;
    }
    const viewer = new Viewer({
      socket,
      user,
      hub: this.#hub,
      control,
      status,
      events: this.#events,
      hello: () => ({
        build: version,
        bootId,
        node: config().node,
        cameras: config()
          .cameras.filter(({ id }) => maySee(user, id))
          .map(({ id }) => ({ id, pictures: this.#showsPictures(id) })),
      }),
      hold: (camera, seq) => recent.pin(camera, seq),
      outline: async (camera, seq, object) => outlineOf(this.#kept(camera, seq), object),
      governed,
      log,
    });
    const forget = this.#accounts.onEnd(request, () => viewer.close(CLOSE_SESSION_ENDED, 'logged out, or the token was revoked'));
    this.#viewers.add(viewer);
    socket.on('close', () => {
      this.#viewers.delete(viewer);
      forget();
    });
    viewer.start();
  }

  /** Errors: REQUEST_INVALID for a frame that is gone. */
  #kept(camera: string, seq: number): FrameResult {
    const result = this.#deps.recent.find(camera, seq);
    if (!result) throw new FastsamError('REQUEST_INVALID', `frame ${seq} of camera "${camera}" is kept no more`);
    return result;
  }

  #tick(): void {
    const now = Date.now();
    for (const viewer of this.#viewers) viewer.tick(now, this.#viewers.size);
  }
}
