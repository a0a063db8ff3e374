/** Videos that are truncated or replaced while they play. */
import { copyFile, mkdtemp, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { VideoOutput } from '../../src/encode/video-output.js';
import { WatchedCamera } from '../helpers/camera.js';

const FRAMES = 60;
/**
 * Said by the demuxer; or by the time limit of the opening, since GStreamer's decodebin loses an error that a demuxer posts while it
 * is still being plugged in (3 of 100 openings of a truncated MP4).
 */
const LOST = /: (expected a video|the source did not start)/;

/** Noise compresses badly: the file is larger than what a reader takes in one go. */
async function encode(path: string, width: number, height: number): Promise<void> {
  const output = new VideoOutput(path);
  let seed = 1;
  for (let k = 0; k < FRAMES; k += 1) {
    const rgb = new Uint8Array(width * height * 3);
    for (let i = 0; i < rgb.length; i += 1) {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      rgb[i] = seed >>> 24;
    }
    await output.write(rgb, width, height, BigInt(k) * 33_333_333n);
  }
  await output.finish();
}

describe.skipIf(!native().features.gstreamer)('a video that changes while it plays (needs GStreamer)', { timeout: 90_000 }, () => {
  let folder = '';
  const original = { mp4: '', mkv: '' };
  let other = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fastsamd-video-'));
    for (const kind of ['mp4', 'mkv'] as const) {
      original[kind] = join(folder, `original.${kind}`);
      await encode(original[kind], 320, 240);
    }
    other = join(folder, 'other.mp4');
    await encode(other, 160, 120);
  }, 60_000);
  afterAll(() => rm(folder, { recursive: true }));

  for (const kind of ['mp4', 'mkv'] as const) {
    for (const realtime of [false, true]) {
      it(`goes on after it was truncated and is good again: ${kind}, ${realtime ? 'in real time' : 'as fast as it is taken'}`, async () => {
        const path = join(folder, `truncated-${realtime}.${kind}`);
        await copyFile(original[kind], path);
        await using watched = new WatchedCamera(path, { options: { loop: true, realtime } });
        await watched.more(3);
        await truncate(path, 1000);
        await watched.untilPhase('lost');
        expect(watched.camera.status.reason).toMatch(LOST);
        expect(watched.camera.status.reason).toContain(path);
        await copyFile(original[kind], path);
        await watched.more(FRAMES + 3);
        expect(watched.phase).toBe('streaming');
      });
    }
  }

  it('is lost when it is overwritten with garbage, and goes on when it is good again', async () => {
    const path = join(folder, 'garbage.mp4');
    await copyFile(original.mp4, path);
    await using watched = new WatchedCamera(path, { options: { loop: true } });
    await watched.more(3);
    await writeFile(path, Buffer.alloc((await stat(original.mp4)).size, 'garbage '));
    await watched.untilPhase('lost');
    expect(watched.camera.status.reason).toMatch(LOST);
    expect(watched.camera.status.reason).toContain(path);
    await copyFile(original.mp4, path);
    await watched.more(FRAMES + 3);
    expect(watched.phase).toBe('streaming');
  });

  it('plays to its end when it is replaced, and its successor after that', async () => {
    const path = join(folder, 'replaced.mp4');
    const successor = join(folder, 'successor.mp4');
    await copyFile(original.mp4, path);
    await copyFile(other, successor);
    await using watched = new WatchedCamera(path, { options: { loop: true } });
    await watched.more(3);
    await rename(successor, path);
    await watched.until(() => watched.sizes.length === 2);
    await watched.more(3);
    expect(watched.sizes).toEqual(['320x240', '160x120']);
    expect(watched.phases).toEqual(['connecting', 'streaming']);
  });

  it('ends, or is lost with a reason, when it is truncated and not to be repeated', async () => {
    const path = join(folder, 'once.mkv');
    await copyFile(original.mkv, path);
    await using watched = new WatchedCamera(path);
    await watched.more(3);
    await truncate(path, 0);
    await watched.until(() => watched.phase === 'ended' || watched.phase === 'lost');
    expect(watched.frames).toBeLessThanOrEqual(FRAMES);
    if (watched.phase === 'lost') expect(watched.camera.status.reason).toContain(path);
  });
});
