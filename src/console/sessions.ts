/** Who is logged in, and who is invited. */
import { z } from 'zod';
import type { ConsoleUser } from '../contract/console.js';
import { idSchema } from '../domain/prompt.js';
import { readBounded, writeDurably } from '../durable.js';
import { hashOfSecret, newSecret } from './secrets.js';

const IDLE_MS = 12 * 3_600_000;
const LONGEST_MS = 7 * 86_400_000;
const MAX_SESSIONS = 1000;
export const INVITE_MS = 300_000;
const MAX_INVITES = 100;
const MAX_FILE_BYTES = 100_000;

interface Session {
  readonly user: ConsoleUser;
  readonly since: number;
  lastUsed: number;
  readonly ends: Set<() => void>;
}

export class Sessions {
  readonly #byHash = new Map<string, Session>();

  /** Begins a session; the token is the only copy. */
  begin(user: ConsoleUser, now = Date.now()): string {
    this.#forgetOld(now);
    if (this.#byHash.size >= MAX_SESSIONS) this.#end(this.#byHash.keys().next().value!);
    const token = newSecret();
    this.#byHash.set(hashOfSecret(token), { user, since: now, lastUsed: now, ends: new Set() });
    return token;
  }

  /** Whose token it is; undefined for one that is unknown or has ended. */
  find(token: string, now = Date.now()): ConsoleUser | undefined {
    this.#forgetOld(now);
    const session = this.#byHash.get(hashOfSecret(token));
    if (!session) return undefined;
    session.lastUsed = now;
    return session.user;
  }

  /** Calls `end` when the session of this token ends. Returns how to stop that. */
  onEnd(token: string, end: () => void): () => void {
    const ends = this.#byHash.get(hashOfSecret(token))?.ends;
    ends?.add(end);
    return () => void ends?.delete(end);
  }

  /** How many wait for the end of this token's session. */
  waitingForEnd(token: string): number {
    return this.#byHash.get(hashOfSecret(token))?.ends.size ?? 0;
  }

  end(token: string): void {
    this.#end(hashOfSecret(token));
  }

  /** Ends the sessions of users for whom `keep` is false: they are gone, or have another role now. */
  review(keep: (user: ConsoleUser) => boolean, now = Date.now()): void {
    this.#forgetOld(now);
    for (const [hash, { user }] of this.#byHash) if (!keep(user)) this.#end(hash);
  }

  #forgetOld(now: number): void {
    for (const [hash, { since, lastUsed }] of this.#byHash) {
      if (now - lastUsed > IDLE_MS || now - since > LONGEST_MS) this.#end(hash);
    }
  }

  #end(hash: string): void {
    const session = this.#byHash.get(hash);
    if (!this.#byHash.delete(hash)) return;
    for (const end of session!.ends) end();
  }
}

const inviteSchema = z.array(z.strictObject({ hash: z.string(), user: idSchema, untilMs: z.number() })).max(MAX_INVITES);

/** Invitations: links that log a user in once, within five minutes. In a file, because the command line makes them too. */
export class Invites {
  /** One change of the file at a time. */
  #changing: Promise<unknown> = Promise.resolve();

  constructor(private readonly file: string) {}

  /** The token for this user's link. */
  add(user: string, now = Date.now()): Promise<string> {
    const token = newSecret();
    return this.#change(now, (invites) => [
      ...invites.slice(1 - MAX_INVITES),
      { hash: hashOfSecret(token), user, untilMs: now + INVITE_MS },
    ]).then(() => token);
  }

  /** Who is invited by this token, which then is used up; undefined for one that is unknown, too old or used. */
  async redeem(token: string, now = Date.now()): Promise<string | undefined> {
    let user: string | undefined;
    await this.#change(now, (invites) => {
      const hash = hashOfSecret(token);
      user = invites.find((invite) => invite.hash === hash)?.user;
      return user === undefined ? undefined : invites.filter((invite) => invite.hash !== hash);
    });
    return user;
  }

  #change(now: number, edit: (invites: z.output<typeof inviteSchema>) => z.output<typeof inviteSchema> | undefined): Promise<void> {
    const changed = this.#changing.then(async () => {
      const invites = await readBounded(this.file, MAX_FILE_BYTES)
        .then((text) => inviteSchema.parse(JSON.parse(text)))
        .catch(() => []);
      const next = edit(invites.filter(({ untilMs }) => untilMs > now));
      if (next) await writeDurably(this.file, JSON.stringify(next), 0o600);
    });
    this.#changing = changed.catch(() => undefined);
    return changed;
  }
}
