/** Who may use the console: a file of the state folder, which the command line writes and the daemon reads at each login. */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { ConsoleUser } from '../contract/console.js';
import { ROLES } from '../control/verbs.js';
import { idSchema } from '../domain/prompt.js';
import { readBounded, writeDurably } from '../durable.js';
import { FastsamError, isFastsamError, messageOf, systemCodeOf } from '../errors.js';
import { hashOfSecret, newSecret } from './secrets.js';

const MAX_FILE_BYTES = 1_000_000;
const MAX_USERS = 500;
const MAX_TOKENS = 10;
/** OWASP's least: 32 MiB for about 100 ms. */
const SCRYPT = { N: 2 ** 15, r: 8, p: 1, maxmem: 2 ** 26 } as const;
const KEY_BYTES = 32;
export const MAX_PASSWORD_CHARS = 256;
export const MIN_PASSWORD_CHARS = 8;

const userSchema = z.strictObject({
  name: idSchema,
  role: z.enum(ROLES),
  cameras: z.array(idSchema).optional(),
  salt: z.string(),
  key: z.string(),
  /** Tokens of this user's scripts. */
  tokens: z
    .array(z.strictObject({ label: idSchema, hash: z.string(), since: z.string() }))
    .max(MAX_TOKENS)
    .optional(),
});
const fileSchema = z.strictObject({ v: z.literal(1), users: z.array(userSchema).max(MAX_USERS) });
type StoredUser = z.output<typeof userSchema>;

const derive = promisify<string, Buffer, number, typeof SCRYPT, Buffer>(scrypt);

export class Users {
  /** One derivation at a time: four would occupy the pool in which letterbox and decode run. */
  #deriving: Promise<unknown> = Promise.resolve();
  #lastRead: { readonly version: string; readonly users: readonly StoredUser[] } | undefined;

  constructor(private readonly file: string) {}

