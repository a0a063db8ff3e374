/** The screen of a phone stays on while cameras are looked at. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConsoleNode, consoleNode } from './console-node.js';
import { canBrowse, drawn, Pages, PHONE } from './pages.js';

/** A name that the browser takes for another machine: pages of it are not secure. */
const NAME = 'line-3.factory';

/** The page's side of `evaluate`. */
interface Sentinel {
  readonly released: boolean;
  release(): Promise<void>;
}
declare const window: { locks: Sentinel[]; readonly isSecureContext: boolean };
declare const navigator: { wakeLock?: { request(kind: string): Promise<Sentinel> } };
declare const document: { dispatchEvent(event: unknown): void };
declare const location: { hash: string };
declare class Event {
  constructor(name: string);
}

describe.skipIf(!canBrowse)('screen of a phone (needs chromium and "make build")', { timeout: 60_000 }, () => {
  let pages: Pages;
  let node: ConsoleNode;
  beforeAll(async () => {
    pages = await Pages.start([`--host-resolver-rules=MAP ${NAME} 127.0.0.1`]);
    node = await consoleNode({ console: { allowedHosts: [NAME] } });
  }, 60_000);
  afterAll(async () => {
    await pages[Symbol.asyncDispose]();
    await node[Symbol.asyncDispose]();
    expect(pages.complaints).toEqual([]);
  }, 60_000);

  /** Notes the locks that the browser gives. */
  const watched = async (options: object, url = node.url): Promise<Page> => {
    const page = await pages.browser.newPage(options);
    page.on('pageerror', ({ message }) => pages.complaints.push(message));
    await page.addInitScript(() => {
      window.locks = [];
      const { wakeLock } = navigator;
      if (!wakeLock) return;
      const request = wakeLock.request.bind(wakeLock);
      wakeLock.request = async (kind) => {
        const lock = await request(kind);
        window.locks.push(lock);
        return lock;
      };
    });
    await page.goto(`${url}/?renderer=2d#live/belt`);
    await drawn(page, 2);
    return page;
  };
  const locks = (page: Page) => page.evaluate(() => window.locks.map(({ released }) => (released ? 'released' : 'held')));

  it('stays on in the live view, again after the page was hidden, and not on other pages', async () => {
    const page = await watched(PHONE);
    await expect.poll(() => locks(page)).toEqual(['held']);
    await page.evaluate(() => {
      location.hash = 'events';
    });
    await expect.poll(() => locks(page)).toEqual(['released']);
    await page.evaluate(() => {
      location.hash = 'live';
    });
    await expect.poll(() => locks(page)).toEqual(['released', 'held']);
    // As the browser does it with a page that is hidden, which playwright never hides.
    await page.evaluate(async () => {
      await window.locks[1]!.release();
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await expect.poll(() => locks(page)).toEqual(['released', 'released', 'held']);
    // Seen again without having lost the lock: there is one still.
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    expect(await locks(page)).toEqual(['released', 'released', 'held']);
    await page.close();
  });

  it('is left alone on a desktop', async () => {
    const page = await watched({ viewport: { width: 1280, height: 800 } });
    expect(await locks(page)).toEqual([]);
    await page.close();
  });

  it('is left alone on plain HTTP, where browsers offer nothing of the kind, and the page works', async () => {
    const page = await watched(PHONE, node.url.replace('127.0.0.1', NAME));
    expect(await page.evaluate(() => [window.isSecureContext, navigator.wakeLock === undefined])).toEqual([false, true]);
    expect(await locks(page)).toEqual([]);
    await page.close();
  });
});
