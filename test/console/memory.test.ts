/** What pages leave behind, in the daemon and in the tab. MEMORY_SECONDS=300 for a long look at the tab. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ACK_BYTES, ACK_TYPE } from '../../src/contract/view-message.js';
import { type ConsoleNode, consoleNode, SCENE } from './console-node.js';
import { canBrowse, drawn, Pages } from './pages.js';

const SECONDS = Number(process.env.MEMORY_SECONDS || 15);

/** The page's side of `evaluate`. */
declare const window: { bitmaps: { open: number; most: number; made: number } };

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** A page that keeps nothing, or that never says what it has drawn. */
class Watcher implements Disposable {
  frames = 0;
  #wake: () => void = () => undefined;

  private constructor(readonly socket: WebSocket) {}

  static async open(node: ConsoleNode, acknowledges: boolean): Promise<Watcher> {
    const socket = new WebSocket(`ws://127.0.0.1:${node.port}/api/live`, 'fastsam.console.v1', { headers: { origin: node.url } });
    const watcher = new Watcher(socket);
    socket.on('message', (data: Buffer, isBinary) => {
      if (!isBinary) return;
      watcher.frames += 1;
      watcher.#wake();
      if (!acknowledges) return;
      const ack = Buffer.alloc(ACK_BYTES);
      ack[0] = ACK_TYPE;
      data.copy(ack, 4, 4, 12);
      socket.send(ack);
    });
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(JSON.stringify({ t: 'watch', camera: 'belt', level: 2 }));
    return watcher;
  }

  async until(frames: number): Promise<void> {
    while (this.frames < frames)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }
}

describe('memory of the daemon', { timeout: 120_000 }, () => {
  it('stays as it is with ten viewers of which one never acknowledges', async () => {
    await using node = await consoleNode({ cameras: [{ id: 'belt', source: SCENE }] });
    const watchers = await Promise.all(Array.from({ length: 10 }, (_, k) => Watcher.open(node, k > 0)));
    const [silent, ...others] = watchers;
    const held = async (frames: number) => {
      await Promise.all(others.map((watcher) => watcher.until(frames)));
      // What belongs to the addon is freed in a later turn than the one that collects it.
      for (let round = 0; round < 3; round += 1) {
        collectGarbage();
        await new Promise(setImmediate);
      }
      const { arrayBuffers, heapUsed } = process.memoryUsage();
      return { arrayBuffers, heapUsed };
    };
    const before = await held(20);
    const after = await held(100);
    for (const watcher of watchers) watcher[Symbol.dispose]();
    expect(silent!.frames).toBe(2);
    // A message that were kept of each frame would be 80 × 8 KB at least.
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(400_000);
    expect(after.heapUsed - before.heapUsed).toBeLessThan(4_000_000);
  });
});

describe.skipIf(!canBrowse)('memory of the tab (needs chromium and "make build")', { timeout: 120_000 + 1000 * SECONDS }, () => {
  let pages: Pages;
  let node: ConsoleNode;
  beforeAll(async () => {
    pages = await Pages.start();
    node = await consoleNode({ cameras: [{ id: 'belt', source: SCENE }] });
  }, 120_000);
  afterAll(async () => {
    await pages[Symbol.asyncDispose]();
    await node[Symbol.asyncDispose]();
  }, 60_000);

  it(`stays as it is over ${SECONDS} s at full rate, with two pictures open at most`, async () => {
    const context = await pages.browser.newContext({ viewport: { width: 900, height: 700 } });
    const page = await context.newPage();
    await page.addInitScript(() => {
      const counts = { open: 0, most: 0, made: 0 };
      window.bitmaps = counts;
      const scope = globalThis as unknown as { createImageBitmap: (...all: unknown[]) => Promise<{ close(): void }> };
      const { createImageBitmap } = scope;
      scope.createImageBitmap = async (...all) => {
        const bitmap = await createImageBitmap(...all);
        const close = bitmap.close.bind(bitmap);
        counts.made += 1;
        counts.open += 1;
        counts.most = Math.max(counts.most, counts.open);
        let isOpen = true;
        bitmap.close = () => {
          if (isOpen) counts.open -= 1;
          isOpen = false;
          close();
        };
        return bitmap;
      };
    });
    await page.goto(`${node.url}/?renderer=2d#live/belt`);
    await drawn(page, 20);
    const client = await context.newCDPSession(page);
    await client.send('Performance.enable');
    const look = async () => {
      await client.send('HeapProfiler.collectGarbage');
      const { metrics } = await client.send('Performance.getMetrics');
      const of = (name: string) => metrics.find((metric) => metric.name === name)!.value;
      return { heap: of('JSHeapUsedSize'), nodes: of('Nodes'), listeners: of('JSEventListeners') };
    };
    const made = () => page.evaluate(() => window.bitmaps.made);
    const from = await made();
    const before = await look();
    // As many frames as a page is shown in that time, however long the machine takes for them.
    await page.waitForFunction((least) => window.bitmaps.made >= least, from + 12 * SECONDS, { timeout: 60_000 + 6000 * SECONDS });
    const after = await look();
    const { most, open } = await page.evaluate(() => window.bitmaps);
    process.stdout.write(`tab, ${(await made()) - from} frames: ${JSON.stringify({ before, after, most })}\n`);
    expect(most).toBeLessThanOrEqual(2);
    expect(open).toBeLessThanOrEqual(2);
    expect(after.heap - before.heap).toBeLessThan(1_000_000);
    expect(after.nodes - before.nodes).toBeLessThan(60);
    expect(after.listeners - before.listeners).toBeLessThan(10);
    await context.close();
  });
});