  /** Errors: CONFIG_INVALID for a file that is damaged or cannot be read; none for one that is not there. */
  async list(): Promise<ConsoleUser[]> {
    return (await this.#read()).map(publicPart);
  }

  /** The user with this name and role; undefined when there is none any more. */
  async find(name: string): Promise<ConsoleUser | undefined> {
    const user = (await this.#read()).find((each) => each.name === name);
    return user && publicPart(user);
  }

  /** Labels of the tokens of each user's scripts, and since when they are in force. Errors: as list. */
  async tokens(): Promise<{ readonly user: string; readonly label: string; readonly since: string }[]> {
    return (await this.#read()).flatMap(({ name, tokens = [] }) => tokens.map(({ label, since }) => ({ user: name, label, since })));
  }

  /** Whose script has the token with this hash, and which one; undefined when it is none, or not in force any more. Errors: as list. */
  async findByToken(hash: string): Promise<{ readonly user: ConsoleUser; readonly label: string } | undefined> {
    for (const user of await this.#read()) {
      const token = user.tokens?.find((each) => each.hash === hash);
      if (token) return { user: publicPart(user), label: token.label };
    }
    return undefined;
  }

  /**
   * A token for a script of this user, which is not kept: only its hash is. Undefined without the user.
   * Errors: CONFIG_INVALID as list; USAGE for a label that is taken, or one token too many.
   */
  async addToken(name: string, label: string, now = new Date()): Promise<string | undefined> {
    const users = await this.#read();
    const known = users.find((user) => user.name === name);
    if (!known) return undefined;
    const { tokens = [] } = known;
    const revoke = `"fastsamd console revoke-token ${name} LABEL" ends one`;
    if (tokens.some((token) => token.label === label))
      throw new FastsamError('USAGE', `${name} has a token "${label}" already; choose another --label; ${revoke}`);
    if (tokens.length >= MAX_TOKENS) throw new FastsamError('USAGE', `${name} has ${MAX_TOKENS} tokens, which is the most; ${revoke}`);
    const token = newSecret();
    await this.#replace(users, { ...known, tokens: [...tokens, { label, hash: hashOfSecret(token), since: now.toISOString() }] });
    return token;
  }

  /** Ends a token; false when the user, or the token, is not there. */
  async removeToken(name: string, label: string): Promise<boolean> {
    const users = await this.#read();
    const known = users.find((user) => user.name === name);
    const others = known?.tokens?.filter((token) => token.label !== label) ?? [];
    if (!known || others.length === (known.tokens?.length ?? 0)) return false;
    await this.#replace(users, { ...known, tokens: others });
    return true;
  }

  /** Adds a user, or replaces the one of this name, whose tokens end. */
  async add(user: ConsoleUser, password: string): Promise<void> {
    const salt = randomBytes(16);
    const key = await this.#derive(password, salt);
    const others = (await this.#read()).filter(({ name }) => name !== user.name);
    const added = {
      name: user.name,
      role: user.role,
      ...(user.cameras ? { cameras: [...user.cameras] } : {}),
      salt: salt.toString('base64'),
      key: key.toString('base64'),
    };
    await this.#write([...others, added]);
  }

  /** Takes the user away; false when there was none. */
  async remove(name: string): Promise<boolean> {
    const users = await this.#read();
    const others = users.filter((each) => each.name !== name);
    if (others.length < users.length) await this.#write(others);
    return others.length < users.length;
  }

  /** The user, when name and password are right. It takes the same time for a name that is none. */
  async verify(name: string, password: string): Promise<ConsoleUser | undefined> {
    const user = (await this.#read()).find((each) => each.name === name);
    const salt = user ? Buffer.from(user.salt, 'base64') : Buffer.alloc(16);
    const key = await this.#derive(password.slice(0, MAX_PASSWORD_CHARS), salt);
    const expected = user ? Buffer.from(user.key, 'base64') : Buffer.alloc(KEY_BYTES);
    const isRight = expected.length === key.length && timingSafeEqual(expected, key);
    return user && isRight ? publicPart(user) : undefined;
  }

  #derive(password: string, salt: Buffer): Promise<Buffer> {
    const key = this.#deriving.then(() => derive(password, salt, KEY_BYTES, SCRYPT));
    this.#deriving = key.catch(() => undefined);
    return key;
  }

  /** From the file, or from memory while the file is the one that was read last: each request of a script asks. */
  async #read(): Promise<readonly StoredUser[]> {
    try {
      const { ino, size, mtimeNs, ctimeNs } = await stat(this.file, { bigint: true });
      const version = [ino, size, mtimeNs, ctimeNs].join(' ');
      if (this.#lastRead?.version !== version)
        this.#lastRead = { version, users: this.#parse(await readBounded(this.file, MAX_FILE_BYTES)) };
      return this.#lastRead.users;
    } catch (cause) {
      if (isFastsamError(cause)) throw cause;
      if (systemCodeOf(cause) === 'ENOENT') return [];
      throw new FastsamError('CONFIG_INVALID', `${this.file}: ${messageOf(cause)}`, { cause });
    }
  }

  #parse(text: string): readonly StoredUser[] {
    try {
      return fileSchema.parse(JSON.parse(text)).users;
    } catch (cause) {
      throw new FastsamError('CONFIG_INVALID', `${this.file}: damaged; remove it and add the users again`, { cause });
    }
  }

  #replace(users: readonly StoredUser[], changed: StoredUser): Promise<void> {
    return this.#write(users.map((user) => (user.name === changed.name ? changed : user)));
  }

  #write(users: readonly StoredUser[]): Promise<void> {
    return writeDurably(this.file, `${JSON.stringify({ v: 1, users }, null, 2)}\n`, 0o600);
  }
}

function publicPart({ name, role, cameras }: StoredUser): ConsoleUser {
  return { name, role, ...(cameras ? { cameras } : {}) };
}
