/** Scripts that come in by a token of a user: who they are, how often they may be wrong, and which of their connections are open. */
import type { Logger } from 'pino';
import type { ConsoleUser } from '../contract/console.js';
import { messageOf } from '../errors.js';
import { ATTEMPTS, RateLimits } from './rate-limits.js';
import { hashOfSecret } from './secrets.js';
import type { Users } from './users.js';

/** Longer ones are none, and are not hashed. */
const MAX_TOKEN_CHARS = 100;
const MAX_KNOWN = 1000;

export class ScriptTokens {
  readonly #users: Pick<Users, 'findByToken'>;
  readonly #log: Pick<Logger, 'info' | 'warn'>;
  readonly #wrong = new RateLimits(ATTEMPTS);
  /** Tokens and addresses that the log has named. */
  readonly #seen = new Set<string>();
  /** What ends with a token, and the rights that it had when that began. */
  readonly #open = new Map<string, { readonly rights: string; readonly ends: Set<() => void> }>();

  constructor(users: Pick<Users, 'findByToken'>, log: Pick<Logger, 'info' | 'warn'>) {
    this.#users = users;
    this.#log = log;
  }

  /** The user of a token; undefined for one that is wrong or has ended, which the log names as often as it may be tried. */
  async find(token: string, address: string): Promise<ConsoleUser | undefined> {
    const found = token.length > MAX_TOKEN_CHARS ? undefined : await this.#lookUp(hashOfSecret(token));
    if (!found) {
      if (this.#wrong.take(address)) this.#log.warn({ from: address }, 'console: a token was refused');
      return undefined;
    }
    const { user, label } = found;
    const seen = `${user.name} ${label} ${address}`;
    if (!this.#seen.has(seen)) {
      if (this.#seen.size >= MAX_KNOWN) this.#seen.clear();
      this.#seen.add(seen);
      this.#log.info({ user: user.name, role: user.role, token: label, from: address }, 'console: a script came in');
    }
    return user;
  }

  /** Calls `end` when the token is revoked, or its user is removed or has other rights. Returns how to stop that. */
  onEnd(token: string, user: ConsoleUser, end: () => void): () => void {
    const hash = hashOfSecret(token);
    const open = this.#open.get(hash) ?? { rights: JSON.stringify(user), ends: new Set() };
    this.#open.set(hash, open);
    open.ends.add(end);
    return () => {
      open.ends.delete(end);
      if (open.ends.size === 0) this.#open.delete(hash);
    };
  }

  /** How many wait for the end of this token. */
  waitingForEnd(token: string): number {
    return this.#open.get(hashOfSecret(token))?.ends.size ?? 0;
  }

  async review(): Promise<void> {
    for (const [hash, { rights, ends }] of [...this.#open]) {
      const found = await this.#lookUp(hash);
      if (found && JSON.stringify(found.user) === rights) continue;
      for (const end of [...ends]) end();
    }
  }

  async #lookUp(hash: string): ReturnType<Users['findByToken']> {
    try {
      return await this.#users.findByToken(hash);
    } catch (error) {
      if (this.#wrong.take('the file of users')) this.#log.warn({ reason: messageOf(error) }, 'console: no token can be checked');
      return undefined;
    }
  }
}
