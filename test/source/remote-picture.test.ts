/** The URL of a picture: where its redirects may lead, and what of it goes there. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { fetchPicture } from '../../src/source/remote-picture.js';

const asked: IncomingMessage[] = [];
const elsewhere: IncomingMessage[] = [];
const other = createServer((request, response) => {
  elsewhere.push(request);
  response.setHeader('content-type', 'image/jpeg').end('other');
});
const server = createServer((request, response) => {
  asked.push(request);
  const to: Record<string, string> = { '/moved.jpg': '/private.jpg', '/round.jpg': '/round.jpg', '/file.jpg': 'file:///etc/passwd' };
  const location =
    request.url === '/away.jpg' ? `http://127.0.0.1:${(other.address() as AddressInfo).port}/p.jpg?key=s3cret` : to[request.url!];
  if (location !== undefined) response.writeHead(302, { location }).end('moved');
  else if (request.url === '/none.jpg') response.writeHead(304).end();
  else if (request.url === '/stream') response.setHeader('content-type', 'multipart/x-mixed-replace').write('endless');
  else response.setHeader('content-type', 'image/jpeg').end('picture');
});
let url = '';

beforeAll(async () => {
  for (const each of [server, other]) await once(each.listen(0, '127.0.0.1'), 'listening');
  url = `http://me:s3cret@127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  for (const each of [server, other]) {
    each.closeAllConnections();
    each.close();
  }
});
beforeEach(() => {
  asked.length = 0;
});

it('is fetched with its password, also behind a redirect on the same server', async () => {
  expect((await fetchPicture(`${url}/moved.jpg`))?.toString()).toBe('picture');
  expect(asked.map((request) => request.url)).toEqual(['/moved.jpg', '/private.jpg']);
  for (const { headers } of asked) expect(headers.authorization).toBe(`Basic ${btoa('me:s3cret')}`);
});

it.each([
  ['/away.jpg', 'SOURCE_UNSUPPORTED', /: redirects to http:\/\/127\.0\.0\.1:\d+\/#\w+; only redirects on the same server are followed$/],
  ['/file.jpg', 'SOURCE_UNSUPPORTED', /: redirects to file:\/\/\/etc\/passwd; only redirects on the same server are followed$/],
  ['/round.jpg', 'SOURCE_UNSUPPORTED', /: more than 5 redirects$/],
  ['/none.jpg', 'SOURCE_NOT_FOUND', /: the server answers 304; expected a picture$/],
])('is refused at %s, without a request elsewhere and without its secrets in the message', async (path, code, message) => {
  const error = await fetchPicture(`${url}${path}`).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  expect((error as Error).message).not.toContain('s3cret');
  expect(elsewhere).toEqual([]);
});

it('is left alone where a stream is', async () => {
  expect(await fetchPicture(`${url}/stream`)).toBeUndefined();
});
