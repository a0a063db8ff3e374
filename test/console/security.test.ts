/** Who may do what, and what reaches the console at all. */
import { once } from 'node:events';
import { request } from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAddressed, isSameOrigin } from '../../src/console/guard.js';
import { QualityControl } from '../../src/console/quality.js';
import { ATTEMPTS, RateLimits } from '../../src/console/rate-limits.js';
import { Sessions } from '../../src/console/sessions.js';
import { Users } from '../../src/console/users.js';
import { VERBS } from '../../src/contract/verbs.js';
import { stateFilesIn } from '../../src/daemon/state-directory.js';
import { figure } from '../helpers/figure.js';
import { type ConsoleNode, consoleNode, login as loginOnce, Page } from './console-node.js';

const USERS = [
  { name: 'vera', role: 'viewer', cameras: ['belt'], password: 'vera-password' },
  { name: 'otto', role: 'operator', cameras: ['belt'], password: 'otto-password' },
  { name: 'ada', role: 'admin', password: 'ada-password' },
] as const;

let node: ConsoleNode;
/** The Cookie header of each user: logins of an address are limited. */
const cookies = new Map<string, string>();
const login = async (name: string) => {
  const cookie = cookies.get(name) ?? (await loginOnce(node, name, `${name}-password`));
  cookies.set(name, cookie);
  return cookie;
};
const usersOf = (at: ConsoleNode) => new Users(stateFilesIn(join(at.folder, 'line-3')).users);
/** The Authorization header of a new token. */
const bearer = async (name: string, label: string) => ({ authorization: `Bearer ${await usersOf(node).addToken(name, label)}` });

beforeAll(async () => {
  // Reachable by others, so that logins count; the tests come over loopback all the same.
  node = await consoleNode({ console: { host: '0.0.0.0', insecure: true } }, USERS);
}, 60_000);
afterAll(() => node[Symbol.asyncDispose]());

/** Status of a request with headers that fetch would not send. */
function ask(
  method: string,
  path: string,
  headers: Record<string, string>,
  body = '',
): Promise<{ status: number; headers: Record<string, unknown>; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: node.port, method, path, headers }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

