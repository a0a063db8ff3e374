/** The console behind a reverse proxy: who the client is, and what may be believed. */
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config/schema.js';
import { clientOf } from '../../src/console/guard.js';
import { type ConsoleNode, consoleNode, Page } from './console-node.js';

const NAME = 'line-3.factory';
const USERS = [{ name: 'ada', role: 'admin', password: 'ada-password' }] as const;
/** The proxy's address, and another one of this machine that is none. */
const PROXY = '127.0.0.1';
const STRANGER = '127.0.0.2';

let node: ConsoleNode;
beforeAll(async () => {
  node = await consoleNode({ console: { trustProxy: [PROXY], allowedHosts: [NAME] } }, USERS);
}, 60_000);
afterAll(() => node[Symbol.asyncDispose]());

interface Sent {
  readonly from?: string;
  readonly headers?: Record<string, string>;
  readonly body?: object;
}

function ask(path: string, { from = PROXY, headers = {}, body }: Sent = {}, port = node.port) {
  return new Promise<{ status: number; cookie: string; text: string }>((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        localAddress: from,
        path,
        method: body ? 'POST' : 'GET',
        headers: { host: NAME, ...(body ? { origin: `https://${NAME}`, 'content-type': 'application/json' } : {}), ...headers },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode!, cookie: response.headers['set-cookie']?.[0] ?? '', text }));
      },
    );
    sent.on('error', reject);
    sent.end(body && JSON.stringify(body));
  });
}

const forwarded = (client: string, proto?: string) => ({ 'x-forwarded-for': client, ...(proto ? { 'x-forwarded-proto': proto } : {}) });
const login = (sent: Sent, password: string = USERS[0].password) => ask('/api/login', { ...sent, body: { user: 'ada', password } });

