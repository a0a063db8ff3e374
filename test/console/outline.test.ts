/** Exact outlines of objects: what is asked for, what is answered, and what is never asked. */
import { EventEmitter } from 'node:events';
import type { Page as BrowserPage } from 'playwright-core';
import { describe, expect, it, vi } from 'vitest';
import { outlineOf } from '../../src/console/outline.js';
import { Viewer, type ViewerDeps } from '../../src/console/viewer.js';
import type { Outline } from '../../src/contract/console.js';
import type { FrameResult } from '../../src/domain/result.js';
import { StatusBoard } from '../../src/status/board.js';
import { rectangle, segmentsOf } from '../helpers/dense-masks.js';
import { BrowsedNode, canBrowse, drawn, middle } from './pages.js';

/** The page's side of `evaluate`. */
declare const window: {
  readonly fastsamStage: { readonly hovered: number; readonly shown: { readonly objects: { readonly areas: Uint32Array } } };
};

const resultOf = (width: number, height: number, mask: readonly boolean[]) =>
  ({ sequence: 7, segments: segmentsOf(width, height, [mask]) }) as unknown as FrameResult;

/** Pixels that the rings enclose: outlines turn one way and holes the other. */
function areaOf(rings: Outline['rings']): number {
  let twice = 0;
  for (const ring of rings) {
    for (const [k, [x, y]] of ring.entries()) {
      const [nextX, nextY] = ring[(k + 1) % ring.length]!;
      twice += x * nextY - nextX * y;
    }
  }
  return Math.abs(twice) / 2;
}

describe('outline of an object', () => {
  it('is exact, holes included', async () => {
    const hole = rectangle(40, 30, [10, 10, 20, 15]);
    const mask = rectangle(40, 30, [5, 5, 35, 25]).map((inside, pixel) => inside && !hole[pixel]);
    const { rings, tolerance } = await outlineOf(resultOf(40, 30, mask), 0);
    expect([rings.length, tolerance, areaOf(rings)]).toEqual([2, 0, 30 * 20 - 10 * 5]);
  });

  it('is simplified where it has more corners than a screen shows', async () => {
    // A comb with a thousand teeth of one pixel, each row of another length.
    const [width, height] = [40, 4000];
    const mask = Array.from({ length: width * height }, (_, pixel) => Math.floor(pixel / height) < 20 + (((pixel % height) * 7) % 3));
    const { rings, tolerance } = await outlineOf(resultOf(width, height, mask), 0);
    expect(tolerance).toBeGreaterThan(0);
    expect(rings.flat().length).toBeLessThanOrEqual(8000);
    expect(Math.abs(areaOf(rings) / mask.filter(Boolean).length - 1)).toBeLessThan(0.05);
  });

  it('is refused where nothing helps: a chessboard of pixels', async () => {
    const side = 120;
    const mask = Array.from({ length: side * side }, (_, pixel) => (Math.floor(pixel / side) + pixel) % 2 === 0);
    await expect(outlineOf(resultOf(side, side, mask), 0)).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
      message: 'object 0: its outline has more than 8000 corners',
    });
  });

  it('is refused for an object that is not there', async () => {
    await expect(outlineOf(resultOf(4, 4, rectangle(4, 4, [0, 0, 2, 2])), 1)).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
      message: 'object: expected one of the 1 of frame 7, got 1',
    });
  });
});

it('is traced one at a time for a page, which is told so', async () => {
  const told: { response?: { id: string; code?: string; status: string } }[] = [];
  const socket = Object.assign(new EventEmitter(), {
    ...{ OPEN: 1, readyState: 1, bufferedAmount: 0, close: () => undefined },
    send: (text: string) => void told.push(JSON.parse(text)),
  });
  let trace = (_: Outline) => {};
  const viewer = new Viewer({
    socket,
    user: { name: 'local', role: 'operator' },
    status: new StatusBoard({ bootId: 'b' }),
    events: { list: () => [], subscribe: () => () => undefined },
    hello: () => ({ build: '1', bootId: 'b', node: 'n', cameras: [] }),
    outline: () =>
      new Promise((resolve) => {
        trace = resolve;
      }),
  } as unknown as ViewerDeps);
  viewer.start();
  const ask = (id: string) =>
    socket.emit('message', Buffer.from(JSON.stringify({ t: 'outline', id, camera: 'belt', seq: 1, object: 0 })), false);
  const answerTo = (id: string) => vi.waitUntil(() => told.find(({ response }) => response?.id === id)?.response);
  ask('first');
  ask('second');
  expect(await answerTo('second')).toMatchObject({ status: 'error', code: 'RATE_LIMITED' });
  trace({ rings: [], tolerance: 0 });
  expect(await answerTo('first')).toMatchObject({ status: 'ok' });
  viewer.close(1000, 'done');
});

describe.skipIf(!canBrowse)('outline on the page (needs chromium and "make build")', { timeout: 120_000 }, () => {
  const drawnArea = async (page: BrowserPage) => {
    const path = (await page.locator('.outline path').last().getAttribute('d'))!;
    const rings = path.split('M').slice(1);
    return areaOf(
      rings.map((ring) =>
        ring
          .replace('Z', '')
          .split('L')
          .map((corner) => corner.split(' ').map(Number) as [number, number]),
      ),
    );
  };
  const areas = (page: BrowserPage) => page.evaluate(() => [...window.fastsamStage.shown.objects.areas]);
  const hovered = async (page: BrowserPage, index: number) => {
    const at = await middle(page, index);
    await page.mouse.move(at.x, at.y);
    await page.waitForFunction((object) => window.fastsamStage.hovered === object, index);
  };

  it('is drawn where the pointer rests on a frozen frame and on a photo; a live picture asks for none', async () => {
    const browsed = await BrowsedNode.start(async () => ({}));
    const { pages, node } = browsed;
    const page = await pages.browser.newPage({ viewport: { width: 1280, height: 800 } });
    const asked: string[] = [];
    page.on('websocket', (socket) => {
      socket.on('framesent', ({ payload }) => {
        if (typeof payload === 'string' && payload.includes('"outline"')) asked.push(payload);
      });
    });
    await page.goto(`${node.url}/?renderer=2d#live/belt`);
    await drawn(page, 2);
    await hovered(page, 0);
    // Long enough to be asked for, were the frame to stay.
    await drawn(page, 8);
    expect(asked).toEqual([]);
    await page.keyboard.press(' ');
    await page.getByText(/frozen · frame/).waitFor();
    for (const object of [1, 0]) {
      await hovered(page, object);
      await page.locator('.outline path').first().waitFor();
      await expect.poll(() => drawnArea(page)).toBe((await areas(page))[object]);
    }
    expect(asked.length).toBeGreaterThanOrEqual(2);
    await page.keyboard.press(' ');
    await page.locator('.outline').waitFor({ state: 'detached' });
    await page.close();

    const photo = await pages.open(node.url, { path: '#photo' });
    await photo.getByLabel('Take a picture from a camera').selectOption('belt');
    await drawn(photo);
    await hovered(photo, 2);
    await photo.locator('.outline path').first().waitFor();
    expect(await drawnArea(photo)).toBe((await areas(photo))[2]);
    await photo.close();
    expect(await browsed.stop()).toEqual([]);
  });
});
