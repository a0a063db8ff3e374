/** People at the page: several at once, on phones, behind a login, on networks that break. */
import { join } from 'node:path';
import axe from 'axe-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeClipModel } from '../helpers/clip-model.js';
import { FaultyProxy } from '../helpers/proxy.js';
import { type ConsoleNode, consoleNode, SLOW_SCENE } from './console-node.js';
import { BrowsedNode, canBrowse, drawn, middle, type Pages, PHONE } from './pages.js';

/** The page's side of `evaluate`. */
declare const window: {
  readonly fastsamStage: {
    readonly drawn: number;
    readonly shown: { readonly part: { readonly x: number; readonly width: number }; readonly frame: { readonly width: number } };
  };
  readonly visualViewport: { readonly scale: number };
  release?: () => void;
};

const LIVE = { path: '#live/belt' } as const;

describe.skipIf(!canBrowse)('operators (needs chromium and "make build")', { timeout: 120_000 }, () => {
  let pages: Pages;
  let node: ConsoleNode;
  let browsed: BrowsedNode;
  beforeAll(async () => {
    browsed = await BrowsedNode.start(async (own) => ({
      cameras: [{ id: 'belt', source: SLOW_SCENE }],
      text: { model: await writeClipModel(join(own, 'clip')) },
    }));
    ({ pages, node } = browsed);
  }, 120_000);
  afterAll(async () => {
    expect(await browsed.stop()).toEqual([]);
  }, 60_000);

  const ask = (verb: string, payload: object) =>
    node.daemon.control.handle(verb, Buffer.from(JSON.stringify(payload)), { via: 'local', role: 'admin' }) as Promise<{
      data: { prompts: { id: string; text?: string }[] }[];
    }>;
  const ids = async () => (await ask('prompt/get', { camera: 'belt' })).data[0]!.prompts.map(({ id }) => id);
  const clear = () => ask('prompt/clear', {});

  it('tells an operator that another one was faster, and applies again', async () => {
    const [slow, fast] = await Promise.all([pages.open(node.url, LIVE), pages.open(node.url, LIVE)]);
    await Promise.all([slow, fast].map((page) => drawn(page, 2)));
    const place = await middle(slow, 1);
    await slow.keyboard.press('p');
    await slow.mouse.click(place.x, place.y);
    await slow.getByText(/object \d+ on this frame/).waitFor();
    // What the slow page sends is on its way while the fast one commits.
    await slow.evaluate(() => {
      const { send } = WebSocket.prototype;
      WebSocket.prototype.send = function delayed(data) {
        if (typeof data === 'string' && data.includes('prompt/add')) {
          window.release = () => send.call(this, data);
          WebSocket.prototype.send = send;
        } else send.call(this, data);
      };
    });
    await slow.keyboard.press('Enter');
    await slow.waitForFunction(() => window.release !== undefined);
    await fast.getByRole('listbox', { name: 'Objects on the picture' }).focus();
    await fast.keyboard.press('ArrowDown');
    await fast.keyboard.press('Enter');
    await fast.getByText(/object \d+ on this frame/).waitFor();
    await fast.getByRole('button', { name: 'Add', exact: true }).click();
    await fast.locator('.prompts li', { hasText: 'point-1' }).waitFor();
    await slow.evaluate(() => window.release!());
    await slow
      .getByRole('alert')
      .getByText(/local changed the prompts meanwhile \(revision \d+: point-1\)/)
      .waitFor();
    expect(await ids()).toEqual(['point-1']);
    await slow.getByRole('button', { name: 'Apply again' }).click();
    await Promise.all([slow, fast].map((page) => page.locator('.prompts li', { hasText: 'point-2' }).waitFor()));
    expect(await ids()).toEqual(['point-1', 'point-2']);
    await clear();
    await Promise.all([slow.close(), fast.close()]);
  });

  it('takes a prompt back by itself that was added for a while', async () => {
    const page = await pages.open(node.url, LIVE);
    await drawn(page, 2);
    // A minute is long for a test.
    await page.evaluate(() => {
      const { send } = WebSocket.prototype;
      WebSocket.prototype.send = function hurried(data) {
        send.call(this, typeof data === 'string' ? data.replace('"ttlS":60', '"ttlS":2') : data);
      };
    });
    const place = await middle(page, 0);
    await page.keyboard.press('p');
    await page.mouse.click(place.x, place.y);
    await page.getByText(/object \d+ on this frame/).waitFor();
    await page.getByLabel('for 60 s only').check();
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.locator('.prompts li', { hasText: 'point-1' }).waitFor();
    await page.getByText(/\d s left/).waitFor();
    await page.locator('.prompts li').waitFor({ state: 'detached' });
    expect(await ids()).toEqual([]);
    await page.close();
  });

  it('adds a text, which is answered once the text model has looked', async () => {
    const page = await pages.open(node.url, LIVE);
    await drawn(page, 2);
    await page.getByRole('button', { name: 'Text' }).click();
    await page.getByLabel('Text', { exact: true }).fill('a red part');
    await page.getByLabel('What it must not be, one a line').fill('a blue part');
    await page.getByLabel('Least score of my own').check();
    await page.getByLabel('Least score', { exact: true }).fill('0.6');
    await page.getByText('texts are scored once the prompt is set').waitFor();
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.locator('.prompts li:not(.pending)', { hasText: 'text-1' }).waitFor();
    await page.locator('.prompts li .score', { hasText: /-?\d\.\d\d/ }).waitFor();
    expect((await ask('prompt/get', { camera: 'belt' })).data[0]!.prompts).toMatchObject([
      { id: 'text-1', text: 'a red part', negatives: ['a blue part'], threshold: 0.6 },
    ]);
    await clear();
    await page.close();
  });

  it('is worked with a finger: a tool freezes the picture, a tap chooses, and every button is large enough', async () => {
    const page = await pages.open(node.url, { ...LIVE, ...PHONE });
    await drawn(page, 2);
    await page.getByRole('button', { name: 'Point' }).tap();
    await page.getByText(/frozen · frame/).waitFor();
    const place = await middle(page, 0);
    await page.touchscreen.tap(place.x, place.y);
    await page.getByText(/object \d+ on this frame/).waitFor();
    const small = [];
    for (const button of await page.locator('button:visible, nav a:visible, select:visible, .check:visible').all()) {
      const box = (await button.boundingBox())!;
      if (box.height < 43.5 || box.width < 43.5) small.push([await button.textContent(), Math.round(box.width), Math.round(box.height)]);
    }
    expect(small).toEqual([]);
    // The draft lies over the page, where the thumb is, and hides neither the picture nor its own button.
    const add = page.getByRole('button', { name: 'Add', exact: true });
    expect((await add.boundingBox())!.y).toBeLessThan(844 - 60);
    await add.tap();
    await page.locator('.prompts li.matched', { hasText: 'point-1' }).waitFor();
    await page.getByText(/frozen · frame/).waitFor({ state: 'detached' });
    await clear();
    await page.close();
  });

  it('zooms by two fingers, and takes neither finger for a tap', async () => {
    const page = await pages.open(node.url, { ...LIVE, ...PHONE });
    await drawn(page, 2);
    const box = (await page.locator('.stage canvas').boundingBox())!;
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const cdp = await page.context().newCDPSession(page);
    /** Two fingers that lie so many pixels left and right of the middle, which moves too. */
    const pinch = async (from: number, to: number, shift = 0) => {
      const fingers = (apart: number, dx: number) => [-1, 1].map((side, id) => ({ x: x + dx + side * apart, y, id }));
      await cdp.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: fingers(from, 0) });
      for (let step = 1; step <= 8; step += 1) {
        const touchPoints = fingers(from + ((to - from) * step) / 8, (shift * step) / 8);
        await cdp.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints });
      }
      await cdp.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    };
    const part = () => page.evaluate(() => ({ ...window.fastsamStage.shown.part, whole: window.fastsamStage.shown.frame.width }));
    await pinch(20, 80);
    // A quarter of the width is seen: the daemon sends that part with all of its pixels.
    await page.waitForFunction(() => window.fastsamStage.shown.part.width < window.fastsamStage.shown.frame.width / 2);
    const near = await part();
    expect(near.x + near.width / 2).toBeGreaterThan(near.whole * 0.35);
    expect(near.x + near.width / 2).toBeLessThan(near.whole * 0.65);
    await pinch(60, 60, 100);
    await page.waitForFunction((x) => window.fastsamStage.shown.part.x < x, near.x);
    expect(await page.locator('.objects [aria-selected="true"]').count()).toBe(0);
    await pinch(80, 5);
    await page.waitForFunction(() => window.fastsamStage.shown.part.width === window.fastsamStage.shown.frame.width);
    // The page itself is not magnified.
    expect(await page.evaluate(() => window.visualViewport.scale)).toBe(1);
    await page.close();
  });

  it('is live again after the network was away, and shows no old picture as live meanwhile', async () => {
    await using proxy = await FaultyProxy.start(node.port);
    const page = await pages.open(`http://127.0.0.1:${proxy.port}`, LIVE);
    await drawn(page, 2);
    for (let round = 0; round < 3; round += 1) {
      proxy.outage();
      await page.getByText('Not connected. What you see is old.').waitFor();
      await page.locator('.stage.old').waitFor();
      const before = await page.evaluate(() => window.fastsamStage.drawn);
      proxy.restore();
      await drawn(page, before + 1);
      await page.locator('.stage:not(.old):not(.stale)').waitFor();
    }
    // Cut in the middle of messages.
    for (let round = 0; round < 10; round += 1) {
      const before = await page.evaluate(() => window.fastsamStage.drawn);
      proxy.cut();
      await drawn(page, before + 1);
    }
    await page.close();
  });

  it('invites a user to a phone by a QR code', async () => {
    const guarded = await consoleNode({ console: { host: '0.0.0.0', insecure: true } }, [
      { name: 'ada', role: 'admin', password: 'ada-password' },
      { name: 'otto', role: 'operator', password: 'otto-password' },
    ]);
    try {
      const page = await pages.open(guarded.url, LIVE);
      await page.getByLabel('Name').fill('ada');
      await page.getByLabel('Password').fill('ada-password');
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.getByRole('button', { name: 'Open on a phone' }).click();
      const dialog = page.getByRole('dialog', { name: 'Open on a phone' });
      await dialog.getByLabel('As').selectOption('otto');
      await dialog.getByRole('button', { name: 'Make a link' }).click();
      await dialog.getByRole('img', { name: 'QR code that logs in otto' }).waitFor();
      const link = (await dialog.locator('.link').textContent())!.trim();
      // A browser of its own: the cookie of the admin is not the phone's.
      const phone = await pages.browser.newContext(PHONE);
      const opened = await phone.newPage();
      await opened.goto(link);
      await opened.locator('.tile').first().waitFor();
      expect(opened.url()).not.toContain('invite');
      await phone.close();
      const text = guarded.logged.join('');
      expect(text).toContain('an invitation was made');
      expect(text).not.toContain(link.split('=')[1]);
      await page.close();
    } finally {
      await guarded[Symbol.asyncDispose]();
    }
  });

  it('lets in who knows the password, and shows what the role may do', async () => {
    const guarded = await consoleNode({ console: { host: '0.0.0.0', insecure: true } }, [
      { name: 'vera', role: 'viewer', cameras: ['belt'], password: 'vera-password' },
    ]);
    try {
      const page = await pages.open(guarded.url, LIVE);
      await page.getByLabel('Password').waitFor();
      const client = await page.context().newCDPSession(page);
      for (const colorScheme of ['dark', 'light'] as const) {
        await page.emulateMedia({ colorScheme });
        await page.reload();
        await page.getByLabel('Password').waitFor();
        await client.send('Runtime.evaluate', { expression: axe.source });
        const { result } = await client.send('Runtime.evaluate', {
          expression: 'axe.run(document).then(({ violations }) => JSON.stringify(violations.map(({ id }) => id)))',
          awaitPromise: true,
        });
        expect([colorScheme, JSON.parse(result.value as string)]).toEqual([colorScheme, []]);
      }
      await page.getByLabel('Name').fill('vera');
      await page.getByLabel('Password').fill('wrong');
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.getByText('name or password is wrong').waitFor();
      await page.getByLabel('Password').fill('vera-password');
      await page.getByRole('button', { name: 'Log in' }).click();
      await drawn(page, 2);
      await page.getByText('vera · viewer').waitFor();
      expect(await page.getByRole('button', { name: 'Point' }).count()).toBe(0);
      expect(await page.getByRole('link', { name: 'gate' }).count()).toBe(0);
      expect(page.url()).not.toContain('vera');
      await page.getByRole('button', { name: 'Log out' }).click();
      await page.getByLabel('Password').waitFor();
      await page.close();
    } finally {
      await guarded[Symbol.asyncDispose]();
    }
  });
});
