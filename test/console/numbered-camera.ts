/**
 * A motion-JPEG camera whose pictures say which they are: a stripe code of the number on top, below it one bright square that moves
 * by its own width from each picture to the next. And a network that finds the square in the pixels it is given.
 */
import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import sharp from 'sharp';
import { native } from '../../src/addon/addon.js';
import type { NativeFrame } from '../../src/addon/frame.js';
import type { SegmentationEngine } from '../../src/engine/engine.js';

export const WIDTH = 320;
export const HEIGHT = 200;
export const SIDE = 32;
/** Of the stripe code: sixteen fields, the lowest bit on the left. */
export const CODE_HEIGHT = 24;
export const BIT_WIDTH = WIDTH / 16;
/** Grey levels of everything that is painted. Masks alone bring colour. */
const DARK = 40;
const BRIGHT = 200;
export const BETWEEN = 122;

/** Where the square of picture `number` lies: ten places in a row, five rows. */
export function squareOf(number: number): { readonly x: number; readonly y: number } {
  return { x: (number % 10) * SIDE, y: CODE_HEIGHT + 8 + (Math.floor(number / 10) % 5) * SIDE };
}

function paint(number: number): Promise<Buffer> {
  const pixels = new Uint8Array(WIDTH * HEIGHT).fill(DARK);
  const fill = (x: number, y: number, width: number, height: number) => {
    for (let row = y; row < y + height; row += 1) pixels.fill(BRIGHT, row * WIDTH + x, row * WIDTH + x + width);
  };
  for (let bit = 0; bit < 16; bit += 1) if ((number >> bit) & 1) fill(bit * BIT_WIDTH, 0, BIT_WIDTH, CODE_HEIGHT);
  const { x, y } = squareOf(number);
  fill(x, y, SIDE, SIDE);
  return sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 1 } })
    .jpeg({ quality: 90 })
    .toBuffer();
}

export class NumberedCamera implements AsyncDisposable {
  readonly #server: http.Server;
  readonly #sockets = new Set<net.Socket>();
  #number = 0;

  private constructor(private readonly fps: number) {
    this.#server = http.createServer((request, response) => {
      if (request.method === 'GET') void this.#stream(response);
      else response.writeHead(204).end();
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(fps: number): Promise<NumberedCamera> {
    const camera = new NumberedCamera(fps);
    camera.#server.listen(0, '127.0.0.1');
    await once(camera.#server, 'listening');
    return camera;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as net.AddressInfo).port}/video`;
  }

  async #stream(response: http.ServerResponse): Promise<void> {
    response.writeHead(200, { 'Content-Type': 'multipart/x-mixed-replace; boundary=frame' });
    let isPainting = false;
    const beat = setInterval(async () => {
      // Pictures that are painted side by side would come in any order.
      if (isPainting || response.writableNeedDrain) return;
      isPainting = true;
      this.#number += 1;
      const jpeg = await paint(this.#number);
      isPainting = false;
      response.write(`--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`);
      response.write(jpeg);
      response.write('\r\n');
    }, 1000 / this.fps);
    response.on('close', () => clearInterval(beat));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

/** Finds what is bright below the code, and notes in `numbers` which picture each frame shows. */
export function squareFinder(numbers: Map<number, number>): SegmentationEngine {
  return {
    model: { name: 'square-finder', backend: 'onnxruntime', inputWidth: WIDTH, inputHeight: WIDTH, labels: [] },
    depth: 2,
    async segment(frame) {
      const rgb = await native().toRgb(frame.pixels as NativeFrame);
      const isBright = (x: number, y: number) => rgb[3 * (y * WIDTH + x)]! > BETWEEN;
      let number = 0;
      for (let bit = 0; bit < 16; bit += 1) if (isBright(bit * BIT_WIDTH + BIT_WIDTH / 2, CODE_HEIGHT / 2)) number |= 1 << bit;
      numbers.set(frame.sequence, number);
      const runs: number[] = [];
      let area = 0;
      let [x1, y1, x2, y2] = [WIDTH, HEIGHT, 0, 0];
      for (let x = 0; x < WIDTH; x += 1) {
        let y = CODE_HEIGHT + 4;
        while (y < HEIGHT && !isBright(x, y)) y += 1;
        const from = y;
        while (y < HEIGHT && isBright(x, y)) y += 1;
        if (y === from) continue;
        runs.push(x * HEIGHT + from, x * HEIGHT + y);
        area += y - from;
        [x1, y1, x2, y2] = [Math.min(x1, x), Math.min(y1, from), x + 1, Math.max(y2, y)];
      }
      return {
        segments: {
          count: 1,
          width: WIDTH,
          height: HEIGHT,
          boxes: Float32Array.of(x1, y1, x2, y2),
          scores: Float32Array.of(0.9),
          classes: Int32Array.of(0),
          areas: Uint32Array.of(area),
          runs: Uint32Array.from(runs),
          offsets: Uint32Array.of(0, runs.length / 2),
        },
        geometry: {
          frameWidth: WIDTH,
          frameHeight: HEIGHT,
          inputWidth: WIDTH,
          inputHeight: WIDTH,
          contentWidth: WIDTH,
          contentHeight: HEIGHT,
          left: 0,
          top: (WIDTH - HEIGHT) / 2,
        },
        timings: { wait: 0, preprocess: 0, infer: 0, decode: 0 },
      };
    },
    msUntilFree: () => 0,
    measureNetwork: async () => [],
    stop: async () => undefined,
  };
}
