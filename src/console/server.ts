/** The console's server: its page, its socket, logins, and the probes of the node. Off unless configured; loaded only then. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { AddressInfo, Socket } from 'node:net';
import type { SecureContextOptions, Server as TlsServer } from 'node:tls';
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
import type { Frame } from '../domain/frame.js';
import { encodeJpeg } from '../encode/snapshot.js';
import { FastsamError, isFastsamError, messageOf } from '../errors.js';
import type { RecentResults } from '../pipeline/recent-results.js';
import type { ResultSink } from '../pipeline/sinks.js';
import type { StatusBoard } from '../status/board.js';
import { maySee } from './access.js';
import { ConsoleEvents } from './events.js';
import { type GuardOptions, isAddressed, isSameOrigin, SECURITY_HEADERS } from './guard.js';
import { History, isSpan, visible } from './history.js';
import { LoginLimits } from './login-limits.js';
import { type PictureSegmenter, Pictures, pictureRoutes } from './pictures.js';
import { Invites, Sessions } from './sessions.js';
import { Users } from './users.js';
import { ViewHub } from './view-hub.js';
import { CLOSE_SESSION_ENDED, Viewer } from './viewer.js';

const TICK_MS = 2000;
const REVIEW_MS = 5000;
const REQUEST_MS = 15_000;
const MAX_CONNECTIONS = 128;
/** Connections without a whole request so far. The oldest makes room for a new one, so that silent ones keep no user out. */
const MAX_WAITING = 64;
const HEADERS_MS = 5000;
/** Without it Node applies the time-outs every 30 s. */
const TIMEOUT_CHECK_MS = 1000;
const MAX_JSON_BYTES = 65_536;
const COOKIE_SECONDS = 7 * 86_400;
const THUMBNAIL_WIDTH = 320;
const THUMBNAIL_MS = 2000;
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
  readonly pictures: PictureSegmenter;
  /** Undefined for a path that is no probe. */
  readonly probe: (path: string) => Promise<ProbeAnswer | undefined>;
  /** The governor has turned something down. */
  readonly governed: () => boolean;
  readonly usersFile: string;
  readonly invitesFile: string;
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
  readonly #users: Users;
  readonly #invites: Invites;
  readonly #sessions = new Sessions();
  readonly #limits = new LoginLimits();
  readonly #history = new History();
  readonly #events: ConsoleEvents;
  readonly #hub: ViewHub;
  readonly #pictures: Pictures;
  readonly #viewers = new Set<Viewer>();
  #app: FastifyInstance | undefined;
  /** The certificate in use, to notice another one in its files. */
  #certificate: Certificate | undefined;
  #ends: (() => void)[] = [];
  /** Connections that have not sent a whole request, by the address and port of the other end. */
  readonly #waiting = new Map<string, Socket>();

  constructor(deps: ConsoleDeps) {
    this.#deps = deps;
    this.#users = new Users(deps.usersFile);
    this.#invites = new Invites(deps.invitesFile);
    this.#hub = new ViewHub({
      addSink: deps.addSink,
      watchResults: (camera) => deps.recent.watch(camera),
      pictures: (camera) => this.#showsPictures(camera),
      onError: (camera, error) => deps.log.error({ camera, reason: messageOf(error) }, 'console: a frame was not encoded'),
    });
    this.#events = new ConsoleEvents({ picture: (camera) => this.#thumbnail(camera) });
    this.#pictures = new Pictures(deps.pictures);
  }

  /** Where it listens; undefined when it does not. */
  get port(): number | undefined {
    return (this.#app?.server.address() as AddressInfo | null | undefined)?.port;
  }

  /** Frames encoded for viewers since the start. */
  get encoded(): number {
    return this.#hub.encoded;
  }

  /** Errors: CONFIG_INVALID when the address is taken, a certificate cannot be read, or nobody could log in. */
  async start(): Promise<void> {
    const { log, status } = this.#deps;
    const { host, port, insecure, tls } = this.#config;
    if (!this.#isOpen && (await this.#users.list()).length === 0)
      throw new FastsamError(
        'CONFIG_INVALID',
        `console.host: ${host}: nobody could log in; add a user with "fastsamd console add-user" first`,
      );
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
    const review = setInterval(() => void this.#review(), REVIEW_MS);
    this.#ends = [this.#events.follow(status), () => clearInterval(tick), () => clearInterval(review)];
    log.info({ host, port: this.port }, `console: ${tls.certFile === undefined ? 'http' : 'https'}://${host}:${this.port}/`);
  }

  async stop(): Promise<void> {
    for (const end of this.#ends.splice(0)) end();
    for (const viewer of this.#viewers) viewer.close(1001, 'fastsamd stops');
    this.#pictures.clear();
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

  /** Nothing but this machine can connect: no login is asked for. */
  get #isOpen(): boolean {
    return isLoopback(this.#config.host);
  }

  get #guard(): GuardOptions {
    const { host, allowedHosts } = this.#config;
    return { host, allowedHosts, loopback: this.#isOpen };
  }

  get #cookie(): string {
    const { node } = this.#deps.config();
    const { tls } = this.#config;
    // Browsers keep cookies by name and host, not by port: two nodes behind one name must not log each other out.
    return `${tls.certFile === undefined ? '' : '__Host-'}fsd-${node}-${this.port ?? 0}`;
  }

  #showsPictures(camera: string): boolean {
    return this.#deps.config().cameras.find(({ id }) => id === camera)?.console.pictures ?? false;
  }

  async #create(): Promise<FastifyInstance> {
    const { tls } = this.#config;
    const https = tls.certFile !== undefined && tls.keyFile !== undefined ? await readCertificate(tls.certFile, tls.keyFile) : undefined;
    this.#certificate = https;
    const timeouts = { headersTimeout: HEADERS_MS, connectionsCheckingInterval: TIMEOUT_CHECK_MS };
    const app = fastify({
      ...(https ? { https: { ...https, ...timeouts, handshakeTimeout: HEADERS_MS } } : { http: timeouts }),
      bodyLimit: MAX_JSON_BYTES,
      requestTimeout: REQUEST_MS,
      connectionTimeout: REQUEST_MS,
      keepAliveTimeout: 5000,
      logger: false,
      forceCloseConnections: true,
    }) as unknown as FastifyInstance;
    app.decorateRequest('user', null as unknown as ConsoleUser);
    app.server.on('connection', (socket: Socket) => this.#wait(socket));
    app.addHook('onRequest', async (request, reply) => this.#admit(request, reply));
    app.addHook('preHandler', async ({ raw: { socket } }) => void this.#waiting.delete(otherEnd(socket)));
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
    await app.register(async (routes) => this.#accounts(routes), { prefix: '/api' });
    await app.register(async (routes) => this.#api(routes), { prefix: '/api' });
    for (const path of ['/metrics', '/healthz', '/readyz']) {
      app.get(path, async (request, reply) => {
        if (!this.#identify(request)) return reply.code(401).send('log in first\n');
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
    const isUpgrade = request.headers.upgrade !== undefined;
    const isChange = request.method !== 'GET' && request.method !== 'HEAD';
    if ((isChange || isUpgrade) && !isSameOrigin(request.headers, { demandOrigin: true }))
      await reply.code(403).type('text/plain').send('expected a request of the console itself (Origin)\n');
  }

  #fail(error: unknown, reply: FastifyReply): FastifyReply {
    if (isFastsamError(error)) {
      const status = error.code === 'REQUEST_FORBIDDEN' ? 403 : error.code === 'SOURCE_TIMEOUT' ? 504 : 400;
      return reply.code(status).send({ code: error.code, error: error.message.slice(0, 500) });
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

  async #accounts(routes: FastifyInstance): Promise<void> {
    routes.get('/me', async (request, reply) => {
      const user = this.#identify(request);
      return reply.header('cache-control', 'no-store').send({ user: user ?? null, node: this.#deps.config().node });
    });
    routes.post('/login', async (request, reply) => {
      const { user: name, password } = (request.body ?? {}) as { user?: unknown; password?: unknown };
      if (typeof name !== 'string' || typeof password !== 'string' || name.length > 64 || password.length > 256)
        throw new FastsamError('REQUEST_INVALID', 'expected user and password');
      if (!this.#limits.take(request.ip))
        return reply.code(429).send({ code: 'RATE_LIMITED', error: 'too many attempts; try again later' });
      const user = await this.#users.verify(name, password);
      if (!user) {
        this.#deps.log.warn({ from: request.ip }, 'console: a login failed');
        return reply.code(401).send({ code: 'REQUEST_FORBIDDEN', error: 'name or password is wrong' });
      }
      return this.#login(request, reply, user);
    });
    routes.post('/invite', async (request, reply) => {
      const { token } = (request.body ?? {}) as { token?: unknown };
      if (typeof token !== 'string' || token.length > 100) throw new FastsamError('REQUEST_INVALID', 'expected a token');
      if (!this.#limits.take(request.ip))
        return reply.code(429).send({ code: 'RATE_LIMITED', error: 'too many attempts; try again later' });
      const name = await this.#invites.redeem(token);
      const user = name === undefined ? undefined : await this.#users.find(name);
      if (!user)
        return reply.code(401).send({ code: 'REQUEST_FORBIDDEN', error: 'this invitation was used or is too old; ask for another' });
      return this.#login(request, reply, user);
    });
    routes.post('/logout', async (request, reply) => {
      const token = request.cookies[this.#cookie];
      if (token !== undefined) this.#sessions.end(token);
      return reply.clearCookie(this.#cookie, this.#cookieOptions).send({});
    });
  }

  #login(request: FastifyRequest, reply: FastifyReply, user: ConsoleUser): FastifyReply {
    const token = this.#sessions.begin(user);
    this.#deps.log.info({ user: user.name, role: user.role, from: request.ip }, 'console: logged in');
    this.#events.add({ type: 'login', text: `${user.name} (${user.role}) from ${request.ip}`, by: user.name });
    return reply.setCookie(this.#cookie, token, { ...this.#cookieOptions, maxAge: COOKIE_SECONDS }).send({ user });
  }

  get #cookieOptions(): { path: '/'; httpOnly: true; sameSite: 'strict'; secure: boolean } {
    return { path: '/', httpOnly: true, sameSite: 'strict', secure: this.#config.tls.certFile !== undefined };
  }

  /** Who asks: the session's user, or on loopback anybody as operator. */
  #identify(request: FastifyRequest): ConsoleUser | undefined {
    const token = request.cookies[this.#cookie];
    const user = token === undefined ? undefined : this.#sessions.find(token);
    return user ?? (this.#isOpen ? { name: 'local', role: 'operator' } : undefined);
  }

  async #api(routes: FastifyInstance): Promise<void> {
    // Before the body is read: a photo of 16 MB is received from users alone.
    routes.addHook('onRequest', async (request, reply) => {
      const user = this.#identify(request);
      if (!user) return reply.code(401).send({ code: 'REQUEST_FORBIDDEN', error: 'log in first' });
      request.user = user;
      reply.header('cache-control', 'no-store');
    });
    routes.get('/live', { websocket: true }, (socket, request) => this.#connect(socket, request));
    routes.get<{ Params: { id: string } }>('/cameras/:id/snapshot.jpg', async (request, reply) => {
      this.#demandCamera(request.user, request.params.id);
      const jpeg = await this.#picture(request.params.id, 1920, THUMBNAIL_MS * 2);
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
    await pictureRoutes(routes, {
      pictures: this.#pictures,
      fromCamera: async (user, camera) => {
        this.#demandCamera(user, camera);
        return this.#frameOf(camera, THUMBNAIL_MS * 2);
      },
    });
  }

  #demandCamera(user: ConsoleUser, camera: string): void {
    if (!maySee(user, camera)) throw new FastsamError('REQUEST_FORBIDDEN', `camera "${camera}" is not one of yours`);
    if (!this.#showsPictures(camera))
      throw new FastsamError('REQUEST_FORBIDDEN', `no pictures of camera "${camera}" here (console.pictures)`);
  }

  #connect(socket: WebSocket, request: FastifyRequest): void {
    const { control, status, recent, governed, bootId, version, config, log } = this.#deps;
    const { user } = request;
    if (this.#viewers.size >= this.#config.maxViewers) {
      socket.close(1013, 'too many pages are open (console.maxViewers)');
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
      governed,
      log,
    });
    const token = request.cookies[this.#cookie];
    const forget =
      token === undefined ? () => undefined : this.#sessions.onEnd(token, () => viewer.close(CLOSE_SESSION_ENDED, 'logged out'));
    this.#viewers.add(viewer);
    socket.on('close', () => {
      this.#viewers.delete(viewer);
      forget();
    });
    viewer.start();
  }

  #tick(): void {
    const now = Date.now();
    for (const viewer of this.#viewers) viewer.tick(now, this.#viewers.size);
  }

  async #review(): Promise<void> {
    await Promise.all([this.#reviewUsers(), this.#reviewCertificate()]);
  }

  /** A certificate that was renewed is in use for new connections within seconds; one that does not fit is not. */
  async #reviewCertificate(): Promise<void> {
    const { certFile, keyFile } = this.#config.tls;
    const before = this.#certificate;
    if (certFile === undefined || keyFile === undefined || !before) return;
    try {
      const next = await readCertificate(certFile, keyFile);
      if (next.cert.equals(before.cert) && next.key.equals(before.key)) return;
      this.#certificate = next;
      (this.#app?.server as unknown as TlsServer | undefined)?.setSecureContext(next);
      this.#deps.log.info({ certFile }, 'console: uses the new certificate');
    } catch (error) {
      this.#deps.log.warn({ certFile, reason: messageOf(error) }, 'console: the new certificate cannot be used; the one before stays');
    }
  }

  /** Users that are gone or have other rights lose their sessions. */
  async #reviewUsers(): Promise<void> {
    const users = await this.#users.list().catch(() => undefined);
    if (!users) return;
    const known = new Map(users.map((user) => [user.name, JSON.stringify(user)]));
    this.#sessions.review((user) => known.get(user.name) === JSON.stringify(user));
  }

  async #thumbnail(camera: string): Promise<Uint8Array | undefined> {
    return this.#showsPictures(camera) ? this.#picture(camera, THUMBNAIL_WIDTH, THUMBNAIL_MS) : undefined;
  }

  /** JPEG of the camera's next frame. Errors: SOURCE_TIMEOUT, REQUEST_INVALID. */
  async #picture(camera: string, maxWidth: number, timeoutMs: number): Promise<Uint8Array> {
    using frame = await this.#frameOf(camera, timeoutMs);
    return encodeJpeg(frame, { maxWidth, quality: maxWidth === THUMBNAIL_WIDTH ? 60 : 85 });
  }

  /** The camera's next frame, for the caller to release. */
  #frameOf(camera: string, timeoutMs: number): Promise<Frame> {
    return new Promise((resolve, reject) => {
      const remove = this.#deps.addSink(camera, {
        take: (_result, frame) => {
          clearTimeout(timer);
          resolve(frame.retain());
          void remove();
        },
      });
      const timer = setTimeout(() => {
        void remove();
        reject(new FastsamError('SOURCE_TIMEOUT', `camera "${camera}" sent no frame within ${timeoutMs / 1000} s`));
      }, timeoutMs);
    });
  }
}

interface Certificate extends SecureContextOptions {
  readonly cert: Buffer;
  readonly key: Buffer;
}

async function readCertificate(certFile: string, keyFile: string): Promise<Certificate> {
  try {
    const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
    return { cert, key };
  } catch (cause) {
    throw new FastsamError('CONFIG_INVALID', `console.tls: ${messageOf(cause)}; expected PEM files`, { cause });
  }
}

function otherEnd({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress} ${remotePort}`;
}
