/** HTTP of the console before anybody has logged in: its certificate, its limits, which requests it takes, and what it answers to errors. */
import type { Socket } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import fastifyCookie from '@fastify/cookie';
import fastifyWebsocket from '@fastify/websocket';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.js';
import { isLoopback } from '../config/sections/console.js';
import { CONSOLE_PROTOCOL, type ConsoleUser } from '../contract/console.js';
import { type FastsamError, isFastsamError, messageOf } from '../errors.js';
import { CertificateRenewal, readCertificate } from './certificate.js';
import { bearerOf, clientOf, isAddressed, isSameOrigin, SECURITY_HEADERS } from './guard.js';

const REQUEST_MS = 15_000;
/** For the answer to a whole request: a photo may wait for its turn behind cameras. */
const WORK_MS = 120_000;
/** Connections without a whole request so far. The oldest makes room for a new one, so that silent ones keep no user out. */
const MAX_WAITING = 64;
const HEADERS_MS = 5000;
/** Without it Node applies the time-outs every 30 s. */
const TIMEOUT_CHECK_MS = 1000;
const MAX_JSON_BYTES = 65_536;
/** What else is wrong with a request is 400. */
const STATUS_OF: Partial<Record<FastsamError['code'], number>> = { REQUEST_FORBIDDEN: 403, RATE_LIMITED: 429, SOURCE_TIMEOUT: 504 };

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; set for all of /api but login, invite and me. */
    user: ConsoleUser;
  }
}

export interface ConsoleHttpDeps {
  readonly config: () => Config['console'];
  /** The console asks for no login. */
  readonly isOpen: () => boolean;
  readonly log: Logger;
}

/** An application without routes, and the renewal of its certificate where it has one. Errors: CONFIG_INVALID for a certificate that cannot be read. */
export async function consoleHttp(
  deps: ConsoleHttpDeps,
): Promise<{ readonly app: FastifyInstance; readonly renewal: CertificateRenewal | undefined }> {
  const { config, log } = deps;
  const { tls, trustProxy } = config();
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
  const renewal =
    https &&
    new CertificateRenewal(https, {
      files: () => config().tls,
      use: (certificate) => (app.server as unknown as TlsServer).setSecureContext(certificate),
      log,
    });
  app.decorateRequest('user', null as unknown as ConsoleUser);
  limitWaiting(app);
  app.addHook('onRequest', async (request, reply) => admit(deps, request, reply));
  app.setErrorHandler((error, _request, reply) => fail(error, reply, log));
  await app.register(fastifyCookie);
  await app.register(fastifyWebsocket, {
    options: {
      maxPayload: MAX_JSON_BYTES,
      perMessageDeflate: false,
      handleProtocols: (protocols) => (protocols.has(CONSOLE_PROTOCOL) ? CONSOLE_PROTOCOL : false),
    },
  });
  return { app, renewal };
}

/** Under TLS requests have another socket than connections; both have the same other end, by which they are known. */
function limitWaiting(app: FastifyInstance): void {
  const waiting = new Map<string, Socket>();
  app.server.on('connection', (socket: Socket) => {
    const end = otherEnd(socket);
    waiting.set(end, socket);
    socket.once('close', () => waiting.delete(end));
    if (waiting.size > MAX_WAITING) waiting.values().next().value?.destroy();
  });
  app.addHook('preHandler', async ({ raw: { socket } }) => {
    waiting.delete(otherEnd(socket));
    // Until the next request of this connection, when Node sets it back.
    socket.setTimeout(WORK_MS);
  });
}

function otherEnd({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress} ${remotePort}`;
}

/** Of every request, before anything of it is read. */
async function admit({ config, isOpen }: ConsoleHttpDeps, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.headers(SECURITY_HEADERS);
  const { host, allowedHosts, insecure } = config();
  if (!isAddressed(request.headers, { host, allowedHosts, loopback: isOpen() })) {
    await reply.code(421).type('text/plain').send('expected the address or the name of this machine in Host (console.allowedHosts)\n');
    return;
  }
  const problem = problemOfWay(request, isOpen(), insecure);
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
function problemOfWay(request: FastifyRequest, isOpen: boolean, insecure: boolean): string | undefined {
  const { headers, protocol } = request;
  if (isOpen) {
    const isForwarded = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined;
    return isForwarded
      ? 'a proxy has forwarded this request: its address belongs into console.trustProxy, so that users log in'
      : undefined;
  }
  if (protocol === 'https' || insecure || isLoopback(clientOf(request))) return undefined;
  return 'expected HTTPS: the proxy has to send X-Forwarded-Proto: https, and be in console.trustProxy';
}

function fail(error: unknown, reply: FastifyReply, log: Logger): FastifyReply {
  if (isFastsamError(error)) {
    return reply.code(STATUS_OF[error.code] ?? 400).send({ code: error.code, error: error.message.slice(0, 500) });
  }
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  if (status < 500) return reply.code(status).send({ code: 'REQUEST_INVALID', error: messageOf(error).slice(0, 200) });
  log.error({ reason: messageOf(error) }, 'console: a request failed');
  return reply.code(500).send({ code: 'INTERNAL', error: 'the log says more' });
}
