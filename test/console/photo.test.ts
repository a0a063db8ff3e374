/** Photos and clips on the page: what the seed's demo had, and more. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import axe from 'axe-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { VideoOutput } from '../../src/encode/video-output.js';
import { mp4FrameCount } from '../../src/source/mp4-frames.js';
import { openSource } from '../../src/source/open.js';
import { writeClipModel } from '../helpers/clip-model.js';
import { type ConsoleNode, SCENE, SLOW_SCENE } from './console-node.js';
import { BrowsedNode, canBrowse, drawn, middle, type Pages } from './pages.js';

/** The page's side of `evaluate`. */
declare const fetch: (path: string, options?: object) => Promise<{ readonly status: number }>;

const FRAMES = 8;

describe.skipIf(!canBrowse)('photos and clips (needs chromium and "make build")', { timeout: 120_000 }, () => {
  let folder: string;
  let pages: Pages;
  let node: ConsoleNode;
  let browsed: BrowsedNode;
  beforeAll(async () => {
    browsed = await BrowsedNode.start(async (own) => ({
      cameras: [{ id: 'belt', source: SLOW_SCENE }],
      text: { model: await writeClipModel(join(own, 'clip')) },
    }));
    ({ folder, pages, node } = browsed);
  }, 120_000);
  afterAll(async () => {
    expect(await browsed.stop()).toEqual([]);
  }, 60_000);

  const openPhoto = async () => {
    const page = await pages.open(node.url, { path: '#photo' });
    await page.getByLabel('Take a picture from a camera').selectOption('belt');
    await drawn(page);
    return page;
  };

  it('answers texts on a photo, with what they must not be and a score of the user', async () => {
    const page = await openPhoto();
    await page.getByRole('button', { name: 'Text' }).click();
    await page.getByLabel('Text', { exact: true }).fill('a red part');
    await page.getByRole('button', { name: 'Look for it' }).click();
    const answer = page.locator('.prompts li', { hasText: 'p1' });
    await answer.getByText(/^(matched|unmatched)$/).waitFor();
    await answer.locator('.score', { hasText: /-?\d\.\d\d/ }).waitFor();
    // Everything matches from 0 on, with a negative as the score is a share of 1.
    await page.getByLabel('What it must not be, one a line').fill('a blue part\na green part');
    await page.getByLabel('Least score of my own').check();
    await page.getByLabel('Least score', { exact: true }).fill('0');
    await page.getByRole('button', { name: 'Look for it' }).click();
    await page.locator('.prompts li.matched', { hasText: 'p1' }).waitFor();
    await page.close();
  });

  it('keeps several prompts on a photo, says which found nothing, and uses them on a camera', async () => {
    const page = await openPhoto();
    const at = await middle(page, 0);
    await page.mouse.click(at.x, at.y);
    await page.locator('.prompts li.matched', { hasText: 'p1' }).waitFor();
    await page.getByRole('button', { name: 'Another prompt' }).click();
    const canvas = (await page.locator('.stage canvas').boundingBox())!;
    await page.mouse.click(canvas.x + canvas.width - 4, canvas.y + 4);
    await page.locator('.prompts li.unmatched', { hasText: 'p2' }).waitFor();
    await page.locator('.prompts li.matched', { hasText: 'p1' }).waitFor();
    await page.getByLabel('Use these prompts on a camera').selectOption('belt');
    await page.getByText(/point-1, point-2 added to belt \(revision \d+\)/).waitFor();
    await page.close();
  });

  it.skipIf(!native().features.gstreamer)('segments a clip with progress, gives its files, and ends with the page', async () => {
    const path = join(folder, 'belt.mp4');
    const source = await openSource(`${SCENE}&realtime=false&frames=${FRAMES}`);
    const video = new VideoOutput(path);
    for await (const frame of source) {
      using held = frame;
      await video.write(await native().toRgb(held.pixels as never), held.width, held.height, BigInt(held.sequence) * 50_000_000n);
    }
    await source.stop();
    await video.finish();

    const page = await pages.open(node.url, { path: '#photo' });
    await page.locator('input[type=file]').setInputFiles(path);
    await drawn(page);
    const panel = page.getByRole('region', { name: 'Clip' });
    const at = await middle(page, 0);
    await page.mouse.click(at.x, at.y);
    await page.locator('.prompts li.matched', { hasText: 'p1' }).waitFor();
    await panel.getByRole('button', { name: 'Segment the clip' }).click();
    await panel.getByText(`${FRAMES} frames segmented.`).waitFor();
    const client = await page.context().newCDPSession(page);
    await client.send('Runtime.evaluate', { expression: axe.source });
    const { result } = await client.send('Runtime.evaluate', {
      expression: 'axe.run(document).then(({ violations }) => JSON.stringify(violations.map(({ id }) => id)))',
      awaitPromise: true,
    });
    expect(JSON.parse(result.value as string)).toEqual([]);
    const [lines] = await Promise.all([page.waitForEvent('download'), panel.getByText('JSON Lines').click()]);
    expect(lines.suggestedFilename()).toBe('belt.jsonl');
    const results = (await readFile(await lines.path(), 'utf8')).trim().split('\n');
    expect(results).toHaveLength(FRAMES);
    expect(JSON.parse(results.at(-1)!)).toMatchObject({ prompts: [{ id: 'p1', status: 'matched' }], objects: [{ prompts: ['p1'] }] });
    const [masks] = await Promise.all([page.waitForEvent('download'), panel.getByText('MP4 with masks').click()]);
    expect(await mp4FrameCount(await masks.path())).toBe(FRAMES);
    const link = (await panel.getByText('JSON Lines').getAttribute('href'))!;
    expect(await page.evaluate(async (href) => (await fetch(href)).status, link)).toBe(200);
    // The page is left: the clip is deleted.
    const deleted = page.waitForResponse((response) => response.request().method() === 'DELETE');
    await page.getByRole('link', { name: 'Live' }).click();
    await deleted;
    expect(await page.evaluate(async (href) => (await fetch(href)).status, link)).toBe(400);
    await page.close();
  });
});