describe('console behind a proxy', { timeout: 60_000 }, () => {
  it('takes addresses and ranges, and no proxy that may be anywhere', () => {
    const parse = (trustProxy: unknown, more = {}) =>
      configSchema.safeParse({
        node: 'n',
        model: { path: 'm.onnx' },
        cameras: [{ id: 'belt', source: 'test:shapes' }],
        mqtt: { url: 'mqtt://127.0.0.1' },
        console: { enabled: true, trustProxy, ...more },
      }).success;
    for (const good of ['127.0.0.1', '10.0.0.0/8', '::1', 'fd00::/8', '192.168.1.7/32'])
      expect([good, parse([good])]).toEqual([good, true]);
    for (const bad of [
      '',
      'proxy.factory',
      '10.0.0.0/0',
      '::/0',
      '10.0.0.0/33',
      '10.0.0/8',
      '10.0.0.1/8/8',
      'fe80::1%eth0',
      '10.0.0.0/+8',
      true,
    ])
      expect([bad, parse([bad])]).toEqual([bad, false]);
    // Beyond loopback a proxy takes the place of a certificate.
    expect([parse([], { host: '0.0.0.0' }), parse(['10.0.0.5'], { host: '0.0.0.0' })]).toEqual([false, true]);
  });

  it('names the client by the address that the proxy tells, and never by what is no address', () => {
    const socket = { remoteAddress: '::ffff:10.0.0.5' };
    expect(clientOf({ ip: '::ffff:10.1.2.3', socket })).toBe('10.1.2.3');
    expect(clientOf({ ip: '2001:db8::7', socket })).toBe('2001:db8::7');
    for (const ip of ['unknown', 'a'.repeat(5000), '10.1.2.3\n{"forged":1}', '']) expect(clientOf({ ip, socket })).toBe('10.0.0.5');
  });

  it('asks for a login on loopback too, and for HTTPS up to the proxy', async () => {
    expect((await ask('/api/history', { headers: forwarded('10.1.2.3', 'https') })).status).toBe(401);
    for (const proto of [undefined, 'http', 'https, http', 'ftp'])
      expect([proto, (await ask('/api/me', { headers: forwarded('10.1.2.3', proto) })).status]).toEqual([proto, 403]);
    expect((await ask('/api/me', { headers: forwarded('10.1.2.3', 'https') })).status).toBe(200);
    // From this machine itself nothing crosses the network.
    expect((await ask('/api/me')).status).toBe(200);
    // A name that is not allowed stays so, whatever is forwarded.
    const headers = { ...forwarded('10.1.2.3', 'https'), host: 'evil.example', 'x-forwarded-host': NAME };
    expect((await ask('/api/me', { headers })).status).toBe(421);
  });

  it('gives a cookie for HTTPS alone, and opens the live connection for it', async () => {
    const headers = forwarded('10.1.2.3', 'https');
    const { status, cookie } = await login({ headers });
    expect(status).toBe(200);
    expect(cookie).toMatch(/^__Host-fsd-line-3-\d+=\S+; .*HttpOnly; Secure; SameSite=Strict/);
    const mine = { ...headers, host: NAME, origin: `https://${NAME}`, cookie: cookie.split(';')[0]! };
    using page = await Page.open(node, { headers: mine });
    expect(await page.message('hello')).toMatchObject({ user: { name: 'ada' } });
    await expect(Page.open(node, { headers: { ...mine, origin: 'https://evil.example' } })).rejects.toThrow('HTTP 403');
    await expect(Page.open(node, { headers: { ...mine, 'x-forwarded-proto': 'http' } })).rejects.toThrow('HTTP 403');
    const text = node.logged.join('');
    expect(text).toMatch(/"user":"ada","role":"admin","from":"10\.1\.2\.3","msg":"console: logged in"/);
    await page.until(({ messages }) =>
      messages.find((message) => message.t === 'hello' && message.events.some((event) => JSON.stringify(event).includes('from 10.1.2.3'))),
    );
  });

  it('limits logins by the client, whatever the client claims', async () => {
    // 20 an hour at most, and five a minute on a machine that is quick enough.
    const tries = async (each: (k: number) => Sent) => {
      for (let k = 0; k < 22; k += 1) if ((await login(each(k), 'wrong')).status === 429) return k;
      return undefined;
    };
    // What a client writes into the header itself comes before what the proxy adds.
    expect(await tries((k) => ({ headers: forwarded(`10.9.9.${k}, 10.1.2.4`, 'https') }))).toBeLessThanOrEqual(21);
    expect((await login({ headers: forwarded('10.1.2.5', 'https') }, 'wrong')).status).toBe(401);
    // From an address that is no proxy nothing of it is believed.
    expect(await tries((k) => ({ from: STRANGER, headers: forwarded(`10.8.8.${k}`, 'https') }))).toBeLessThanOrEqual(21);
    const text = node.logged.join('');
    expect(text).toContain('"from":"10.1.2.4","msg":"console: a login failed"');
    expect(text).toContain(`"from":"${STRANGER}","msg":"console: a login failed"`);
    expect(text).not.toMatch(/"from":"10\.[89]\./);
  });

  it('believes no stranger that it came over HTTPS', async () => {
    await using lan = await consoleNode({ console: { host: '0.0.0.0', trustProxy: ['127.0.0.9'], allowedHosts: [NAME] } }, USERS);
    const { cookie } = await ask(
      '/api/login',
      { headers: forwarded('10.1.2.3', 'https'), body: { user: 'ada', password: USERS[0].password } },
      lan.port,
    );
    expect(cookie).toMatch(/^fsd-line-3-/);
    expect(cookie).not.toContain('Secure');
    expect(lan.logged.join('')).not.toContain('10.1.2.3');
    // The proxy's HTTPS is as good as the daemon's: no alert.
    using page = await Page.open(lan, { headers: { cookie: cookie.split(';')[0]! } });
    await page.message('tick');
    expect(JSON.stringify(page.messages)).not.toContain('console-insecure');
  });

  it('refuses what a proxy forwards to a console without logins', async () => {
    await using open = await consoleNode({ console: { allowedHosts: [NAME] } });
    expect((await ask('/api/me', {}, open.port)).status).toBe(200);
    const answer = await ask('/api/me', { headers: forwarded('10.1.2.3', 'https') }, open.port);
    expect([answer.status, answer.text]).toEqual([403, expect.stringContaining('console.trustProxy')]);
  });
});
