import { copyFile, mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WatchedCamera } from '../helpers/camera.js';

let folder = '';
let outside = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drop-'));
  outside = await mkdtemp(join(tmpdir(), 'outside-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  await rm(outside, { recursive: true });
});

function jpeg(width: number): Promise<Buffer> {
  return sharp({ create: { width, height: 16, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer();
}

describe('a folder that is watched', { timeout: 60_000 }, () => {
  it('gives the pictures that are there, then each that comes, once, when it is complete', async () => {
    await writeFile(join(folder, 'p10.jpg'), await jpeg(48));
    await writeFile(join(folder, 'p9.jpg'), await jpeg(32));
    await writeFile(join(folder, 'notes.txt'), 'no picture');
    await using watched = new WatchedCamera(folder, { options: { watch: true } });
    await watched.more(2);
    expect(watched.sizes).toEqual(['32x16', '48x16']);

    // In two halves, as a slow uploader writes it.
    const picture = await jpeg(64);
    const slow = await open(join(folder, 'p11.jpg'), 'w');
    await slow.write(picture.subarray(0, 100));
    await writeFile(join(outside, 'moved.jpg'), await jpeg(80));
    await rename(join(outside, 'moved.jpg'), join(folder, 'p12.jpg'));
    await watched.until(() => watched.sizes.includes('80x16'));
    await slow.write(picture.subarray(100));
    await slow.close();
    await watched.until(() => watched.sizes.includes('64x16'));

    // Another picture under an old name is a new picture.
    await writeFile(join(outside, 'again.jpg'), await jpeg(96));
    await copyFile(join(outside, 'again.jpg'), join(folder, 'p9.jpg'));
    await watched.until(() => watched.sizes.includes('96x16'));
    expect(watched.frames).toBe(5);
    expect(watched.phases).toEqual(['connecting', 'streaming']);
  });

  it('moves pictures that are done, and bad ones apart, and replaces nothing', async () => {
    const done = join(outside, 'done');
    await mkdir(done);
    await writeFile(join(done, 'a.jpg'), 'was there before');
    await writeFile(join(folder, 'a.jpg'), await jpeg(32));
    await writeFile(join(folder, 'b.jpg'), await jpeg(48));
    const bad = join(folder, 'c.jpg');
    await writeFile(bad, (await jpeg(64)).subarray(0, 200));
    await writeFile(join(folder, 'notes.txt'), 'no picture');
    await using watched = new WatchedCamera(folder, { options: { watch: true, moveTo: done } });
    await watched.more(2);
    await vi.waitFor(async () => expect(await readdir(folder)).toEqual(['notes.txt']), { timeout: 30_000 });
    expect((await readdir(done)).sort()).toEqual(['a-2.jpg', 'a.jpg', 'b.jpg', 'bad']);
    expect(await readFile(join(done, 'a.jpg'), 'utf8')).toBe('was there before');
    expect(await readdir(join(done, 'bad'))).toEqual(['c.jpg']);
    expect(watched.frames).toBe(2);
  });

  it('is lost, with the reason, where pictures cannot be moved', async () => {
    await writeFile(join(outside, 'file'), '');
    await using watched = new WatchedCamera(folder, { options: { watch: true, moveTo: join(outside, 'file/done') } });
    await watched.untilPhase('lost');
    expect(watched.camera.status.reason).toMatch(/moveTo: pictures cannot be moved to .*done/);
  });

  it('is lost while it is not there', async () => {
    await rm(folder, { recursive: true });
    await using watched = new WatchedCamera(folder, { options: { watch: true } });
    await watched.untilPhase('lost');
    expect(watched.camera.status.reason).toContain(folder);
  });
});
