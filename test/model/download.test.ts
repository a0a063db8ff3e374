/** Downloads from a local server that misbehaves in every way it is told to. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DownloadOptions, download } from '../../src/model/download.js';

const run = promisify(execFile);
const CONTENT = Buffer.from(Uint32Array.from({ length: 100_000 }, (_, k) => Math.imul(k, 2654435761)).buffer);
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');

interface Request {
  readonly range: number | undefined;
  readonly count: number;
}
type Answer = (request: Request, response: http.ServerResponse) => void;

let directory = '';
let server: http.Server;
let answer: Answer;
let requests: Request[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-download-'));
  requests = [];
  server = http.createServer((request, response) => {
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
    const seen = { range: range === undefined ? undefined : Number(range), count: requests.length + 1 };
    requests.push(seen);
    answer(seen, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(directory, { recursive: true });
});

const target = () => join(directory, 'model.pt');
const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.pt`;
const remote = (changes = {}) => ({ file: 'model.pt', url: address(), bytes: CONTENT.length, sha256: SHA256, ...changes });

function fetchIt(options: Partial<DownloadOptions> = {}): Promise<void> {
  return download({ remote: options.remote ?? remote(), path: target(), attempts: 3, backoffMs: 1, stallMs: 300, ...options });
}

/** Serves the rest from the range on, as a good server does. */
function serve({ range = 0 }: Request, response: http.ServerResponse, etag = '"one"'): void {
  response.writeHead(range > 0 ? 206 : 200, headersOf(range, etag)).end(CONTENT.subarray(range));
}

/** Serves 300,000 bytes and hangs; `cut` then breaks the connection, once the client has told of progress. */
function serveHalf(_: Request, response: http.ServerResponse): void {
  response.writeHead(200, headersOf(0, '"one"'));
  response.write(CONTENT.subarray(0, 300_000));
}
const cut = () => server.closeAllConnections();

function headersOf(range: number, etag: string): http.OutgoingHttpHeaders {
  return { etag, 'content-length': CONTENT.length - range, 'content-range': `bytes ${range}-${CONTENT.length - 1}/${CONTENT.length}` };
}

const files = async () => (await readdir(directory)).sort();

