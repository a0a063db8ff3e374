/** /metrics, /healthz and /readyz over HTTP or HTTPS, for clients with the token or a certificate, where one is required. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http, { type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import https from 'node:https';
import { type AddressInfo, isIP, type Socket } from 'node:net';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { MetricsConfig } from '../../config/schema.js';
import { readSecret } from '../../config/secrets.js';
import type { CountsMessage, InspectionMessage, TelemetryMessage } from '../../contract/messages.js';
import { FastsamError, messageOf } from '../../errors.js';
import type { Finding } from '../health/assess.js';
import { exposition } from './exposition.js';

/** The oldest makes room for a new one, so that silent connections keep no scrape out. */
const MAX_CONNECTIONS = 32;
/** For a handshake, a request, and between two requests of a connection. */
const REQUEST_MS = 5000;
/** Without it Node applies the time-outs every 30 s. */
const TIMEOUT_CHECK_MS = 1000;
const TIMEOUTS = {
  requestTimeout: REQUEST_MS,
  headersTimeout: REQUEST_MS,
  keepAliveTimeout: REQUEST_MS,
  connectionsCheckingInterval: TIMEOUT_CHECK_MS,
} as const;

/** What the answers of the probes are made of. */
export interface ProbeDeps {
  /** Of this moment; undefined before the model is loaded. */
  readonly telemetry: () => Promise<TelemetryMessage | undefined>;
  /** Of fastsamd. */
  readonly version: string;
  /** Of the lines and zones of the cameras that track. */
  readonly counts?: () => readonly CountsMessage[];
  /** Of the cameras that inspect. */
  readonly inspections?: () => readonly InspectionMessage[];
  readonly health: () => { readonly alive: boolean; readonly ready: boolean; readonly findings: readonly Finding[] };
}

export interface MetricsDeps extends ProbeDeps {
  readonly config: MetricsConfig;
  readonly log: Logger;
}

/** What a path of the probes answers, for any server that has it; undefined for a path that is none. */
export async function probe(
  path: string,
  { telemetry, health, version, counts, inspections }: ProbeDeps,
): Promise<{ readonly status: number; readonly body: string; readonly type: string } | undefined> {
  const { alive, ready, findings } = health();
  switch (path) {
    case '/metrics':
      return {
        status: 200,
        body: exposition(await telemetry(), findings, version, counts?.(), inspections?.()),
        type: 'text/plain; version=0.0.4; charset=utf-8',
      };
    case '/healthz':
      return { status: alive ? 200 : 503, body: report(alive, findings), type: 'application/json' };
    case '/readyz':
      return { status: ready ? 200 : 503, body: report(ready, findings), type: 'application/json' };
    default:
      return undefined;
  }
}

export class MetricsServer {
  readonly #deps: MetricsDeps;
  #server: Server | undefined;
  #token: Buffer | undefined;
  /** In the order they came. */
  readonly #sockets = new Set<Socket>();

  constructor(deps: MetricsDeps) {
    this.#deps = deps;
  }

  /** Where it listens; undefined when it does not. */
  get port(): number | undefined {
    return (this.#server?.address() as AddressInfo | null | undefined)?.port;
  }

  /** Does nothing unless enabled. Errors: CONFIG_INVALID when the token or a certificate cannot be read, or the address is taken. */
  async start(): Promise<void> {
    const { config, log } = this.#deps;
    if (!config.enabled) return;
    const token = await readSecret({ file: config.tokenFile, env: config.tokenEnv }, 'metrics.token');
    this.#token = token === undefined ? undefined : digest(token);
    const server = await this.#create((request, response) => void this.#answer(request, response));
    // Of silent connections, whose time the above does not count.
    server.setTimeout(REQUEST_MS, (socket) => socket.destroy());
    server.on('connection', (socket: Socket) => this.#admit(socket));
    server.listen(config.port, config.host);
    try {
      await once(server, 'listening');
    } catch (cause) {
      throw new FastsamError('CONFIG_INVALID', `metrics: cannot listen on ${config.host}:${config.port}: ${messageOf(cause)}`, { cause });
    }
    this.#server = server;
    log.info({ host: config.host, port: this.port }, `metrics: listening on ${config.host}:${this.port}`);
  }

  stop(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
    this.#server = undefined;
  }

  async #create(listener: RequestListener): Promise<Server> {
    const { certFile, keyFile, clientCaFile } = this.#deps.config.tls;
    if (certFile === undefined || keyFile === undefined) return http.createServer(TIMEOUTS, listener);
    try {
      const [cert, key, ca] = await Promise.all(
        [certFile, keyFile, clientCaFile].map((file) => (file === undefined ? undefined : readFile(file))),
      );
      return https.createServer(
        { ...TIMEOUTS, handshakeTimeout: REQUEST_MS, cert, key, ...(ca ? { ca, requestCert: true, rejectUnauthorized: true } : {}) },
        listener,
      );
    } catch (cause) {
      throw new FastsamError('CONFIG_INVALID', `metrics.tls: ${messageOf(cause)}; expected PEM files`, { cause });
    }
  }

  #admit(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    if (this.#sockets.size > MAX_CONNECTIONS) this.#sockets.values().next().value?.destroy();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, body: string, type = 'text/plain; charset=utf-8') => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
    };
    try {
      if (!this.#isAddressed(request)) return send(421, 'expected the address or the name of this machine in Host\n');
      if (!this.#admits(request)) {
        response.setHeader('www-authenticate', 'Bearer');
        return send(401, 'expected Authorization: Bearer TOKEN\n');
      }
      if (request.method !== 'GET' && request.method !== 'HEAD') return send(405, 'expected GET\n');
      const answer = await probe(request.url?.split('?', 1)[0] ?? '', this.#deps);
      if (!answer) return send(404, 'expected /metrics, /healthz or /readyz\n');
      return send(answer.status, answer.body, answer.type);
    } catch (error) {
      this.#deps.log.error({ reason: messageOf(error) }, 'metrics: no answer');
      if (!response.headersSent) send(500, 'the log says more\n');
    }
  }

  /** A page of another site reaches loopback through a name of its own (DNS rebinding); who has the token is trusted anyway. */
  #isAddressed({ headers }: IncomingMessage): boolean {
    if (this.#token || this.#deps.config.tls.clientCaFile !== undefined) return true;
    const name = (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
    const own = hostname().toLowerCase();
    return (
      name === '' ||
      name === 'localhost' ||
      name === own ||
      name.startsWith(`${own}.`) ||
      name === this.#deps.config.host ||
      isIP(name.replace(/^\[|\]$/g, '')) > 0
    );
  }

  #admits({ headers }: IncomingMessage): boolean {
    if (!this.#token) return true;
    const token = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
    return token !== undefined && timingSafeEqual(digest(token), this.#token);
  }
}

/** Of one length, so that comparing takes the same time whatever is wrong. */
function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function report(ok: boolean, findings: readonly Finding[]): string {
  const subsystems = Object.fromEntries(
    findings.map(({ name, ok: well, reason }) => [name, { ok: well, ...(reason === undefined ? {} : { reason }) }]),
  );
  return `${JSON.stringify({ ok, subsystems })}\n`;
}
