/** Who may use the console: a file of the state folder, which the command line writes and the daemon reads at each login. */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { ConsoleUser } from '../contract/console.js';
import { ROLES } from '../control/verbs.js';
import { idSchema } from '../domain/prompt.js';
import { readBounded, writeDurably } from '../durable.js';
import { FastsamError, messageOf, systemCodeOf } from '../errors.js';

const MAX_FILE_BYTES = 1_000_000;
const MAX_USERS = 500;
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
});
const fileSchema = z.strictObject({ v: z.literal(1), users: z.array(userSchema).max(MAX_USERS) });
type StoredUser = z.output<typeof userSchema>;

const derive = promisify<string, Buffer, number, typeof SCRYPT, Buffer>(scrypt);

export class Users {
  /** One derivation at a time: four would occupy the pool in which letterbox and decode run. */
  #deriving: Promise<unknown> = Promise.resolve();

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

  /** Adds a user, or replaces the one of this name. */
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

  async #read(): Promise<StoredUser[]> {
    let text: string;
    try {
      text = await readBounded(this.file, MAX_FILE_BYTES);
    } catch (cause) {
      if (systemCodeOf(cause) === 'ENOENT') return [];
      throw new FastsamError('CONFIG_INVALID', `${this.file}: ${messageOf(cause)}`, { cause });
    }
    try {
      return fileSchema.parse(JSON.parse(text)).users;
    } catch (cause) {
      throw new FastsamError('CONFIG_INVALID', `${this.file}: damaged; remove it and add the users again`, { cause });
    }
  }

  #write(users: readonly StoredUser[]): Promise<void> {
    return writeDurably(this.file, `${JSON.stringify({ v: 1, users }, null, 2)}\n`, 0o600);
  }
}

function publicPart({ name, role, cameras }: StoredUser): ConsoleUser {
  return { name, role, ...(cameras ? { cameras } : {}) };
}
