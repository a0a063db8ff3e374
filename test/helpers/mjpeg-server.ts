/** A motion-JPEG camera: a real HTTP server that sends pictures until it is told to misbehave. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type net from 'node:net';
import sharp from 'sharp';
import type { Certificate } from './certificate.js';

const BOUNDARY = 'frame';
const PERIOD_MS = 40;
const FILLER = `X-Filler: ${'x'.repeat(1000)}\r\n`.repeat(20);

/**
 * `stall`: half a picture, then silence. `boundary`: parts between other lines than those announced and used so far.
 * `half`: every second picture ends in its middle, `lost-middle`: a part of it is missing there; both say their true length.
 * `part-headers`, `response-headers`: a header that never ends. `close`: ends every answer before its first picture.
 */
export type MjpegFault = 'half' | 'lost-middle' | 'stall' | 'boundary' | 'part-headers' | 'response-headers' | 'close';

const SPOIL: Partial<Record<MjpegFault, (picture: Buffer) => Buffer>> = {
  half: (picture) => picture.subarray(0, picture.length / 2),
  // Lost packets: the beginning of one picture, then that of the next.
  'lost-middle': (picture) => Buffer.concat([picture.subarray(0, picture.length / 2), picture]),
};

export class MjpegServer implements AsyncDisposable {
  readonly #server: http.Server | https.Server;
  readonly #sockets = new Set<net.Socket>();
  #fault: MjpegFault | undefined;

  private constructor(
    private readonly picture: Buffer,
    private readonly tls?: https.ServerOptions,
    login?: readonly [string, string],
  ) {
    const expected = login && `Basic ${Buffer.from(login.join(':'), 'utf8').toString('base64')}`;
    const answer: http.RequestListener = (request, response) => {
      if (expected !== undefined && request.headers.authorization !== expected) {
        response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="camera", charset="UTF-8"' }).end();
      } else if (request.method === 'GET') this.#stream(response);
      else response.writeHead(204).end();
    };
    this.#server = tls ? https.createServer(tls, answer) : http.createServer(answer);
    this.#server.on(tls ? 'secureConnection' : 'connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** An https: server with a `tls` certificate; with a `login` it answers that one only. */
  static async start(tls?: Certificate, login?: readonly [string, string]): Promise<MjpegServer> {
    const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const;
    const picture = await sharp({ create: { width: 64, height: 48, channels: 3, background: 'black', noise } })
      .jpeg()
      .toBuffer();
    const server = new MjpegServer(picture, tls && { cert: await readFile(tls.cert), key: await readFile(tls.key) }, login);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    return `${this.tls ? 'https' : 'http'}://127.0.0.1:${(this.#server.address() as net.AddressInfo).port}/video`;
  }

  /** What streams that are under way, and new ones, do from now on; they are well again without a `fault`. */
  misbehave(fault?: MjpegFault): void {
    this.#fault = fault;
    if (fault === 'response-headers' || fault === 'close') this.cut();
  }

  /** Ends every connection at once; new ones are accepted. */
  cut(): void {
    for (const socket of [...this.#sockets]) socket.destroy();
  }

  #stream(response: http.ServerResponse): void {
    const { socket } = response;
    if (this.#fault === 'close') {
      response.end();
      return;
    }
    if (this.#fault === 'response-headers') {
      socket!.write('HTTP/1.1 200 OK\r\n');
      this.#beat(response, () => socket!.write(FILLER));
      return;
    }
    response.writeHead(200, { 'Content-Type': `multipart/x-mixed-replace; boundary=${BOUNDARY}` });
    let spoilt: MjpegFault | undefined;
    let round = 0;
    this.#beat(response, () => {
      round += 1;
      const spoil = this.#fault && SPOIL[this.#fault];
      if (spoil && spoilt === undefined) {
        response.write(this.#part(BOUNDARY, round % 2 === 0 ? spoil(this.picture) : this.picture));
        return;
      }
      // A stream that went wrong stays wrong: what follows has lost its place in it.
      const begins = spoilt === undefined && this.#fault !== undefined;
      spoilt ??= this.#fault;
      if (spoilt === undefined) response.write(this.#part(BOUNDARY));
      else if (spoilt === 'boundary') response.write(this.#part('another'));
      else if (spoilt === 'part-headers') response.write(`${begins ? `--${BOUNDARY}\r\n` : ''}${FILLER}`);
      else if (begins) response.write(this.#part(BOUNDARY).subarray(0, -this.picture.length / 2));
    });
  }

  #beat(response: http.ServerResponse, write: () => void): void {
    const timer = setInterval(() => {
      if (!response.writableNeedDrain) write();
    }, PERIOD_MS);
    response.socket!.on('close', () => clearInterval(timer));
  }

  #part(boundary: string, picture = this.picture): Buffer {
    const head = `--${boundary}\r\nContent-Type: image/jpeg\r\nContent-Length: ${picture.length}\r\n\r\n`;
    return Buffer.concat([Buffer.from(head), picture, Buffer.from('\r\n')]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
  }
}
