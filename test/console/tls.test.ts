import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selfSigned } from '../helpers/certificate.js';
import { consoleNode } from './console-node.js';
import { canBrowse, Pages } from './pages.js';

const BIN = fileURLToPath(new URL('../../bin/fastsamd', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fastsamd-tls-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Fingerprint of the certificate that a new connection is shown. */
function fingerprint(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

/** Over a connection that trusts this authority alone. */
function get(port: number, path: string, ca: string) {
  return new Promise<{ status: number; type?: string; disposition?: string; body: Buffer }>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, ca }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const { 'content-type': type, 'content-disposition': disposition } = response.headers;
        resolve({
          status: response.statusCode!,
          ...(type ? { type } : {}),
          ...(disposition ? { disposition } : {}),
          body: Buffer.concat(chunks),
        });
      });
    });
    sent.on('error', reject).end();
  });
}

describe('certificate of the console', { timeout: 60_000 }, () => {
  it('is read again once its files hold another one; a file that is none changes nothing', async () => {
    const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const use = async ({ cert, key }: { readonly cert: string; readonly key: string }) => {
      await copyFile(key, keyFile);
      await copyFile(cert, certFile);
    };
    const [first, second] = [await selfSigned(folder, 'first'), await selfSigned(folder, 'second')];
    await use(first);
    await using node = await consoleNode({ console: { tls: { certFile, keyFile } } });
    const before = await fingerprint(node.port);
    await writeFile(certFile, 'no certificate');
    while (!node.logged.some((line) => line.includes('the one before stays'))) await delay(100);
    expect(await fingerprint(node.port)).toBe(before);
    await use(second);
    while ((await fingerprint(node.port)) === before) await delay(100);
  });

  it('comes with its authority for devices to install, without login, and never with a key', async () => {
    const tls = join(folder, 'made');
    await promisify(execFile)(process.execPath, [BIN, 'console', 'certificate', tls]);
    const [certFile, keyFile] = [join(tls, 'console.crt'), join(tls, 'console.key')];
    // As somebody may have put them together.
    const [authority, key] = await Promise.all(['ca.crt', 'ca.key'].map((name) => readFile(join(tls, name), 'utf8')));
    await writeFile(join(tls, 'ca.crt'), `${authority}${key}`);
    const users = [{ name: 'ada', role: 'admin', password: 'ada-password' }] as const;
    await using node = await consoleNode({ console: { host: '0.0.0.0', tls: { certFile, keyFile } } }, users);
    const got = await get(node.port, '/ca.crt', authority!);
    expect(got).toMatchObject({ status: 200, type: 'application/x-x509-ca-cert', disposition: 'inline; filename="line-3-ca.crt"' });
    expect(new X509Certificate(got.body).fingerprint256).toBe(new X509Certificate(authority!).fingerprint256);
    expect(got.body.length).toBe(new X509Certificate(authority!).raw.length);
    // It is what makes the connection a trusted one; nothing else lies beside it.
    for (const path of ['/ca.key', '/console.key', '/console.crt'])
      expect([path, (await get(node.port, path, authority!)).status]).toEqual([path, 404]);
    expect((await get(node.port, '/api/history', authority!)).status).toBe(401);
    const other = await selfSigned(folder, 'other');
    await copyFile(other.cert, join(tls, 'ca.crt'));
    expect((await get(node.port, '/ca.crt', authority!)).status).toBe(404);
  });

  it.skipIf(!canBrowse)('is what the page blames when the browser shows it and refuses its WebSocket, as iOS does', async () => {
    const { cert, key } = await selfSigned(folder, 'untrusted');
    await using node = await consoleNode({ console: { tls: { certFile: cert, keyFile: key } } });
    await using pages = await Pages.start();
    const context = await pages.browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    // A handshake that fails: the page learns no more than that.
    await page.addInitScript(() => {
      const Real = WebSocket;
      Object.assign(globalThis, {
        WebSocket: class extends Real {
          constructor(url: URL) {
            super(url, 'refused');
          }
        },
      });
    });
    await page.goto(`https://127.0.0.1:${node.port}/`);
    await page.getByText('The browser refuses the live connection').waitFor();
    expect(await page.getByRole('link', { name: 'ca.crt' }).getAttribute('href')).toBe('./ca.crt');
  });
});
