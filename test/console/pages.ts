/** Pages of the console in a real browser, and what they complain of. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { type ConsoleNode, consoleNode } from './console-node.js';

/** The page's side of `evaluate`. */
declare const window: {
  readonly fastsamStage: {
    readonly drawn: number;
    readonly shown: {
      readonly objects: { readonly boxes: Uint16Array };
      readonly frame: { readonly width: number; readonly height: number };
    };
  };
};

/** Where the browser is; undefined without one. `scripts/setup.sh test` installs it. */
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const isBuilt = existsSync(fileURLToPath(new URL('../../dist/web/index.html', import.meta.url)));
export const canBrowse = CHROMIUM !== undefined && isBuilt;

/** Without a graphics card the browser draws twice as fast when it does not pretend to have one; WebGL is there all the same. */
const BROWSER_ARGS = ['--no-sandbox', '--disable-gpu'];

export const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true } as const;

export class Pages implements AsyncDisposable {
  /** What pages said that they should not: errors, violations of the policy, requests that leave the origin. */
  readonly complaints: string[] = [];

  private constructor(readonly browser: Browser) {}

  static async start(args: readonly string[] = []): Promise<Pages> {
    return new Pages(await chromium.launch({ executablePath: CHROMIUM!, args: [...BROWSER_ARGS, ...args] }));
  }

  async open(
    url: string,
    { path = '', renderer = '2d', ...options }: Parameters<Browser['newPage']>[0] & { path?: string; renderer?: '2d' | 'webgl2' } = {},
  ): Promise<Page> {
    const page = await this.browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !/Failed to load resource|ERR_CONNECTION|WebSocket connection/.test(message.text()))
        this.complaints.push(message.text());
    });
    page.on('request', (request) => {
      if (!/^(blob:|data:)/.test(request.url()) && new URL(request.url()).hostname !== '127.0.0.1') this.complaints.push(request.url());
    });
    await page.goto(`${url}/?renderer=${renderer}${path}`);
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
  }
}

/** A node, a folder for what it needs, and pages of its console, for the tests of a file. */
export class BrowsedNode {
  private constructor(
    readonly folder: string,
    readonly pages: Pages,
    readonly node: ConsoleNode,
  ) {}

  /** `configure` may write into the folder what the configuration names. */
  static async start(configure: (folder: string) => Promise<Record<string, unknown>>): Promise<BrowsedNode> {
    const folder = await mkdtemp(join(tmpdir(), 'fastsamd-pages-'));
    return new BrowsedNode(folder, await Pages.start(), await consoleNode(await configure(folder)));
  }

  /** Resolves with what the pages complained of. */
  async stop(): Promise<readonly string[]> {
    await this.pages[Symbol.asyncDispose]();
    await this.node[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
    return this.pages.complaints;
  }
}

/** Resolves once the canvas has shown so many frames. */
export async function drawn(page: Page, frames = 1): Promise<void> {
  await page.waitForFunction((count) => window.fastsamStage?.drawn >= count, frames);
}

/** Where the middle of an object is on the page. */
export async function middle(page: Page, index: number): Promise<{ x: number; y: number }> {
  const box = (await page.locator('.stage canvas').boundingBox())!;
  const [x, y] = await page.evaluate((object) => {
    const { shown } = window.fastsamStage;
    const [x1, y1, x2, y2] = shown.objects.boxes.subarray(4 * object, 4 * object + 4);
    return [(x1! + x2!) / 2 / shown.frame.width, (y1! + y2!) / 2 / shown.frame.height];
  }, index);
  return { x: box.x + x! * box.width, y: box.y + y! * box.height };
}
