/** Every mask lies on its own picture: read back from the canvas of a real browser. FRAMES_EXACT=1000 for a long run. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConsoleNode, consoleNode } from './console-node.js';
import { BETWEEN, BIT_WIDTH, CODE_HEIGHT, HEIGHT, NumberedCamera, SIDE, squareFinder, squareOf, WIDTH } from './numbered-camera.js';
import { canBrowse, drawn, Pages } from './pages.js';

const FRAMES = Number(process.env.FRAMES_EXACT || 100);
/** Twice as many as a page is shown, so that frames are left out. */
const FPS = 30;

interface Seen {
  readonly seq: number;
  readonly number: number;
  /** Pixels below the code that are bright, that have colour, that are both. */
  readonly bright: number;
  readonly coloured: number;
  readonly both: number;
  readonly middle: readonly [x: number, y: number];
}

/** The page's side of `evaluate`. */
interface Canvas {
  width: number;
  height: number;
  getContext(
    kind: '2d',
    options: object,
  ): {
    drawImage(from: Canvas, x: number, y: number, width: number, height: number): void;
    getImageData(x: number, y: number, width: number, height: number): { readonly data: Uint8ClampedArray };
  };
}
declare const window: {
  fastsamStage: {
    style: object;
    onFrame: (shown: { readonly seq: number }) => void;
    readonly rendererName: string;
    readonly openBitmaps: number;
  };
  seen: Seen[];
};
declare const document: { querySelector(selector: string): Canvas | null; createElement(name: 'canvas'): Canvas };

/** In the page: reads the canvas back after each frame that is drawn. */
function readBack({ width, height, codeHeight, bitWidth, between }: Record<string, number>): void {
  const small = document.createElement('canvas');
  Object.assign(small, { width, height });
  const context = small.getContext('2d', { willReadFrequently: true });
  const stage = window.fastsamStage;
  stage.style = { opacity: 0.35, contours: false, least: 0, masks: 'all' };
  const { onFrame } = stage;
  window.seen = [];
  let isFirst = true;
  stage.onFrame = (shown) => {
    onFrame(shown);
    // The frame that is on the screen already was drawn with contours.
    if (isFirst) {
      isFirst = false;
      return;
    }
    context.drawImage(document.querySelector('.stage canvas')!, 0, 0, width!, height!);
    const { data } = context.getImageData(0, 0, width!, height!);
    const lightAt = (at: number) => 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
    let number = 0;
    for (let bit = 0; bit < 16; bit += 1)
      if (lightAt(4 * ((codeHeight! / 2) * width! + bit * bitWidth! + bitWidth! / 2)) > between!) number |= 1 << bit;
    const sums = { bright: 0, coloured: 0, both: 0, x: 0, y: 0 };
    for (let y = codeHeight! + 4; y < height!; y += 1) {
      for (let x = 0; x < width!; x += 1) {
        const at = 4 * (y * width! + x);
        const [r, g, b] = [data[at]!, data[at + 1]!, data[at + 2]!];
        const isColoured = Math.max(r, g, b) - Math.min(r, g, b) > 24;
        const isBright = lightAt(at) > between!;
        if (isColoured) sums.coloured += 1;
        if (isColoured && isBright) sums.both += 1;
        if (!isBright) continue;
        sums.bright += 1;
        sums.x += x + 0.5;
        sums.y += y + 0.5;
      }
    }
    const { bright, coloured, both } = sums;
    window.seen.push({ seq: shown.seq, number, bright, coloured, both, middle: [sums.x / bright, sums.y / bright] });
  };
}

describe.skipIf(!canBrowse)('masks and pictures (needs chromium and "make build")', { timeout: 60_000 + 1200 * FRAMES }, () => {
  const numbers = new Map<number, number>();
  let camera: NumberedCamera;
  let pages: Pages;
  let node: ConsoleNode;
  beforeAll(async () => {
    camera = await NumberedCamera.start(FPS);
    pages = await Pages.start();
    node = await consoleNode({ cameras: [{ id: 'belt', source: camera.url }] }, [], { openEngine: async () => squareFinder(numbers) });
  }, 120_000);
  afterAll(async () => {
    await pages[Symbol.asyncDispose]();
    await node[Symbol.asyncDispose]();
    await camera[Symbol.asyncDispose]();
  }, 60_000);

  it.each([
    ['2d', FRAMES],
    ['webgl2', Math.ceil(FRAMES / 5)],
  ] as const)('draws every mask on its own picture, with %s, %i frames', async (renderer, count) => {
    const page = await pages.open(node.url, { viewport: { width: 760, height: 520 }, path: '#live/belt', renderer });
    await drawn(page);
    expect(await page.evaluate(() => window.fastsamStage.rendererName)).toBe(renderer);
    await page.evaluate(readBack, { width: WIDTH, height: HEIGHT, codeHeight: CODE_HEIGHT, bitWidth: BIT_WIDTH, between: BETWEEN });
    await page.waitForFunction((least) => window.seen.length >= least, count, { timeout: 30_000 + 1200 * count });
    const seen = await page.evaluate(() => window.seen);
    expect(await page.evaluate(() => window.fastsamStage.openBitmaps)).toBeLessThanOrEqual(2);
    await page.close();

    const wrong = seen.filter(({ seq, number, bright, coloured, both, middle: [x, y] }) => {
      const square = squareOf(number);
      const isWhole = Math.abs(bright - SIDE ** 2) < 0.15 * SIDE ** 2;
      const isInPlace = Math.hypot(x - square.x - SIDE / 2, y - square.y - SIDE / 2) < 2;
      const iou = both / (bright + coloured - both);
      return numbers.get(seq) !== number || !isWhole || !isInPlace || iou < 0.85;
    });
    expect(wrong).toEqual([]);
    // Different pictures, in order.
    for (let k = 1; k < seen.length; k += 1) expect(seen[k]!.number).toBeGreaterThan(seen[k - 1]!.number);
  });
});
