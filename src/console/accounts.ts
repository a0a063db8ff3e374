/** Who asks: logins, invitations, sessions and their routes. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { ConsoleUser } from '../contract/console.js';
import { FastsamError } from '../errors.js';
import { bearerOf, clientOf } from './guard.js';
import { ATTEMPTS, RateLimits, REQUESTS } from './rate-limits.js';
import { ScriptTokens } from './script-tokens.js';
import { hashOfSecret } from './secrets.js';
import { INVITE_MS, Invites, Sessions } from './sessions.js';
import { Users } from './users.js';

const COOKIE_SECONDS = 7 * 86_400;
export const PAGES_PER_SESSION = 3;

export interface AccountsDeps {
  readonly usersFile: string;
  readonly invitesFile: string;
  readonly node: () => string;
  readonly port: () => number;
  /** Only this machine can connect: the console asks for no login. */
  readonly isOpen: () => boolean;
  /** Something to list among the events: who logged in, who was invited. */
  readonly onEvent: (event: { readonly type: 'login' | 'invited'; readonly text: string; readonly by: string }) => void;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

export class Accounts {
  readonly #deps: AccountsDeps;
  readonly #users: Users;
  readonly #invites: Invites;
  readonly #sessions = new Sessions();
  readonly #scripts: ScriptTokens;
  readonly #attempts = new RateLimits(ATTEMPTS);
  readonly #requests = new RateLimits(REQUESTS);

  constructor(deps: AccountsDeps) {
    this.#deps = deps;
    this.#users = new Users(deps.usersFile);
    this.#scripts = new ScriptTokens(this.#users, deps.log);
    this.#invites = new Invites(deps.invitesFile);
  }

