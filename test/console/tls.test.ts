import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selfSigned } from '../helpers/certificate.js';
import { consoleNode } from './console-node.js';
import { canBrowse, Pages } from './pages.js';

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
    await page.getByText('Install the ca.crt of the console on this device').first().waitFor();
  });
});
