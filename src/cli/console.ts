/** `fastsamd console`: users, invitations and certificates of the web console. */
import { execFile } from 'node:child_process';
import { randomBytes, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { promisify } from 'node:util';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { Invites } from '../console/sessions.js';
import { MAX_PASSWORD_CHARS, MIN_PASSWORD_CHARS, Users } from '../console/users.js';
import { type StateFiles, stateDirectoryOf, stateFilesIn } from '../daemon/state-directory.js';
import { idSchema } from '../domain/prompt.js';
import { makeDirectory } from '../durable.js';
import { FastsamError, messageOf } from '../errors.js';
import { say, showQrCode } from './terminal.js';

const DAYS = 397;
const run = promisify(execFile);

export interface AddUserArguments {
  readonly config: string;
  readonly name: string;
  readonly role: 'viewer' | 'operator' | 'admin';
  readonly camera?: string[] | undefined;
}

export async function addUser({ config: file, name, role, camera }: AddUserArguments): Promise<void> {
  const config = await loadConfig(resolve(file));
  if (!idSchema.safeParse(name).success) throw new FastsamError('USAGE', `${name}: expected 1 to 64 of a-z, 0-9 and "-"`);
  for (const id of camera ?? []) {
    if (!config.cameras.some((each) => each.id === id))
      throw new FastsamError('USAGE', `--camera ${id}: expected one of ${config.cameras.map((each) => each.id).join(', ')}`);
  }
  const password = await readPassword();
  if (password.length < MIN_PASSWORD_CHARS || password.length > MAX_PASSWORD_CHARS)
    throw new FastsamError('USAGE', `expected a password of ${MIN_PASSWORD_CHARS} to ${MAX_PASSWORD_CHARS} characters`);
  const { users } = await filesOf(config);
  await new Users(users).add({ name, role, ...(camera ? { cameras: camera } : {}) }, password);
  await belongsToService(users);
  say(`${name} (${role}${camera ? `, ${camera.join(', ')}` : ''}) may log in`);
}

export interface UserArguments {
  readonly config: string;
  readonly name: string;
}

export async function removeUser({ config: file, name }: UserArguments): Promise<void> {
  const { users } = await filesOf(await loadConfig(resolve(file)));
  if (!(await new Users(users).remove(name))) throw new FastsamError('USAGE', `no user "${name}"`);
  await belongsToService(users);
  say(`${name} may not log in any more`);
}

export interface TokenArguments extends UserArguments {
  readonly label: string;
}

/** Prints a token for scripts of a user. */
export async function token({ config: file, name, label }: TokenArguments): Promise<void> {
  const { users } = await filesOf(await loadConfig(resolve(file)));
  if (!idSchema.safeParse(label).success) throw new FastsamError('USAGE', `--label ${label}: expected 1 to 64 of a-z, 0-9 and "-"`);
  const made = await new Users(users).addToken(name, label);
  if (made === undefined) throw await unknownUser(users, name);
  await belongsToService(users);
  say(made);
}

export async function revokeToken({ config: file, name, label }: TokenArguments): Promise<void> {
  const { users } = await filesOf(await loadConfig(resolve(file)));
  if (!(await new Users(users).removeToken(name, label))) {
    const labels = (await new Users(users).tokens()).filter(({ user }) => user === name).map((each) => each.label);
    if (!(await new Users(users).find(name))) throw await unknownUser(users, name);
    throw new FastsamError('USAGE', `${name} has no token "${label}"; expected one of ${labels.join(', ') || '(none)'}`);
  }
  await belongsToService(users);
  say(`the token "${label}" of ${name} has ended`);
}

/** Lists users with their roles, cameras and tokens. */
export async function listUsers({ config: file }: Pick<UserArguments, 'config'>): Promise<void> {
  const users = new Users((await filesOf(await loadConfig(resolve(file)))).users);
  const [known, tokens] = [await users.list(), await users.tokens()];
  if (known.length === 0) say('no users; "fastsamd console add-user NAME --role viewer" adds one');
  for (const { name, role, cameras } of known) {
    say(`${name} (${role}, ${cameras ? cameras.join(', ') : 'all cameras'})`);
    for (const { user, label, since } of tokens) if (user === name) say(`  token ${label}, since ${since}`);
  }
}

async function unknownUser(file: string, name: string): Promise<FastsamError> {
  const names = (await new Users(file).list()).map((user) => user.name).join(', ');
  return new FastsamError('USAGE', `no user "${name}"; expected one of ${names || '(none: add one with "fastsamd console add-user")'}`);
}

export interface InviteArguments {
  readonly config: string;
  readonly name: string;
  readonly url?: string | undefined;
}

export async function invite({ config: file, name, url }: InviteArguments): Promise<void> {
  const config = await loadConfig(resolve(file));
  const { users, invites } = await filesOf(config);
  if (!(await new Users(users).find(name))) throw await unknownUser(users, name);
  if (url === undefined && config.console.trustProxy.length > 0)
    throw new FastsamError(
      'USAGE',
      'expected --url: the address of the proxy (console.trustProxy), under which the phone reaches the console',
    );
  const secret = await new Invites(invites).add(name);
  await belongsToService(invites);
  const scheme = config.console.tls.certFile === undefined ? 'http' : 'https';
  const base = (url ?? `${scheme}://${hostname()}:${config.console.port}`).replace(/\/+$/, '');
  // Behind the #, where no server and no log sees it.
  const link = `${base}/#invite=${secret}`;
  await showQrCode(link);
  say(link);
  say('valid once, for five minutes');
}

export interface CertificateArguments {
  readonly folder: string;
  readonly name?: string[] | undefined;
  readonly port: number;
}

export async function certificate({ folder, port, name: further = [] }: CertificateArguments): Promise<void> {
  await makeDirectory(folder);
  const at = (file: string) => join(resolve(folder), file);
  const machine = hostname().split('.')[0]!;
  const addresses = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address.split('%')[0]!));
  const names = [...new Set([machine, hostname(), `${machine}.local`, 'localhost', ...addresses, ...further])];
  const isAddress = (name: string) => /^[\d.]+$|:/.test(name);
  const alternatives = names.map((name) => `${isAddress(name) ? 'IP' : 'DNS'}:${name}`).join(',');
  const work = await mkdtemp(join(resolve(folder), '.new-'));
  try {
    if (!existsSync(at('ca.key'))) {
      const subject = `/CN=fastsamd console of ${machine} ${randomBytes(3).toString('hex')}`;
      const extensions = ['-addext', 'basicConstraints=critical,CA:TRUE,pathlen:0', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'];
      await openssl(
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-days',
        '3650',
        '-subj',
        subject,
        ...extensions,
        '-keyout',
        join(work, 'ca.key'),
        '-out',
        join(work, 'ca.crt'),
      );
      await chmod(join(work, 'ca.key'), 0o600);
      for (const file of ['ca.key', 'ca.crt']) await rename(join(work, file), at(file));
    }
    await openssl(
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      `/CN=${machine}`,
      '-keyout',
      join(work, 'console.key'),
      '-out',
      join(work, 'console.csr'),
    );
    await writeFile(join(work, 'extensions'), `subjectAltName=${alternatives}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n`);
    await openssl(
      'x509',
      '-req',
      '-in',
      join(work, 'console.csr'),
      '-CA',
      at('ca.crt'),
      '-CAkey',
      at('ca.key'),
      '-CAcreateserial',
      '-days',
      String(DAYS),
      '-extfile',
      join(work, 'extensions'),
      '-out',
      join(work, 'console.crt'),
    );
    await chmod(join(work, 'console.key'), 0o600);
    for (const file of ['console.key', 'console.crt']) await rename(join(work, file), at(file));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  say(`console:\n  tls:\n    certFile: ${at('console.crt')}\n    keyFile: ${at('console.key')}`);
  const link = `https://${machine}:${port}/ca.crt`;
  await showQrCode(link);
  say(`valid for ${DAYS} days, for ${names.join(', ')}`);
  say(`to trust it, a phone or tablet opens ${link} once the console runs (past its browser's warning) and installs what it gets,`);
  say(
    `whose SHA-256 fingerprint is ${new X509Certificate(await readFile(at('ca.crt'))).fingerprint256}; other devices install ${at('ca.crt')}`,
  );
}

async function openssl(...args: string[]): Promise<void> {
  try {
    await run('openssl', args);
  } catch (cause) {
    throw new FastsamError(
      'OUTPUT_UNWRITABLE',
      `openssl: ${messageOf(cause).split('\n').filter(Boolean).at(-1)}; install the package openssl`,
      { cause },
    );
  }
}

async function filesOf(config: Config): Promise<StateFiles> {
  const files = stateFilesIn(stateDirectoryOf(config));
  await makeDirectory(dirname(files.users), 0o700);
  return files;
}

/** Written by root, the file is the service's to read: it belongs to the owner of its folder. */
async function belongsToService(file: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(dirname(file));
  await chown(file, uid, gid);
}

/** From the terminal without showing it, or the first line of standard input. */
async function readPassword(): Promise<string> {
  if (!process.stdin.isTTY) {
    for await (const line of createInterface({ input: process.stdin })) return line;
    return '';
  }
  process.stderr.write('Password: ');
  process.stdin.setRawMode(true);
  let typed = '';
  for await (const chunk of process.stdin) {
    for (const character of String(chunk)) {
      if (character === '\r' || character === '\n') {
        process.stdin.setRawMode(false);
        process.stdin.pause();
        process.stderr.write('\n');
        return typed;
      }
      if (character === '\u0003') throw new FastsamError('USAGE', 'interrupted');
      typed = character === '\u007f' ? typed.slice(0, -1) : typed + character;
    }
  }
  return typed;
}