  /** Whether somebody could log in. Errors: CONFIG_INVALID for a damaged file of users. */
  async hasUsers(): Promise<boolean> {
    return (await this.#users.list()).length > 0;
  }

  /** The user of the token or the session; on loopback without either, an operator. */
  async identify(request: FastifyRequest): Promise<ConsoleUser | undefined> {
    const bearer = bearerOf(request.headers);
    if (bearer !== undefined) return this.#scripts.find(bearer, clientOf(request));
    const token = request.cookies[this.#cookieOf(request)];
    const user = token === undefined ? undefined : this.#sessions.find(token);
    return user ?? (this.#deps.isOpen() ? { name: 'local', role: 'operator' } : undefined);
  }

  /** False when the request, whose user is known, is one too many of its session or token; without login there is no limit. */
  takesRequest(request: FastifyRequest): boolean {
    const secret = bearerOf(request.headers) ?? request.cookies[this.#cookieOf(request)];
    return this.#deps.isOpen() || secret === undefined || this.#requests.take(hashOfSecret(secret));
  }

  /** Calls `end` when the session or the token of the request ends. Returns how to stop that. */
  onEnd(request: FastifyRequest, end: () => void): () => void {
    const bearer = bearerOf(request.headers);
    if (bearer !== undefined) return this.#scripts.onEnd(bearer, request.user, end);
    const token = request.cookies[this.#cookieOf(request)];
    return token === undefined ? () => undefined : this.#sessions.onEnd(token, end);
  }

  /** Whether the request's session or token may open one more page; without either the console's own limit holds alone. */
  hasRoom(request: FastifyRequest): boolean {
    const bearer = bearerOf(request.headers);
    if (bearer !== undefined) return this.#scripts.waitingForEnd(bearer) < PAGES_PER_SESSION;
    const token = request.cookies[this.#cookieOf(request)];
    return token === undefined || this.#sessions.waitingForEnd(token) < PAGES_PER_SESSION;
  }

  /** Ends the sessions and the connections of tokens whose users were removed or have other rights now. */
  async review(): Promise<void> {
    await this.#scripts.review();
    const users = await this.#users.list().catch(() => undefined);
    if (!users) return;
    const known = new Map(users.map((user) => [user.name, JSON.stringify(user)]));
    this.#sessions.review((user) => known.get(user.name) === JSON.stringify(user));
  }

  /** Routes that need no login. */
  async publicRoutes(routes: FastifyInstance): Promise<void> {
    routes.get('/me', async (request, reply) =>
      reply.header('cache-control', 'no-store').send({ user: (await this.identify(request)) ?? null, node: this.#deps.node() }),
    );
    routes.post('/login', async (request, reply) => {
      const { user: name, password } = (request.body ?? {}) as { user?: unknown; password?: unknown };
      if (typeof name !== 'string' || typeof password !== 'string' || name.length > 64 || password.length > 256)
        throw new FastsamError('REQUEST_INVALID', 'expected user and password');
      if (!this.#attempts.take(clientOf(request))) return tooMany(reply);
      const user = await this.#users.verify(name, password);
      if (!user) {
        this.#deps.log.warn({ from: clientOf(request) }, 'console: a login failed');
        return reply.code(401).send({ code: 'REQUEST_FORBIDDEN', error: 'name or password is wrong' });
      }
      return this.#login(request, reply, user);
    });
    routes.post('/invite', async (request, reply) => {
      const { token } = (request.body ?? {}) as { token?: unknown };
      if (typeof token !== 'string' || token.length > 100) throw new FastsamError('REQUEST_INVALID', 'expected a token');
      if (!this.#attempts.take(clientOf(request))) return tooMany(reply);
      const name = await this.#invites.redeem(token);
      const user = name === undefined ? undefined : await this.#users.find(name);
      if (!user)
        return reply.code(401).send({ code: 'REQUEST_FORBIDDEN', error: 'this invitation was used or is too old; ask for another' });
      return this.#login(request, reply, user);
    });
    routes.post('/logout', async (request, reply) => {
      const token = request.cookies[this.#cookieOf(request)];
      if (token !== undefined) this.#sessions.end(token);
      return reply.clearCookie(this.#cookieOf(request), cookieOptions(request)).send({});
    });
  }

  /** Routes of admins; `request.user` is known there. */
  async adminRoutes(routes: FastifyInstance): Promise<void> {
    routes.get('/users', async ({ user }) => {
      demandAdmin(user, 'users');
      return this.#users.list();
    });
    routes.post('/invites', async ({ user: admin, body }) => {
      demandAdmin(admin, 'invites');
      const { user: name } = (body ?? {}) as { user?: unknown };
      const invited = typeof name === 'string' ? await this.#users.find(name) : undefined;
      if (!invited) throw new FastsamError('REQUEST_INVALID', 'user: expected the name of a user of this console');
      const token = await this.#invites.add(invited.name);
      this.#deps.log.info({ user: invited.name, by: admin.name }, 'console: an invitation was made');
      this.#deps.onEvent({ type: 'invited', text: `${invited.name} (${invited.role}), for five minutes`, by: admin.name });
      return { token, user: invited.name, seconds: INVITE_MS / 1000 };
    });
  }

  #login(request: FastifyRequest, reply: FastifyReply, user: ConsoleUser): FastifyReply {
    const token = this.#sessions.begin(user);
    const from = clientOf(request);
    this.#deps.log.info({ user: user.name, role: user.role, from }, 'console: logged in');
    this.#deps.onEvent({ type: 'login', text: `${user.name} (${user.role}) from ${from}`, by: user.name });
    return reply.setCookie(this.#cookieOf(request), token, { ...cookieOptions(request), maxAge: COOKIE_SECONDS }).send({ user });
  }

  #cookieOf(request: FastifyRequest): string {
    // Browsers keep cookies by name and host, not by port: two nodes behind one name must not log each other out.
    return `${isEncrypted(request) ? '__Host-' : ''}fsd-${this.#deps.node()}-${this.#deps.port()}`;
  }
}

/** Whether the browser has an HTTPS connection, to here or to a trusted proxy. */
function isEncrypted({ protocol }: FastifyRequest): boolean {
  return protocol === 'https';
}

function cookieOptions(request: FastifyRequest): { path: '/'; httpOnly: true; sameSite: 'strict'; secure: boolean } {
  return { path: '/', httpOnly: true, sameSite: 'strict', secure: isEncrypted(request) };
}

function tooMany(reply: FastifyReply): FastifyReply {
  return reply.code(429).send({ code: 'RATE_LIMITED', error: 'too many attempts; try again later' });
}

function demandAdmin({ role }: ConsoleUser, what: string): void {
  if (role !== 'admin') throw new FastsamError('REQUEST_FORBIDDEN', `${what}: expected the role admin, got ${role}`);
}
