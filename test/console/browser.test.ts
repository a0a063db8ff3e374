/** The page in a real browser, against a real daemon. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeRle } from '../../src/encode/mask-encodings.js';
import { encodeJpeg } from '../../src/encode/snapshot.js';
import { openEngine } from '../../src/engine/open.js';
import { openSource } from '../../src/source/open.js';
import { openPicture } from '../../src/source/picture-bytes.js';
import { CHROMIUM } from './chromium.js';
import { type ConsoleNode, consoleNode, SCENE } from './console-node.js';

/** The page's side of `evaluate`. */
declare const window: {
  readonly fastsamStage: {
    readonly drawn: number;
    readonly hovered: number;
    readonly openBitmaps: number;
    readonly rendererName: string;
    readonly shown: {
      readonly seq: number;
      readonly objects: { readonly boxes: Uint16Array };
      readonly frame: { readonly width: number; readonly height: number };
    };
  };
};
interface CanvasElement {
  readonly width: number;
  readonly height: number;
  getContext(kind: 'webgl2'): { getExtension(name: string): { loseContext(): void; restoreContext(): void } | null } | null;
  getContext(kind: '2d'): {
    drawImage(from: CanvasElement, x: number, y: number, width: number, height: number): void;
    getImageData(x: number, y: number, width: number, height: number): { readonly data: Uint8ClampedArray };
  };
  addEventListener(type: string, listener: () => void, options: { readonly once: boolean }): void;
}
declare const document: {
  readonly documentElement: { readonly scrollWidth: number };
  querySelector(selector: '.stage canvas'): CanvasElement | null;
  querySelector(selector: string): { getAttribute(name: string): string | null } | null;
  createElement(name: 'canvas'): CanvasElement;
};
declare const location: { hash: string };
declare const innerWidth: number;

const isBuilt = existsSync(fileURLToPath(new URL('../../dist/web/index.html', import.meta.url)));
const PAGES = ['live', 'photo', 'events', 'health', 'charts', 'config'] as const;
/** Few frames a second: the browser draws without a graphics card. */
const CAMERAS = ['belt', 'gate'].map((id) => ({ id, source: SCENE.replace('fps=20', 'fps=5') }));

let browser: Browser;
let node: ConsoleNode;
/** What pages said that they should not: errors, violations of the policy, requests that leave the origin. */
const complaints: string[] = [];

async function open(path = '', options: Parameters<Browser['newPage']>[0] = {}, renderer = '2d'): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource|ERR_CONNECTION|WebSocket connection/.test(message.text()))
      complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (!/^(blob:|data:)/.test(request.url()) && new URL(request.url()).hostname !== '127.0.0.1') complaints.push(request.url());
  });
  await page.goto(`${node.url}/?renderer=${renderer}${path}`);
  return page;
}

/** Resolves once the canvas shows a frame. */
async function drawn(page: Page, frames = 1): Promise<void> {
  await page.waitForFunction((count) => window.fastsamStage?.drawn >= count, frames);
}

/** Where the middle of an object is on the page. */
async function middle(page: Page, index: number): Promise<{ x: number; y: number }> {
  const box = (await page.locator('.stage canvas').boundingBox())!;
  const [x, y] = await page.evaluate((object) => {
    const { shown } = window.fastsamStage;
    const [x1, y1, x2, y2] = shown.objects.boxes.subarray(4 * object, 4 * object + 4);
    return [(x1! + x2!) / 2 / shown.frame.width, (y1! + y2!) / 2 / shown.frame.height];
  }, index);
  return { x: box.x + x! * box.width, y: box.y + y! * box.height };
}

/** A frame of the cameras' scene, as a file. */
async function scene(): Promise<Buffer> {
  const source = await openSource(`${SCENE}&realtime=false`);
  const { value } = await source[Symbol.asyncIterator]().next();
  using frame = value;
  const jpeg = await encodeJpeg(frame);
  await source.stop();
  return Buffer.from(jpeg);
}

/** In the page: the colours on its canvas, at 40 × 40 places. */
function colours(): number[] {
  const small = document.createElement('canvas');
  Object.assign(small, { width: 40, height: 40 });
  const context = small.getContext('2d');
  context.drawImage(document.querySelector('.stage canvas')!, 0, 0, 40, 40);
  return [...context.getImageData(0, 0, 40, 40).data];
}

const prompts = (camera: string) =>
  (
    node.daemon.control.handle('prompt/get', Buffer.from(JSON.stringify({ camera })), { via: 'local', role: 'admin' }) as Promise<{
      data: { revision: number; prompts: { id: string; type: string }[]; expiresAt?: string }[];
    }>
  ).then(({ data }) => data[0]!);
