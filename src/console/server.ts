/** The console's server: its page, its socket, logins, and the probes of the node. Off unless configured; loaded only then. */
import { existsSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import fastifyCookie from '@fastify/cookie';
import fastifyStatic from '@fastify/static';
import fastifyWebsocket, { type WebSocket } from '@fastify/websocket';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { Logger } from 'pino';
import { compiledModule } from '../compiled.js';
import type { Config } from '../config/schema.js';
import { isLoopback } from '../config/sections/console.js';
import { CONSOLE_PROTOCOL, type ConsoleUser } from '../contract/console.js';
import type { CameraEvent, TelemetryMessage } from '../contract/messages.js';
import type { Control } from '../control/control.js';
import type { FrameResult } from '../domain/result.js';
import { FastsamError, isFastsamError, messageOf } from '../errors.js';
import type { RecentResults } from '../pipeline/recent-results.js';
import type { ResultSink } from '../pipeline/sinks.js';
import type { StatusBoard } from '../status/board.js';
import { maySee } from './access.js';
import { Accounts, PAGES_PER_SESSION } from './accounts.js';
import type { PictureSegmenter } from './asking.js';
import { CameraFrames } from './camera-frames.js';
import { CertificateRenewal, readAuthority, readCertificate } from './certificate.js';
import { Clips, clipRoutes } from './clips.js';
import { ConsoleEvents } from './events.js';
import { bearerOf, clientOf, type GuardOptions, isAddressed, isSameOrigin, SECURITY_HEADERS } from './guard.js';
import { History, isSpan, visible } from './history.js';
import { outlineOf } from './outline.js';
import { Pictures, pictureRoutes } from './pictures.js';
import { followPrompts, PromptHistory } from './prompt-history.js';
import { ViewHub } from './view-hub.js';
import type { Work } from './view-rate.js';
import { CLOSE_SESSION_ENDED, Viewer } from './viewer.js';

const TICK_MS = 2000;
/** How long a user who was removed is still there. */
const USERS_REVIEW_MS = 1000;
const REVIEW_MS = 5000;
const REQUEST_MS = 15_000;
/** For the answer to a whole request: a photo may wait for its turn behind cameras. */
const WORK_MS = 120_000;
const MAX_CONNECTIONS = 128;
/** Connections without a whole request so far. The oldest makes room for a new one, so that silent ones keep no user out. */
const MAX_WAITING = 64;
const HEADERS_MS = 5000;
/** Without it Node applies the time-outs every 30 s. */
const TIMEOUT_CHECK_MS = 1000;
const MAX_JSON_BYTES = 65_536;
/** RFC 6455's registry. */
const CLOSE_TRY_LATER = 1013;
/** What else is wrong with a request is 400. */
const STATUS_OF: Partial<Record<FastsamError['code'], number>> = { REQUEST_FORBIDDEN: 403, RATE_LIMITED: 429, SOURCE_TIMEOUT: 504 };
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

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; set for all of /api but login, invite and me. */
    user: ConsoleUser;
  }
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
  /** Connections that have not sent a whole request, by the address and port of the other end. */
  readonly #waiting = new Map<string, Socket>();

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

  get #guard(): GuardOptions {
    const { host, allowedHosts } = this.#config;
    return { host, allowedHosts, loopback: this.#isOpen };
  }

  #showsPictures(camera: string): boolean {
    return this.#deps.config().cameras.find(({ id }) => id === camera)?.console.pictures ?? false;
  }

  async #create(): Promise<FastifyInstance> {
    const { tls, trustProxy } = this.#config;
    const https = tls.certFile !== undefined && tls.keyFile !== undefined ? await readCertificate(tls.certFile, tls.keyFile) : undefined;
    const timeouts = { headersTimeout: HEADERS_MS, connectionsCheckingInterval: TIMEOUT_CHECK_MS };
    const app = fastify({
      ...(https ? { https: { ...https, ...timeouts, handshakeTimeout: HEADERS_MS } } : { http: timeouts }),
      bodyLimit: MAX_JSON_BYTES,
      requestTimeout: REQUEST_MS,
      trustProxy: trustProxy.length > 0 ? [...trustProxy] : false,
      connectionTimeout: REQUEST_MS,
      keepAliveTimeout: 5000,
      logger: false,
      forceCloseConnections: true,
    }) as unknown as FastifyInstance;
    if (https) {
      this.#renewal = new CertificateRenewal(https, {
        files: () => this.#config.tls,
        use: (certificate) => (app.server as unknown as TlsServer).setSecureContext(certificate),
        log: this.#deps.log,
      });
    }
    app.decorateRequest('user', null as unknown as ConsoleUser);
    app.server.on('connection', (socket: Socket) => this.#wait(socket));
    app.addHook('onRequest', async (request, reply) => this.#admit(request, reply));
    app.addHook('preHandler', async ({ raw: { socket } }) => {
      this.#waiting.delete(otherEnd(socket));
      // Until the next request of this connection, when Node sets it back.
      socket.setTimeout(WORK_MS);
    });
    app.setErrorHandler((error, _request, reply) => this.#fail(error, reply));
    await app.register(fastifyCookie);
    await app.register(fastifyWebsocket, {
      options: {
        maxPayload: MAX_JSON_BYTES,
        perMessageDeflate: false,
        handleProtocols: (protocols) => (protocols.has(CONSOLE_PROTOCOL) ? CONSOLE_PROTOCOL : false),
      },
    });
    await app.register(async (routes) => this.#page(routes));
    // Without login: a device needs it before it can trust the login page.
    app.get('/ca.crt', async (_request, reply) => {
      const { certFile } = this.#config.tls;
      const authority = certFile === undefined ? undefined : await readAuthority(certFile);
      if (!authority) return reply.code(404).type('text/plain').send('no ca.crt here: "fastsamd console certificate" makes one\n');
      return reply
        .type('application/x-x509-ca-cert')
        .header('content-disposition', `inline; filename="${this.#deps.config().node}-ca.crt"`)
        .header('cache-control', 'no-cache')
        .send(authority);
    });
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

  /** Under TLS requests have another socket than connections; both have the same other end. */
  #wait(socket: Socket): void {
    const end = otherEnd(socket);
    this.#waiting.set(end, socket);
    socket.once('close', () => this.#waiting.delete(end));
    if (this.#waiting.size > MAX_WAITING) this.#waiting.values().next().value?.destroy();
  }

  /** Of every request, before anything of it is read. */
  async #admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    reply.headers(SECURITY_HEADERS);
    if (!isAddressed(request.headers, this.#guard)) {
      await reply.code(421).type('text/plain').send('expected the address or the name of this machine in Host (console.allowedHosts)\n');
      return;
    }
    const problem = this.#problemOfWay(request);
    if (problem !== undefined) {
      await reply.code(403).type('text/plain').send(`${problem}\n`);
      return;
    }
    const isUpgrade = request.headers.upgrade !== undefined;
    const isChange = request.method !== 'GET' && request.method !== 'HEAD';
    if ((isChange || isUpgrade) && bearerOf(request.headers) === undefined && !isSameOrigin(request.headers, { demandOrigin: true }))
      await reply.code(403).type('text/plain').send('expected a request of the console itself (Origin)\n');
  }

  /** What is wrong with the way on which a request came: through a proxy that is not known, or in clear through the network. */
  #problemOfWay(request: FastifyRequest): string | undefined {
    const { headers, protocol } = request;
    if (this.#isOpen) {
      const isForwarded = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined;
      return isForwarded
        ? 'a proxy has forwarded this request: its address belongs into console.trustProxy, so that users log in'
        : undefined;
    }
    if (protocol === 'https' || this.#config.insecure || isLoopback(clientOf(request))) return undefined;
    return 'expected HTTPS: the proxy has to send X-Forwarded-Proto: https, and be in console.trustProxy';
  }

  #fail(error: unknown, reply: FastifyReply): FastifyReply {
    if (isFastsamError(error)) {
      return reply.code(STATUS_OF[error.code] ?? 400).send({ code: error.code, error: error.message.slice(0, 500) });
    }
    const status = (error as { statusCode?: number }).statusCode ?? 500;
    if (status < 500) return reply.code(status).send({ code: 'REQUEST_INVALID', error: messageOf(error).slice(0, 200) });
    this.#deps.log.error({ reason: messageOf(error) }, 'console: a request failed');
    return reply.code(500).send({ code: 'INTERNAL', error: 'the log says more' });
  }

  async #page(routes: FastifyInstance): Promise<void> {
    const root = fileURLToPath(compiledModule('../web', import.meta.url));
    if (!existsSync(root)) {
      routes.get('/', async (_request, reply) => reply.type('text/plain').send('the console was not built: run "make build"\n'));
      return;
    }
    await routes.register(fastifyStatic, {
      root,
      preCompressed: true,
      cacheControl: false,
      setHeaders: (response, path) => {
        // Names of assets hold a hash of their content.
        const lasts = path.includes('/assets/');
        response.setHeader('cache-control', lasts ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    });
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

function otherEnd({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress} ${remotePort}`;
}
