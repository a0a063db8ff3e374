/** What lies over and beside the picture: lines and zones, verdicts, prompts of a day, and a part of the frame seen from near. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type ConsoleNode, SLOW_SCENE } from './console-node.js';
import { BrowsedNode, canBrowse, drawn, middle, type Pages } from './pages.js';

/** The page's side of `evaluate`. */
declare const window: {
  readonly fastsamStage: {
    readonly hovered: number;
    readonly drawn: number;
    readonly shown: {
      readonly part: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
      readonly picture: { readonly width: number };
      readonly map: { readonly width: number };
    };
  };
};

const RECIPE = {
  recipe: 'three',
  product: '4711-B',
  edge: 'mask',
  trigger: { type: 'mqtt', timeoutMs: 60_000, queue: 2 },
  objects: { parts: {} },
  checks: [
    { id: 'some', count: 'parts', min: 1 },
    { id: 'many', count: 'parts', min: 4 },
  ],
};

describe.skipIf(!canBrowse)('layers of the live view (needs chromium and "make build")', { timeout: 120_000 }, () => {
  let pages: Pages;
  let node: ConsoleNode;
  let browsed: BrowsedNode;
  beforeAll(async () => {
    browsed = await BrowsedNode.start(async (folder) => {
      const recipe = join(folder, 'recipe.yaml');
      await writeFile(recipe, stringify(RECIPE));
      return {
        cameras: [
          {
            id: 'belt',
            source: SLOW_SCENE,
            tracking: { enabled: true },
            prompts: [{ id: 'part', type: 'box', box: [40, 40, 120, 120] }],
            lines: [{ id: 'gate', from: [0.5, 0], to: [0.5, 1], space: 'normalized' }],
            zones: [
              {
                id: 'tray',
                polygon: [
                  [0, 0],
                  [144, 0],
                  [144, 160],
                  [0, 160],
                ],
              },
            ],
          },
          { id: 'station', source: SLOW_SCENE, inspection: { recipe } },
        ],
      };
    });
    ({ pages, node } = browsed);
  }, 120_000);
  afterAll(async () => {
    expect(await browsed.stop()).toEqual([]);
  }, 60_000);

  const open = async (camera: string): Promise<Page> => {
    const page = await pages.open(node.url, { path: `#live/${camera}` });
    await drawn(page, 2);
    return page;
  };
  const control = (verb: string, payload: object) =>
    node.daemon.control.handle(verb, Buffer.from(JSON.stringify(payload)), { via: 'local', role: 'admin' });

  it('draws lines and zones where they are, with what they count', async () => {
    const page = await open('belt');
    const places = page.getByRole('list', { name: 'Lines and zones' });
    await places.getByText(/tray 1 inside/).waitFor();
    await places.getByText('gate 0 in · 0 out').waitFor();
    const canvas = (await page.locator('.stage canvas').boundingBox())!;
    const zone = (await page.locator('.zones polygon').boundingBox())!;
    const line = (await page.locator('.zones line').boundingBox())!;
    // The polygon in pixels of the frame and the line in shares of it, both 320 pixels wide.
    expect((zone.width / canvas.width) * 320).toBeCloseTo(144, -1);
    expect((zone.height / canvas.height) * 320).toBeCloseTo(160, -1);
    expect((line.x + line.width / 2 - canvas.x) / canvas.width).toBeCloseTo(0.5, 1);
    await page.close();
  });

  it('says that the picture is frozen without covering what lies over it', async () => {
    const page = await open('belt');
    const places = page.getByRole('list', { name: 'Lines and zones' });
    await places.getByText(/tray 1 inside/).waitFor();
    await page.keyboard.press(' ');
    const label = (await page.getByText(/frozen · frame \d+/).boundingBox())!;
    const others = await page.locator('.places li, .tags span, .stage').all();
    expect(others.length).toBeGreaterThan(3);
    for (const other of others) {
      const box = (await other.boundingBox())!;
      const isApart =
        box.x >= label.x + label.width || label.x >= box.x + box.width || box.y >= label.y + label.height || label.y >= box.y + box.height;
      expect([await other.textContent(), isApart]).toEqual([await other.textContent(), true]);
    }
    await page.close();
  });

  it('shows the verdict of the last part with every check: value, limits, result', async () => {
    const page = await open('station');
    const panel = page.getByRole('region', { name: 'Inspection' });
    await panel.getByText('No part was inspected yet.').waitFor();
    await control('inspect/trigger', { camera: 'station', part: 'SN-0042', wait: true });
    await panel.locator('.result.nok', { hasText: 'NOK' }).waitFor();
    await panel.getByText('SN-0042').waitFor();
    const rows = await panel.locator('tbody tr').allInnerTexts();
    expect(rows.map((row) => row.replace(/\s+/g, ' ').trim())).toEqual([
      expect.stringMatching(/ok some 3 .*≥ 1/),
      expect.stringMatching(/nok many 3 .*/),
    ]);
    await panel.getByText('0 ok · 1 nok · 0 unsure').waitFor();
    await page.close();
  });

  it('tells how a prompt did over the day, from what the daemon keeps', async () => {
    const page = await open('belt');
    await page.locator('.prompts li.matched', { hasText: 'part' }).waitFor();
    // A page that is loaded again has forgotten everything.
    await page.reload();
    await page.getByRole('img', { name: 'matched in 100 % of the last 24 hours' }).waitFor();
    await page.close();
  });

  it('looks at a part of the frame from near: in more detail, with every layer and every click in its place', async () => {
    const page = await open('belt');
    const stage = (await page.locator('.stage').boundingBox())!;
    const before = await middle(page, 0);
    // About the place under the pointer, which stays where it is.
    await page.mouse.move(before.x, before.y);
    for (let k = 0; k < 7; k += 1) await page.mouse.wheel(0, -100);
    await page.waitForFunction(() => window.fastsamStage.shown.part.width < 160);
    const { part, picture, map } = await page.evaluate(() => {
      const { part: shown, picture: jpeg, map: cells } = window.fastsamStage.shown;
      return { part: shown, picture: jpeg.width, map: cells.width };
    });
    // Every pixel of the part, where the whole frame has to be shrunk.
    expect([picture, map]).toEqual([part.width, part.width]);
    const zone = (await page.locator('.zones polygon').boundingBox())!;
    const scale = 1.25 ** 7;
    expect(zone.width / ((stage.width * 144) / 320)).toBeCloseTo(scale, 0);
    await page.mouse.move(before.x + 1, before.y + 1);
    await page.waitForFunction(() => window.fastsamStage.hovered === 0);
    await page.keyboard.press('p');
    await page.mouse.click(before.x, before.y);
    await page.getByText('object 0 on this frame, score 1.00').waitFor();
    const mark = (await page.locator('.marks .object').boundingBox())!;
    expect(Math.hypot(mark.x + mark.width / 2 - before.x, mark.y + mark.height / 2 - before.y)).toBeLessThan(2);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.keyboard.press('0');
    await page.waitForFunction(() => window.fastsamStage.shown.part.width === 320);
    expect(Math.abs((await page.locator('.stage canvas').boundingBox())!.width - stage.width)).toBeLessThan(2);
    await page.close();
  });

  it('draws a box by keys and by its handles', async () => {
    const page = await open('belt');
    await page.keyboard.press('b');
    await page.keyboard.press('ArrowRight');
    const box = page.locator('.marks rect');
    await box.waitFor();
    const first = (await box.boundingBox())!;
    for (let k = 0; k < 5; k += 1) await page.keyboard.press('ArrowUp');
    await page.keyboard.press('c');
    for (let k = 0; k < 5; k += 1) await page.keyboard.press('ArrowLeft');
    const second = (await box.boundingBox())!;
    expect(second.x).toBeLessThan(first.x);
    expect(second.height).toBeLessThan(first.height);
    expect(second.x + second.width).toBeCloseTo(first.x + first.width, 0);
    // By the lower right handle.
    await page.mouse.move(second.x + second.width, second.y + second.height);
    await page.mouse.down();
    await page.mouse.move(second.x + second.width + 40, second.y + second.height + 30, { steps: 3 });
    await page.mouse.up();
    const third = (await box.boundingBox())!;
    expect(third.x).toBeCloseTo(second.x, 0);
    expect(third.width - second.width).toBeCloseTo(40, -1);
    await page.getByText(/on this frame|no object here/).waitFor();
    await page.close();
  });

  it('leaves single keys alone once they are turned off', async () => {
    const page = await open('belt');
    await page.keyboard.press('?');
    await page.getByLabel('Use single keys').uncheck();
    await page.locator('.topline').click();
    await page.keyboard.press('p');
    await page.keyboard.press('ArrowRight');
    await page.getByRole('listbox', { name: 'Objects on the picture' }).getByRole('option', { selected: true }).waitFor();
    expect(await page.getByRole('button', { name: 'Point' }).getAttribute('aria-pressed')).toBe('false');
    await page.getByLabel('Use single keys').check();
    await page.locator('.topline').click();
    await page.keyboard.press('p');
    await page.getByText('Click the object.').waitFor();
    await page.close();
  });
});