const clear = () => node.daemon.control.handle('prompt/clear', Buffer.from('{}'), { via: 'local', role: 'admin' });

describe.skipIf(!CHROMIUM || !isBuilt)('console page (needs chromium and "make build")', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] });
    node = await consoleNode({ cameras: CAMERAS });
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    await node[Symbol.asyncDispose]();
    expect(complaints).toEqual([]);
  }, 60_000);

  it('shows all cameras, then one; hover outlines, a click becomes a prompt that matches, undo takes it back', async () => {
    const page = await open();
    await page.getByRole('link', { name: /belt/ }).click();
    await drawn(page, 3);
    const at = await middle(page, 0);
    await page.mouse.move(at.x, at.y);
    await page.waitForFunction(() => window.fastsamStage.hovered >= 0);
    await page.keyboard.press('p');
    await page.mouse.click(at.x, at.y);
    await page.getByText(/object \d+ on this frame, score 1.00/).waitFor();
    await page.keyboard.press('Enter');
    await page.locator('.prompts li.matched', { hasText: 'point-1' }).waitFor();
    expect((await prompts('belt')).prompts).toMatchObject([{ id: 'point-1', type: 'points' }]);
    await page.keyboard.press('z');
    await page.locator('.prompts li').waitFor({ state: 'detached' });
    expect((await prompts('belt')).prompts).toEqual([]);
    expect(await page.evaluate(() => window.fastsamStage.openBitmaps)).toBeLessThanOrEqual(2);
    await page.close();
  });

  it('draws a box on a frozen frame, and adds it for a minute', async () => {
    const page = await open('#live/belt');
    await drawn(page, 2);
    await page.keyboard.press(' ');
    await page.getByText(/frozen · frame/).waitFor();
    const seq = () => page.evaluate(() => window.fastsamStage.shown.seq);
    const frozen = await seq();
    const at = await middle(page, 0);
    await page.keyboard.press('b');
    await page.mouse.move(at.x - 60, at.y - 60);
    await page.mouse.down();
    await page.mouse.move(at.x, at.y, { steps: 3 });
    await page.mouse.move(at.x + 60, at.y + 60, { steps: 3 });
    await page.mouse.up();
    await page.getByText(/object \d+ on this frame/).waitFor();
    expect(await seq()).toBe(frozen);
    await page.getByLabel('for 60 s only').check();
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByText(/\d+ s left/).waitFor();
    expect((await prompts('belt')).expiresAt).toBeDefined();
    await clear();
    await page.close();
  });

  it('tells an operator that another one was faster, and applies again', async () => {
    const page = await open('#live/gate');
    await drawn(page, 2);
    const at = await middle(page, 1);
    await page.keyboard.press('p');
    await page.mouse.click(at.x, at.y);
    await page.getByText(/object \d+ on this frame/).waitFor();
    // The page is not told of the change before it asks: another operator is that close.
    await page.evaluate(() => {
      const original = WebSocket.prototype.send;
      WebSocket.prototype.send = function send(data) {
        original.call(
          this,
          typeof data === 'string' ? data.replace(/"ifRevision":(\d+)/, (_text, revision) => `"ifRevision":${revision - 1}`) : data,
        );
        if (typeof data === 'string' && data.includes('ifRevision')) WebSocket.prototype.send = original;
      };
    });
    await page.keyboard.press('Enter');
    await page
      .getByRole('alert')
      .getByText(/Somebody changed the prompts/)
      .waitFor();
    await page.getByRole('button', { name: 'Apply again' }).click();
    await page.locator('.prompts li', { hasText: 'point-1' }).waitFor();
    await clear();
    await page.close();
  });

  it('works with the keyboard alone', async () => {
    const page = await open('#live/belt');
    await drawn(page, 2);
    await page.getByRole('listbox', { name: 'Objects on the picture' }).focus();
    await page.keyboard.press('ArrowDown');
    await page.getByRole('listbox', { name: 'Objects on the picture' }).getByRole('option', { selected: true }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByText(/object \d+ on this frame/).waitFor();
    await page.getByRole('button', { name: 'Add', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.locator('.prompts li.matched').waitFor();
    await clear();
    await page.close();
  });

  it('shows a photo, and exports the very masks that segmenting it gives', async () => {
    const jpeg = await scene();
    const page = await open('#photo');
    await page.locator('input[type=file]').setInputFiles({ name: 'part.jpg', mimeType: 'image/jpeg', buffer: jpeg });
    await drawn(page);
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'JSON' }).click()]);
    const exported = JSON.parse(readFileSync(await download.path(), 'utf8')) as { objects: { mask: { counts: string } }[] };
    const engine = await openEngine({ model: `${node.folder}/three.onnx` });
    using frame = await openPicture(jpeg);
    const { segments } = await engine.segment(frame, { conf: 0.4, iou: 0.7, maxDet: 300, snapToBorder: 'auto' });
    const expected = await encodeRle(
      segments,
      Uint32Array.from({ length: segments.count }, (_, k) => k),
    );
    await engine.stop();
    expect(exported.objects.map(({ mask }) => mask.counts)).toEqual(expected);
    await page.close();
  });

  it.each([
    ['desktop', { viewport: { width: 1280, height: 800 } }],
    ['phone', { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }],
  ] as const)('has no barrier that axe knows, in dark and light colours, on a %s', async (_device, options) => {
    const page = await open('', { ...options, colorScheme: 'dark' });
    // The policy of the page admits no script; the debugger brings axe in.
    const client = await page.context().newCDPSession(page);
    await client.send('Runtime.evaluate', { expression: axe.source });
    const violations = async (rules: string) => {
      const expression = `axe.run(document, ${rules}).then(({ violations }) =>
        JSON.stringify(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 120))])))`;
      const { result } = await client.send('Runtime.evaluate', { expression, awaitPromise: true });
      return JSON.parse(result.value as string) as unknown;
    };
    for (const name of [...PAGES, 'live/belt']) {
      await page.evaluate((hash) => {
        location.hash = hash;
      }, name);
      await page.waitForFunction(
        (hash) => document.querySelector('nav [aria-current]')?.getAttribute('href') === hash,
        `#${name.split('/')[0]}`,
      );
      await page.locator('h1').first().waitFor({ state: 'attached' });
      expect([name, await violations('{}')]).toEqual([name, []]);
      await page.getByRole('button', { name: 'Light colours' }).click();
      expect([name, 'light', await violations("{ runOnly: ['color-contrast'] }")]).toEqual([name, 'light', []]);
      await page.getByRole('button', { name: 'Dark colours' }).click();
      const width = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      expect(width[0], name).toBeLessThanOrEqual(width[1]!);
    }
    await page.close();
  });

  it('draws the same with WebGL as without, and draws a photo again after the graphics context was lost', async () => {
    const jpeg = await scene();
    const photo = async (renderer: string) => {
      const page = await open('#photo', {}, renderer);
      await page.locator('input[type=file]').setInputFiles({ name: 'part.jpg', mimeType: 'image/jpeg', buffer: jpeg });
      await drawn(page);
      expect(await page.evaluate(() => window.fastsamStage.rendererName)).toBe(renderer);
      return page;
    };
    const plain = await photo('2d');
    const expected = await plain.evaluate(colours);
    await plain.close();
    const page = await photo('webgl2');
    const before = await page.evaluate(colours);
    const differences = before.map((value, k) => Math.abs(value - expected[k]!));
    expect(differences.reduce((sum, value) => sum + value, 0) / differences.length).toBeLessThan(4);
    await page.evaluate(
      () =>
        new Promise<void>((resolve) => {
          const canvas = document.querySelector('.stage canvas')!;
          const loss = canvas.getContext('webgl2')!.getExtension('WEBGL_lose_context')!;
          // The listeners of the page came first: when these run, the page has done its part.
          canvas.addEventListener('webglcontextlost', () => setTimeout(() => loss.restoreContext()), { once: true });
          canvas.addEventListener('webglcontextrestored', () => resolve(), { once: true });
          loss.loseContext();
        }),
    );
    expect(await page.evaluate(colours)).toEqual(before);
    await page.close();
  });

  it('never shows an old picture as live: while the daemon is away, and once it is back', async () => {
    const page = await open('#live/belt');
    await drawn(page, 2);
    const { port } = node;
    const before = await page.evaluate(() => window.fastsamStage.drawn);
    await node[Symbol.asyncDispose]();
    await page.getByText('Not connected. What you see is old.').waitFor();
    await page.locator('.stage.old').waitFor();
    node = await consoleNode({ cameras: CAMERAS, console: { port } });
    await page.locator('.stage:not(.old):not(.stale)').waitFor();
    expect(await page.evaluate(() => window.fastsamStage.drawn)).toBeGreaterThan(before);
    await page.close();
  });
});
