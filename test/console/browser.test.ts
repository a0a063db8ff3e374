/** The page in a real browser, against a real daemon. */
import { readFileSync } from 'node:fs';
import axe from 'axe-core';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeRle } from '../../src/encode/mask-encodings.js';
import { encodeJpeg } from '../../src/encode/snapshot.js';
import { openEngine } from '../../src/engine/open.js';
import { openSource } from '../../src/source/open.js';
import { openPicture } from '../../src/source/picture-bytes.js';
import { type ConsoleNode, consoleNode, SCENE, SLOW_SCENE } from './console-node.js';
import { canBrowse, drawn, middle, Pages, PHONE } from './pages.js';

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
  readonly activeElement: { getAttribute(name: string): string | null } | null;
  querySelector(selector: '.stage canvas'): CanvasElement | null;
  querySelector(selector: string): { getAttribute(name: string): string | null } | null;
  createElement(name: 'canvas'): CanvasElement;
};
declare const location: { hash: string };
declare const innerWidth: number;

const PAGES = ['live', 'photo', 'events', 'health', 'charts', 'config'] as const;
/** Few frames a second: the browser draws without a graphics card. */
const CAMERAS = ['belt', 'gate'].map((id) => ({ id, source: SLOW_SCENE }));

let pages: Pages;
let node: ConsoleNode;

const open = (path = '', options: Parameters<Browser['newPage']>[0] = {}, renderer: '2d' | 'webgl2' = '2d') =>
  pages.open(node.url, { ...options, path, renderer });

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

describe.skipIf(!canBrowse)('console page (needs chromium and "make build")', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    pages = await Pages.start();
    node = await consoleNode({ cameras: CAMERAS });
  }, 120_000);
  afterAll(async () => {
    await pages[Symbol.asyncDispose]();
    await node[Symbol.asyncDispose]();
    expect(pages.complaints).toEqual([]);
  }, 60_000);

  it('shows all cameras, then one; hover outlines, a click becomes a prompt that matches, undo takes it back', async () => {
    const page = await open();
    await page.getByRole('link', { name: /belt/ }).click();
    await drawn(page, 3);
    const at = await middle(page, 0);
    await page.mouse.move(at.x, at.y);
    await page.waitForFunction(() => window.fastsamStage.hovered >= 0);
    await page.locator('.tags span', { hasText: '#0 0.90' }).waitFor();
    await page.keyboard.press('p');
    await page.mouse.click(at.x, at.y);
    await page.getByText(/object \d+ on this frame, score 1.00/).waitFor();
    await page.keyboard.press('Enter');
    await page.locator('.prompts li.matched', { hasText: 'point-1' }).waitFor();
    expect((await prompts('belt')).prompts).toMatchObject([{ id: 'point-1', type: 'points' }]);
    await page.keyboard.press('z');
    await page.locator('.prompts li').waitFor({ state: 'detached' });
    expect((await prompts('belt')).prompts).toEqual([]);
    await page.keyboard.press('Shift+Z');
    await page.locator('.prompts li.matched', { hasText: 'point-1' }).waitFor();
    await page.keyboard.press('z');
    await page.locator('.prompts li').waitFor({ state: 'detached' });
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

  it('works with the keyboard alone', async () => {
    const page = await open();
    await page.locator('.tile').first().waitFor();
    const focused = () =>
      page.evaluate(() => document.activeElement?.getAttribute('href') ?? document.activeElement?.getAttribute('aria-label'));
    const tabTo = async (name: string) => {
      for (let presses = 0; presses < 60 && (await focused()) !== name; presses += 1) await page.keyboard.press('Tab');
      expect(await focused()).toBe(name);
    };
    await tabTo('#live/belt');
    await page.keyboard.press('Enter');
    await drawn(page, 2);
    await tabTo('Objects on the picture');
    await page.keyboard.press('ArrowDown');
    await page.getByRole('listbox', { name: 'Objects on the picture' }).getByRole('option', { selected: true }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByText(/object \d+ on this frame/).waitFor();
    await page.keyboard.press('Enter');
    await page.locator('.prompts li.matched').waitFor();
    await tabTo('Remove point-1');
    await page.keyboard.press('Enter');
    await page.locator('.prompts li').waitFor({ state: 'detached' });
    // Without the list: the next larger object, taken and added by keys.
    await page.evaluate(() => (document.activeElement as unknown as { blur(): void }).blur());
    await page.keyboard.press(']');
    await page.keyboard.press('Enter');
    await page.getByText(/object \d+ on this frame/).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.getByText(/object \d+ on this frame/).waitFor({ state: 'detached' });
    await page.close();
  });

  it('shows a photo, and exports the very masks that segmenting it gives', async () => {
    const jpeg = await scene();
    const page = await open('#photo');
    await page.locator('input[type=file]').setInputFiles({ name: 'part.jpg', mimeType: 'image/jpeg', buffer: jpeg });
    await drawn(page);
    const engine = await openEngine({ model: `${node.folder}/three.onnx` });
    using frame = await openPicture(jpeg);
    // Scores of 0.9, 0.8 and 0.7: the slider shows and exports what segmenting at that confidence finds.
    for (const [conf, count] of [
      [0.4, 3],
      [0.75, 2],
      [0.95, 0],
    ] as const) {
      await page.getByRole('slider', { name: 'Confidence' }).fill(String(conf));
      await page.locator('section[aria-label=Objects] h2', { hasText: new RegExp(`Objects ${count}$`) }).waitFor();
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'JSON' }).click()]);
      const exported = JSON.parse(readFileSync(await download.path(), 'utf8')) as { objects: { mask: { counts: string } }[] };
      const { segments } = await engine.segment(frame, { conf, iou: 0.7, maxDet: 300, snapToBorder: 'auto' });
      expect(segments.count).toBe(count);
      const expected = await encodeRle(
        segments,
        Uint32Array.from({ length: segments.count }, (_, k) => k),
      );
      expect(exported.objects.map(({ mask }) => mask.counts)).toEqual(expected);
    }
    await engine.stop();
    await page.close();
  });

  it.each([
    ['desktop', { viewport: { width: 1280, height: 800 } }],
    ['phone', PHONE],
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

  it('draws without WebGL, unless it is asked for, where the processor would draw that', async () => {
    // The browser of these tests has no graphics card.
    const page = await pages.browser.newPage();
    await page.goto(`${node.url}/#live/belt`);
    await drawn(page);
    expect(await page.evaluate(() => window.fastsamStage.rendererName)).toBe('2d');
    await page.close();
  });

  it('draws the same with WebGL as without, and draws a photo again after the graphics context was lost', async () => {
    const jpeg = await scene();
    const photo = async (renderer: '2d' | 'webgl2') => {
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
    // A node may be back before the last picture has become old.
    await drawn(page, before + 1);
    await page.locator('.stage:not(.old):not(.stale)').waitFor();
    await page.close();
  });
});
