/** Lists of pictures with bad ones among them, and sources whose URI or folder is wrong: all of it is that camera's. */
import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Camera, type CameraStatus } from '../../src/source/camera.js';
import { openSource } from '../../src/source/open.js';
import type { SourceOptions } from '../../src/source/source.js';
import { WatchedCamera } from '../helpers/camera.js';

let directory = '';
const at = (...names: string[]) => join(directory, ...names);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-lists-'));
  await mkdir(at('list'));
  await sharp({ create: { width: 64, height: 48, channels: 3, background: '#446688' } })
    .jpeg()
    .toFile(at('good.jpg'));
  // Wider than frames may be.
  await sharp({ create: { width: 40_000, height: 2, channels: 3, background: 'red' } })
    .png()
    .toFile(at('list/3-wide.png'));
  for (const name of ['1', '4', '5', '7']) await copyFile(at('good.jpg'), at(`list/${name}.jpg`));
  await writeFile(at('list/2-text.jpg'), 'this is text');
  await writeFile(at('list/6-empty.jpg'), '');
  await copyFile(at('good.jpg'), at('100%.jpg'));
  await mkdir(at('none'));
});
afterAll(() => rm(directory, { recursive: true }));

/** A camera that notes the names of its pictures. */
class Names implements AsyncDisposable {
  readonly names: string[] = [];
  readonly corrupt: string[] = [];
  readonly statuses: CameraStatus[] = [];
  readonly camera: Camera;
  readonly #drained: Promise<void>;
  #look: () => void = () => undefined;

  constructor(uri: string, options: SourceOptions, onName: (camera: Camera, name: string) => void | Promise<void> = () => undefined) {
    const onStatus = (status: CameraStatus) => {
      this.statuses.push(status);
      this.#look();
    };
    const camera = new Camera({
      uri,
      options: { ...options, onCorrupt: (_, path) => void this.corrupt.push(basename(path)) },
      onWedged: 'keep-going',
      onStatus,
    });
    this.camera = camera;
    this.#drained = (async () => {
      for await (const frame of camera) {
        using picture = frame;
        this.names.push(basename(picture.origin));
        await onName(camera, basename(picture.origin));
        this.#look();
      }
    })();
    this.#drained.catch(() => undefined);
  }

  until(passes: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#look = () => passes() && resolve();
      this.#drained.then(() => reject(new Error('the camera ended')), reject);
      this.#look();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.camera.stop();
    await this.#drained;
  }
}

const ended = ({ statuses }: Names) => statuses.at(-1)?.phase === 'ended';
const GOOD = ['1.jpg', '4.jpg', '5.jpg', '7.jpg'];
const BAD = ['2-text.jpg', '3-wide.png', '6-empty.jpg'];

describe('a folder with bad pictures', () => {
  it('gives each good one once and names each bad one', async () => {
    await using list = new Names(at('list'), {});
    await list.until(() => ended(list));
    expect(list.names).toEqual(GOOD);
    expect(list.corrupt).toEqual(BAD);
    expect(list.camera.dropped()).toEqual({ corrupt: 3 });
    expect(list.camera.received()).toBe(7);
    expect(list.statuses.map(({ phase }) => phase)).not.toContain('lost');
  });

  it('names a bad one once in a loop', async () => {
    await using list = new Names(at('list'), { loop: true });
    await list.until(() => list.names.length >= 3 * GOOD.length);
    expect(list.corrupt).toEqual(BAD);
    expect(list.names.slice(0, 8)).toEqual([...GOOD, ...GOOD]);
  });

  it('goes on at its place after a pause, and begins anew when it is restarted', async () => {
    const seen: string[] = [];
    await using list = new Names(at('list'), {}, async (camera, name) => {
      seen.push(name);
      if (seen.length === 2) {
        await camera.pause();
        await camera.resume();
      }
    });
    await list.until(() => ended(list));
    expect(list.names).toEqual(GOOD);
    await list.camera.restart();
    await list.until(() => ended(list) && list.names.length === 2 * GOOD.length);
    expect(list.names).toEqual([...GOOD, ...GOOD]);
  });

  it('is lost while the folder is away, and goes on at its place', async () => {
    await mkdir(at('drop'));
    await copyFile(at('good.jpg'), at('drop/a.jpg'));
    await using list = new Names(at('drop'), { watch: true });
    await list.until(() => list.names.length === 1);
    await rename(at('drop'), at('away'));
    await list.until(() => list.statuses.at(-1)?.phase === 'lost');
    await copyFile(at('good.jpg'), at('away/b.jpg'));
    await rename(at('away'), at('drop'));
    await list.until(() => list.names.length > 1);
    expect(list.names).toEqual(['a.jpg', 'b.jpg']);
  });
});

describe('a source that is wrong', () => {
  it.each([
    ['a URL of another host', () => 'file://host/x.jpg', /expected file:\/\/\/PATH/],
    ['a path that is no URL and is not there', () => 'file:///nowhere/100%.jpg', /100%\.jpg: no such file/],
    ['a picture that is too wide', () => at('list/3-wide.png'), /3-wide\.png: 40000×2 pixels; a side has at most 32768/],
    ['a picture that is none', () => at('list/2-text.jpg'), /2-text\.jpg: not a readable .*: its content is something else/],
    ['a folder without pictures', () => at('none'), /no pictures/],
    ['an endless name', () => at('x'.repeat(5000)), /expected a video, a picture/],
    ['an unknown scheme', () => 'rstp://camera/1', /rstp/],
  ] as const satisfies readonly (readonly [string, () => string, RegExp])[])(
    'makes its camera lost, for that reason: %s',
    async (_, uri, reason) => {
      await using watched = new WatchedCamera(uri());
      await watched.untilPhase('lost');
      expect(watched.camera.status.reason).toMatch(reason);
    },
  );

  it('a file URL may have a bare percent sign', async () => {
    for (const uri of [`file://${at('100%.jpg')}`, `file://${at('100%25.jpg')}`]) {
      const source = await openSource(uri);
      for await (const frame of source) frame[Symbol.dispose]();
      expect(source.received()).toBe(1);
      await source.stop();
    }
  });
});