describe('console security', { timeout: 60_000 }, () => {
  it('answers on names of this machine alone', () => {
    const open = { host: '127.0.0.1', allowedHosts: [], loopback: true };
    const lan = { host: '0.0.0.0', allowedHosts: ['line.factory'], loopback: false };
    for (const host of ['localhost:9480', '127.0.0.1', '[::1]:9480']) expect([host, isAddressed({ host }, open)]).toEqual([host, true]);
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '10.0.0.1',
      '',
      'a@localhost',
      'localhost:80:80',
    ])
      expect([host, isAddressed({ host }, open)]).toEqual([host, false]);
    for (const host of ['10.0.0.1:9480', 'line.factory', 'localhost']) expect([host, isAddressed({ host }, lan)]).toEqual([host, true]);
    for (const host of ['evil.example', 'line.factory.evil.example']) expect([host, isAddressed({ host }, lan)]).toEqual([host, false]);
  });

  it('takes changes from its own page alone', () => {
    const strict = { demandOrigin: true };
    const host = 'line-3:9480';
    expect(isSameOrigin({ host, origin: 'http://line-3:9480' }, strict)).toBe(true);
    for (const origin of [undefined, 'null', 'http://evil.example', 'http://line-3', 'http://line-3:9481', 'file://line-3:9480', 'x'])
      expect([origin, isSameOrigin({ host, ...(origin === undefined ? {} : { origin }) }, strict)]).toEqual([origin, false]);
    expect(isSameOrigin({ host, origin: 'http://line-3:9480', 'sec-fetch-site': 'cross-site' }, strict)).toBe(false);
    expect(isSameOrigin({ host, 'sec-fetch-site': 'same-origin' }, { demandOrigin: false })).toBe(true);
  });

  it('refuses foreign names and origins over the wire, sockets included, and says its policy', async () => {
    const host = `127.0.0.1:${node.port}`;
    const page = await ask('GET', '/api/me', { host });
    expect(page.status).toBe(200);
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect(page.headers['content-security-policy']).not.toContain('upgrade-insecure-requests');
    expect((await ask('GET', '/api/me', { host: 'evil.example' })).status).toBe(421);
    expect(
      (await ask('POST', '/api/login', { host, origin: 'http://evil.example', 'content-type': 'application/json' }, '{}')).status,
    ).toBe(403);
    const cookie = await login('ada');
    await expect(Page.open(node, { headers: { cookie, origin: 'http://evil.example' } })).rejects.toThrow('HTTP 403');
    await expect(Page.open(node)).rejects.toThrow('HTTP 401');
    (await Page.open(node, { headers: { cookie } }))[Symbol.dispose]();
  });

  it('answers beside 210 connections that send nothing, half of a head, or a head without its body', async () => {
    const host = `127.0.0.1:${node.port}`;
    const head = `Host: ${host}\r\nOrigin: http://${host}\r\n`;
    const login = `POST /api/login HTTP/1.1\r\n${head}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n`;
    const sockets = Array.from({ length: 210 }, (_, k) => {
      const socket = net.connect(node.port, '127.0.0.1', () => socket.write(['', `GET / HTTP/1.1\r\n${head}`, login][k % 3]!));
      return socket.on('error', () => undefined).resume();
    });
    const closed = sockets.map((socket) => once(socket, 'close'));
    await Promise.all(closed.slice(0, 100));
    const begin = performance.now();
    expect((await ask('GET', '/api/me', { host })).status).toBe(200);
    figure({
      what: 'answer of the console, beside 210 connections without a whole request',
      value: performance.now() - begin,
      unit: 'ms',
      most: 6000,
    });
    for (const socket of sockets) socket.destroy();
  });

  it.each(['cookie', 'token'] as const)('lets every role do what it may by its %s, on its own cameras', async (by) => {
    for (const { name, role } of USERS) {
      const headers: Record<string, string> = by === 'token' ? await bearer(name, 'verbs') : { cookie: await login(name) };
      using page = await Page.open(node, { headers });
      const { cameras } = await page.message('hello');
      const own = role === 'admin' ? ['belt', 'gate'] : ['belt'];
      expect(cameras.map(({ id }) => id)).toEqual(own);
      for (const camera of ['belt', 'gate']) {
        const prompt = [{ type: 'everything', id: 'all' }];
        const verbs = {
          'prompt/get': { camera },
          'prompt/try': { camera, prompts: prompt },
          'prompt/set': { camera, prompts: prompt },
          'prompt/clear': { camera },
        };
        for (const [verb, payload] of Object.entries(verbs)) {
          const { code } = await page.ask(verb, payload);
          const changes = verb === 'prompt/set' || verb === 'prompt/clear';
          const isForbidden = !own.includes(camera) || (role === 'viewer' && changes);
          expect([name, verb, camera, code === 'REQUEST_FORBIDDEN']).toEqual([name, verb, camera, isForbidden]);
        }
      }
      if (role === 'admin') continue;
      for (const verb of ['prompt/get', 'prompt/clear', 'read/info', 'read/health', 'admin/config-reload']) {
        expect([name, verb, (await page.ask(verb, {})).code]).toEqual([name, verb, 'REQUEST_FORBIDDEN']);
      }
      const from = page.messages.length;
      page.say({ t: 'outline', id: 'foreign', camera: 'gate', seq: 1, object: 0 });
      await page.until(({ messages }) =>
        messages
          .slice(from)
          .find((message) => message.t === 'error' && message.code === 'REQUEST_FORBIDDEN' && message.error.includes('gate')),
      );
      page.say({ t: 'watch', camera: 'gate' });
      expect(await page.message('error', ({ error }) => error.includes('gate'))).toMatchObject({ code: 'REQUEST_FORBIDDEN' });
      expect(page.messages.some((message) => message.t === 'topic' && /^cameras\/gate|^alert|^health/.test(message.topic))).toBe(false);
    }
    expect(VERBS).toContain('prompt/try');
  });

  it('gives pictures of foreign cameras, events and photos on no route', async () => {
    const headers = async (name: string) => ({
      cookie: await login(name),
      host: `127.0.0.1:${node.port}`,
      origin: node.url,
    });
    const [otto, ada] = [await headers('otto'), await headers('ada')];
    expect((await ask('GET', '/api/cameras/gate/snapshot.jpg', otto)).status).toBe(403);
    expect((await ask('POST', '/api/cameras/gate/picture', otto)).status).toBe(403);
    expect((await ask('GET', '/api/cameras/belt/snapshot.jpg', otto)).status).toBe(200);
    expect((await ask('GET', '/api/cameras/gate/prompts/history', otto)).status).toBe(403);
    expect((await ask('GET', '/api/cameras/belt/prompts/history', otto)).status).toBe(200);
    const history = JSON.parse((await ask('GET', '/api/history', otto)).text) as { cameras: object }[];
    for (const point of history) expect(Object.keys(point.cameras)).toEqual(['belt']);
    const { id } = JSON.parse((await ask('POST', '/api/cameras/belt/picture', ada)).text) as { id: string };
    expect((await ask('GET', `/api/pictures/${id}/view`, ada)).status).toBe(200);
    expect((await ask('GET', `/api/pictures/${id}/view`, otto)).status).toBe(400);
    expect((await ask('GET', `/api/pictures/${id}/outlines/0`, ada)).status).toBe(200);
    expect((await ask('GET', `/api/pictures/${id}/outlines/0`, otto)).status).toBe(400);
    expect((await ask('GET', `/api/pictures/${id}/outlines/-1`, ada)).status).toBe(400);
    for (const path of [
      '/metrics',
      '/healthz',
      '/api/history',
      '/api/cameras/belt/snapshot.jpg',
      '/api/cameras/belt/prompts/history',
      '/api/users',
      `/api/pictures/${id}/view`,
      `/api/pictures/${id}/outlines/0`,
    ])
      expect([path, (await ask('GET', path, { host: ada.host })).status]).toEqual([path, 401]);
  });

  it('tells users and makes invitations for admins alone', async () => {
    const headers = async (name: string) => ({ cookie: await login(name), host: `127.0.0.1:${node.port}`, origin: node.url });
    const invite = async (name: string, user: string) =>
      ask('POST', '/api/invites', { ...(await headers(name)), 'content-type': 'application/json' }, JSON.stringify({ user }));
    for (const name of ['vera', 'otto']) {
      expect([name, (await ask('GET', '/api/users', await headers(name))).status]).toEqual([name, 403]);
      expect([name, (await invite(name, 'ada')).status]).toEqual([name, 403]);
    }
    const users = JSON.parse((await ask('GET', '/api/users', await headers('ada'))).text) as object[];
    // Nothing of passwords.
    expect(users).toEqual(USERS.map(({ password: _password, ...user }) => user));
    expect((await invite('ada', 'nobody')).status).toBe(400);
    const made = await invite('ada', 'otto');
    const { token } = JSON.parse(made.text) as { token: string };
    expect(node.logged.join('')).not.toContain(token);
  });

  it('refuses photos that are none, too large, or bombs, and goes on', async () => {
    const cookie = await login('ada');
    const post = (body: Uint8Array<ArrayBuffer>, type = 'image/png') =>
      fetch(`${node.url}/api/pictures`, { method: 'POST', headers: { cookie, origin: node.url, 'content-type': type }, body });
    expect((await post(new TextEncoder().encode('<svg/>'))).status).toBe(400);
    expect((await post(new Uint8Array(16_000_001))).status).toBe(413);
    const bomb = await sharp({ create: { width: 12_000, height: 6000, channels: 3, background: 'white' } })
      .png({ compressionLevel: 9 })
      .toBuffer();
    const answer = await post(new Uint8Array(bomb));
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: 'expected at most 50 megapixels, got 12000×6000' }]);
    expect((await post(new TextEncoder().encode('x'), 'text/html')).status).toBe(415);
  });

  it('closes the sockets of a session that ends, and keeps no token in its log', async () => {
    const cookie = await login('ada');
    using page = await Page.open(node, { headers: { cookie } });
    await fetch(`${node.url}/api/logout`, {
      method: 'POST',
      headers: { cookie, origin: node.url, 'content-type': 'application/json' },
      body: '{}',
    });
    expect((await page.closed).code).toBe(4401);
    await expect(Page.open(node, { headers: { cookie } })).rejects.toThrow('HTTP 401');
    const text = node.logged.join('');
    expect(text).toContain('logged in');
    expect(text).not.toContain(cookie.split('=')[1]);
    expect(text).not.toContain('password"');
  });

  it('takes a token on every route, without an origin, with the rights of its user', async () => {
    const host = `127.0.0.1:${node.port}`;
    const headers = async (name: string) => ({ host, ...(await bearer(name, 'routes')) });
    const [vera, otto, ada] = [await headers('vera'), await headers('otto'), await headers('ada')];
    const routes: [method: string, path: string, vera: number, otto: number, ada: number][] = [
      ['GET', '/api/cameras/belt/snapshot.jpg', 200, 200, 200],
      ['GET', '/api/cameras/gate/snapshot.jpg', 403, 403, 200],
      ['GET', '/api/cameras/belt/prompts/history', 200, 200, 200],
      ['GET', '/api/cameras/gate/prompts/history', 403, 403, 200],
      ['POST', '/api/cameras/belt/picture', 403, 200, 200],
      ['POST', '/api/cameras/gate/picture', 403, 403, 200],
      ['GET', '/api/history', 200, 200, 200],
      ['GET', '/api/users', 403, 403, 200],
      ['GET', '/metrics', 200, 200, 200],
    ];
    for (const [method, path, ...statuses] of routes) {
      const got = [];
      for (const by of [vera, otto, ada]) got.push((await ask(method, path, by)).status);
      expect([method, path, ...got]).toEqual([method, path, ...statuses]);
    }
    expect(JSON.parse((await ask('GET', '/api/me', otto)).text)).toMatchObject({
      user: { name: 'otto', role: 'operator', cameras: ['belt'] },
    });
  });

  it('takes a token from its header alone, a right one alone, and limits how often', async () => {
    const host = `127.0.0.1:${node.port}`;
    const { authorization } = await bearer('vera', 'wrong');
    const token = authorization.slice('Bearer '.length);
    const path = '/api/cameras/belt/prompts/history';
    const cookie = await login('vera');
    for (const wrong of ['', 'x', token.slice(1), `${token}x`, 'x'.repeat(9000)]) {
      const headers = { host, authorization: `Bearer ${wrong}` };
      expect([wrong, (await ask('GET', path, headers)).status]).toEqual([wrong, 401]);
      // A cookie does not make a wrong token good, and neither opens a live connection.
      expect([wrong, (await ask('GET', path, { ...headers, cookie })).status]).toEqual([wrong, 401]);
      await expect(Page.open(node, { headers: { ...headers, cookie } })).rejects.toThrow('HTTP 401');
    }
    for (const name of ['token', 'access_token', 'bearer'])
      expect((await ask('GET', `${path}?${name}=${token}`, { host })).status).toBe(401);
    // Without a token a change needs its origin, and a name of this machine is needed with one too.
    const picture = { 'content-type': 'image/png' };
    expect((await ask('POST', '/api/pictures', { host, cookie, ...picture }, 'x')).status).toBe(403);
    expect((await ask('POST', '/api/pictures', { host, cookie, ...picture, origin: 'http://evil.example' }, 'x')).status).toBe(403);
    expect((await ask('GET', path, { host: 'evil.example', authorization })).status).toBe(421);
    const answers: Awaited<ReturnType<typeof ask>>[] = [];
    while (!answers.some(({ status }) => status !== 200))
      answers.push(...(await Promise.all(Array.from({ length: 50 }, () => ask('GET', path, { host, authorization })))));
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(200);
    expect(answers.find(({ status }) => status !== 200)).toMatchObject({ status: 429, headers: { 'retry-after': '1' } });
    // Another token has its own limit. Of the wrong ones the log names a few, and never a token.
    expect((await ask('GET', path, { host, ...(await bearer('vera', 'other')) })).status).toBe(200);
    const text = node.logged.join('');
    expect(text.match(/a token was refused/g)?.length).toBeLessThanOrEqual(5);
    expect(text).toContain('"token":"wrong"');
    expect(text).not.toContain(token);
  });

  it('ends a token at once, and its connections, when it is revoked or its user goes', async () => {
    const host = `127.0.0.1:${node.port}`;
    const users = usersOf(node);
    await users.add({ name: 'robo', role: 'viewer' }, 'robo-password');
    const [first, second] = [await bearer('robo', 'first'), await bearer('robo', 'second')];
    const works = async (by: Record<string, string>) => (await ask('GET', '/api/history', { host, ...by })).status === 200;
    expect([await works(first), await works(second)]).toEqual([true, true]);
    using watching = await Page.open(node, { headers: first });
    using staying = await Page.open(node, { headers: second });
    await watching.message('hello');
    watching.say({ t: 'watch', camera: 'belt' });
    await watching.until(({ views }) => views[0]);
    expect(await users.removeToken('robo', 'first')).toBe(true);
    expect([await works(first), await works(second)]).toEqual([false, true]);
    expect((await watching.closed).code).toBe(4401);
    expect(staying.socket.readyState).toBe(staying.socket.OPEN);
    await users.remove('robo');
    expect(await works(second)).toBe(false);
    expect((await staying.closed).code).toBe(4401);
  });

  it('gives a login three pages, and says so to the fourth', async () => {
    const cookie = await login('vera');
    const pages = await Promise.all([1, 2, 3].map(() => Page.open(node, { headers: { cookie } })));
    using fourth = await Page.open(node, { headers: { cookie } });
    expect(await fourth.closed).toEqual({ code: 1013, reason: 'This login has 3 pages open. Close one of them.' });
    using other = await Page.open(node, { headers: { cookie: await login('otto') } });
    await other.message('hello');
    for (const page of pages) page[Symbol.dispose]();
    await Promise.all(pages.map(({ closed }) => closed));
    // The daemon has seen the end of one of them once another one fits.
    for (;;) {
      using again = await Page.open(node, { headers: { cookie } });
      if (await Promise.race([again.closed.then(() => false), again.message('hello').then(() => true)])) break;
    }
  });

  it('limits logins of an address, ends sessions in time', () => {
    const limits = new RateLimits(ATTEMPTS);
    const tries = (from: number, count: number, stepMs: number) =>
      Array.from({ length: count }, (_, k) => limits.take('10.0.0.9', from + k * stepMs)).filter(Boolean).length;
    expect(tries(0, 50, 10)).toBe(2);
    expect(tries(60_000, 60, 1000)).toBeLessThanOrEqual(11);
    expect(limits.take('10.0.0.8', 0)).toBe(true);
    const sessions = new Sessions();
    const token = sessions.begin({ name: 'ada', role: 'admin' }, 0);
    expect(sessions.find(token, 11 * 3_600_000)).toMatchObject({ name: 'ada' });
    expect(sessions.find(token, 24 * 3_600_000)).toBeUndefined();
    expect(sessions.find('other')).toBeUndefined();
    // What depends on a session is told of its end: after 12 hours without a request, after 7 days in any case.
    let ended = 0;
    const idle = sessions.begin({ name: 'ada', role: 'admin' }, 0);
    sessions.onEnd(idle, () => (ended += 1));
    sessions.review(() => true, 11 * 3_600_000);
    expect(ended).toBe(0);
    sessions.review(() => true, 13 * 3_600_000);
    expect(ended).toBe(1);
    const busy = sessions.begin({ name: 'ada', role: 'admin' }, 0);
    sessions.onEnd(busy, () => (ended += 1));
    for (let hour = 0; hour <= 7 * 24; hour += 6) sessions.find(busy, hour * 3_600_000);
    expect(ended).toBe(1);
    expect(sessions.find(busy, (7 * 24 + 1) * 3_600_000)).toBeUndefined();
    expect(ended).toBe(2);
  });

  it('steps the quality down for a viewer that cannot follow, and up again once it can', () => {
    const quality = new QualityControl();
    let now = 0;
    const seconds = (count: number, sent: boolean) => {
      for (let k = 0; k < 15 * count; k += 1) {
        now += 1000 / 15;
        quality.offered(sent);
        quality.update(now);
      }
    };
    expect(quality.level).toBe(1);
    seconds(10, false);
    expect(quality.level).toBe(4);
    seconds(300, true);
    expect(quality.level).toBe(0);
  });
});