describe('a download', () => {
  it('arrives whole, with progress, and nothing beside it', async () => {
    answer = (request, response) => serve(request, response);
    const seen: number[] = [];
    await fetchIt({ onProgress: (bytes) => seen.push(bytes) });
    expect(await readFile(target())).toEqual(CONTENT);
    expect(seen.at(-1)).toBe(CONTENT.length);
    expect(await files()).toEqual(['model.pt']);
  });

  it('goes on where it was interrupted', async () => {
    answer = (request, response) => (request.count === 1 ? serveHalf : serve)(request, response);
    await fetchIt({ onProgress: () => requests.length === 1 && cut() });
    expect(await readFile(target())).toEqual(CONTENT);
    expect(requests).toHaveLength(2);
    expect(requests[1]!.range).toBeGreaterThan(0);
  });

  it('goes on in a later process', async () => {
    answer = serveHalf;
    await expect(fetchIt({ attempts: 1, onProgress: cut })).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    const { length } = await readFile(`${target()}.part`);
    expect(length).toBeGreaterThan(0);
    answer = serve;
    await fetchIt();
    expect(requests.at(-1)!.range).toBe(length);
    expect(await readFile(target())).toEqual(CONTENT);
  });

  it('starts again when the server has no ranges, or another version by now', async () => {
    answer = (request, response) =>
      request.count === 1 ? serveHalf(request, response) : serve({ ...request, range: undefined }, response, '"two"');
    await fetchIt({ onProgress: () => requests.length === 1 && cut() });
    expect(await readFile(target())).toEqual(CONTENT);
    expect(requests[1]!.range).toBeGreaterThan(0);
  });

  it('follows redirects, but not for ever', async () => {
    answer = (request, response) => {
      if (request.count > 3) return serve(request, response);
      response.writeHead(302, { location: `/${request.count}` }).end();
    };
    await fetchIt();
    expect(await readFile(target())).toEqual(CONTENT);
    await rm(target());
    answer = (request, response) => response.writeHead(302, { location: `/${request.count}` }).end();
    await expect(fetchIt()).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    expect(await files()).toEqual([]);
  });

  it('tries again after the server’s own trouble, not after 404', async () => {
    answer = (request, response) => (request.count < 3 ? void response.writeHead(503).end() : serve(request, response));
    await fetchIt();
    expect(requests).toHaveLength(3);
    await rm(target());
    requests = [];
    answer = (_, response) => void response.writeHead(404).end('not here');
    await expect(fetchIt()).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED', message: expect.stringContaining('404') });
    expect(requests).toHaveLength(1);
    expect(await files()).toEqual([]);
  });

  it('is given up when a server goes silent, or is not there', async () => {
    answer = (_, response) => void response.writeHead(200, { etag: '"one"' }).write(CONTENT.subarray(0, 10));
    await expect(fetchIt({ attempts: 2 })).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    const gone = remote();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    await expect(fetchIt({ remote: gone })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('3 tries'),
    });
  });

  it('is refused and deleted when it is not the expected file', async () => {
    answer = (_, response) => void response.end(Buffer.alloc(CONTENT.length));
    await expect(fetchIt()).rejects.toMatchObject({ code: 'MODEL_CORRUPT', message: expect.stringContaining(SHA256) });
    expect(await files()).toEqual([]);
  });

  it('is cut off when it does not end', async () => {
    answer = (_, response) => {
      const more = () => response.write(CONTENT, (error) => error ?? more());
      more();
    };
    await expect(fetchIt()).rejects.toMatchObject({ code: 'MODEL_CORRUPT', message: expect.stringContaining('longer than') });
    expect(await files()).toEqual([]);
  });

  it('needs room and a place to write', async () => {
    answer = serve;
    await expect(fetchIt({ remote: remote({ bytes: 2 ** 52 }) })).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
      message: expect.stringContaining('free'),
    });
    await writeFile(join(directory, 'file'), '');
    await expect(fetchIt({ path: join(directory, 'file/model.pt') })).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
  });

  it('says that the disk is full, keeps what arrived, and leaves nothing under the final name', async (context) => {
    const disk = join(directory, 'disk');
    await mkdir(disk);
    const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=600k', 'tmpfs', disk]).then(
      () => true,
      () => false,
    );
    if (!mounted) return context.skip('mounting a small tmpfs is not permitted here');
    try {
      answer = serveHalf;
      // Somebody else fills the disk while the download is under way.
      const fill = () => {
        writeFileSync(join(disk, 'filler'), Buffer.alloc(1), { flag: 'a' });
        try {
          for (;;) writeFileSync(join(disk, 'filler'), Buffer.alloc(4096), { flag: 'a' });
        } catch {
          // Full.
        }
      };
      const failed = expect(fetchIt({ path: join(disk, 'model.pt'), onProgress: fill }));
      await failed.rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE', message: expect.stringContaining('disk is full') });
      expect(await readdir(disk)).not.toContain('model.pt');
    } finally {
      await run('umount', [disk]);
    }
  });

  it('goes through the proxy that the environment names', async () => {
    let proxied = 0;
    const proxy = http.createServer();
    proxy.on('connect', (_request, socket) => {
      proxied += 1;
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    });
    proxy.on('request', (_request, response) => {
      proxied += 1;
      response.writeHead(502).end();
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    process.env.http_proxy = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    try {
      await expect(fetchIt({ remote: remote({ url: 'http://models.invalid/model.pt' }), attempts: 1 })).rejects.toMatchObject({
        code: 'DOWNLOAD_FAILED',
      });
      expect(proxied).toBe(1);
    } finally {
      delete process.env.http_proxy;
      proxy.close();
    }
  });
});
