/** `fastsamd console`, as an administrator runs it. */
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashOfSecret } from '../../src/console/secrets.js';
import { Invites } from '../../src/console/sessions.js';
import { Users } from '../../src/console/users.js';

const BIN = fileURLToPath(new URL('../../bin/fastsamd', import.meta.url));
const PASSWORD = 'a long enough password';

let folder: string;
let file: string;

/** Runs `fastsamd console …args` with a line of standard input. */
function run(args: readonly string[], input = ''): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [BIN, 'console', ...args], { stdio: 'pipe' });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  child.stdin.on('error', () => undefined).end(`${input}\n`);
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...output })));
}

describe('fastsamd console', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fastsamd-console-cli-'));
    file = join(folder, 'config.yaml');
    await writeFile(
      file,
      `node: line-3\nmodel: { path: model.onnx }\ncameras: [{ id: belt, source: "test:shapes" }]\nmqtt: { url: "mqtt://127.0.0.1" }\nstateDir: state\n`,
    );
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('adds a user, invites it, makes, lists and revokes a token for its scripts, and removes it', async () => {
    const users = new Users(join(folder, 'state/line-3/console-users.json'));
    const added = await run(['add-user', 'anna', '--role', 'viewer', '--camera', 'belt', '--config', file], PASSWORD);
    expect(added).toMatchObject({ code: 0, stderr: '' });
    expect(await users.verify('anna', PASSWORD)).toEqual({ name: 'anna', role: 'viewer', cameras: ['belt'] });
    const invited = await run(['invite', 'anna', '--url', 'https://line-3.factory/', '--config', file]);
    const token = /^https:\/\/line-3\.factory\/#invite=(\S+)$/m.exec(invited.stdout)?.[1];
    const invites = new Invites(join(folder, 'state/line-3/console-invites.json'));
    expect(await invites.redeem(token!)).toBe('anna');
    expect(await invites.redeem(token!)).toBeUndefined();
    const made = await run(['token', 'anna', '--label', 'backup', '--config', file]);
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\S{43}\n$/) as string });
    const anna = { name: 'anna', role: 'viewer', cameras: ['belt'] };
    const hash = hashOfSecret(made.stdout.trim());
    expect(await users.findByToken(hash)).toEqual({ user: anna, label: 'backup' });
    expect(await readFile(join(folder, 'state/line-3/console-users.json'), 'utf8')).not.toContain(made.stdout.trim());
    expect((await run(['users', '--config', file])).stdout).toMatch(/^anna \(viewer, belt\)\n {2}token backup, since \d{4}-\S+Z\n$/);
    expect((await run(['token', 'anna', '--label', 'backup', '--config', file])).stderr).toMatch(
      /has a token "backup" already; .*revoke-token/,
    );
    expect((await run(['revoke-token', 'anna', 'other', '--config', file])).stderr).toMatch(/no token "other"; expected one of backup/);
    expect(await run(['revoke-token', 'anna', 'backup', '--config', file])).toMatchObject({ code: 0, stderr: '' });
    expect(await users.findByToken(hash)).toBeUndefined();
    expect(await run(['remove-user', 'anna', '--config', file])).toMatchObject({ code: 0 });
    expect(await users.list()).toEqual([]);
    expect((await run(['users', '--config', file])).stdout).toMatch(/^no users; .*add-user/);
  });

  it('makes no invitation to an address that a phone cannot reach behind a proxy', async () => {
    const behind = join(folder, 'proxy.yaml');
    await writeFile(behind, `${await readFile(file, 'utf8')}\nconsole: { enabled: true, trustProxy: [127.0.0.1] }\n`);
    await run(['add-user', 'anna', '--config', behind], PASSWORD);
    const kept = () => readFile(join(folder, 'state/line-3/console-invites.json'), 'utf8');
    const before = await kept();
    const invited = await run(['invite', 'anna', '--config', behind]);
    expect(invited).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/expected --url/) as string });
    expect(await kept()).toBe(before);
    await run(['remove-user', 'anna', '--config', behind]);
  });

  it('says what is wrong: a short password, a camera and a user that are not there', async () => {
    const wrong = await Promise.all([
      run(['add-user', 'anna', '--config', file], 'short'),
      run(['add-user', 'anna', '--camera', 'roof', '--config', file], PASSWORD),
      run(['invite', 'otto', '--config', file]),
      run(['remove-user', 'otto', '--config', file]),
      run(['token', 'otto', '--config', file]),
    ]);
    expect(wrong.every(({ code }) => code !== 0)).toBe(true);
    const [password, camera, invited, removed, script] = wrong.map(({ stderr }) => stderr);
    expect(password).toMatch(/expected a password of \d+ to \d+ characters/);
    expect(camera).toMatch(/--camera roof: expected one of belt/);
    expect(invited).toMatch(/no user "otto"; .*add-user/);
    expect(removed).toMatch(/no user "otto"/);
    expect(script).toMatch(/no user "otto"; .*add-user/);
  });

  it('writes a certificate of this machine that its authority signed, and keeps the authority', async () => {
    const tls = join(folder, 'tls');
    const made = await run(['certificate', tls, '--name', 'line-3.factory', '--port', '9481']);
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/https:\/\/\S+:9481\/ca\.crt/) as string });
    const read = async (name: string) => new X509Certificate(await readFile(join(tls, name)));
    const [authority, certificate] = [await read('ca.crt'), await read('console.crt')];
    expect(certificate.verify(authority.publicKey)).toBe(true);
    expect(made.stdout).toContain(authority.fingerprint256);
    expect(certificate.checkHost('line-3.factory')).toBe('line-3.factory');
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
    for (const name of ['ca.key', 'console.key']) expect((await stat(join(tls, name))).mode & 0o777).toBe(0o600);
    await run(['certificate', tls]);
    expect((await read('ca.crt')).fingerprint256).toBe(authority.fingerprint256);
    expect((await read('console.crt')).serialNumber).not.toBe(certificate.serialNumber);
  });
});
