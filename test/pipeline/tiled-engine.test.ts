import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import type { NativeFrame } from '../../src/addon/frame.js';
import { decodeImage, openPictureParts } from '../../src/addon/picture.js';
import type { Frame } from '../../src/domain/frame.js';
import { maskOf } from '../../src/domain/mask.js';
import { SEGMENTATION_DEFAULTS } from '../../src/domain/segmentation.js';
import type { SegmentationEngine } from '../../src/engine/engine.js';
import { openEngine } from '../../src/engine/open.js';
import { tiledEngine } from '../../src/pipeline/tiled-engine.js';
import { LargePicture } from '../../src/source/large-picture.js';
import { openSource } from '../../src/source/open.js';
import { captureTime, SourceFrame } from '../../src/source/source.js';
import { segmentsOf } from '../helpers/dense-masks.js';
import { fakeEngine } from '../helpers/fakes.js';
import { writeTestModel } from '../helpers/onnx-model.js';

let directory = '';
const at = (name: string) => join(directory, name);
const WIDTH = 300;
const HEIGHT = 200;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-tiles-'));
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" shape-rendering="crispEdges">
    <rect x="20" y="30" width="60" height="50" fill="#c00"/><rect x="90" y="20" width="150" height="120" fill="#0c0"/>
    <rect x="10" y="150" width="280" height="30" fill="#00c"/><rect x="250" y="100" width="30" height="30" fill="#cc0"/></svg>`;
  await sharp(Buffer.from(svg)).flatten({ background: 'white' }).png().toFile(at('shapes.png'));
});
afterAll(() => rm(directory, { recursive: true }));

/** Finds one object of each colour, to the pixel: what a perfect network would do. */
function colourEngine(): SegmentationEngine {
  const engine = fakeEngine(() => Promise.reject(new Error('not used')));
  return {
    ...engine,
    async segment(frame) {
      const { width, height } = frame;
      const rgb = await native().toRgb(frame.pixels as NativeFrame);
      const colourAt = (x: number, y: number) => rgb.subarray(3 * (y * width + x), 3 * (y * width + x) + 3).join();
      const boxes: number[] = [];
      const masks: boolean[][] = [];
      for (const colour of ['204,0,0', '0,204,0', '0,0,204', '204,204,0']) {
        const mask = Array.from({ length: width * height }, (_, k) => colourAt(Math.floor(k / height), k % height) === colour);
        const inside = [...mask.keys()].filter((k) => mask[k]);
        if (inside.length === 0) continue;
        const [xs, ys] = [inside.map((k) => Math.floor(k / height)), inside.map((k) => k % height)];
        masks.push(mask);
        boxes.push(Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1);
      }
      const segments = { ...segmentsOf(width, height, masks), boxes: Float32Array.from(boxes) };
      const geometry = native().letterboxGeometry(width, height, 32, 32);
      return { segments, geometry, timings: { wait: 0, preprocess: 1, infer: 1, decode: 1 } };
    },
  };
}

async function wholeFrame(path: string): Promise<Frame> {
  return new SourceFrame(await decodeImage(path, path), 0, captureTime(), path);
}

describe('a tiled engine', () => {
  it.each([
    [64, 0.2],
    [96, 0.5],
    [128, 0.2],
    [512, 0.2],
  ])('finds what the engine finds in one piece: tiles of %i, overlap %d', async (size, overlap) => {
    using frame = await wholeFrame(at('shapes.png'));
    const engine = colourEngine();
    const whole = await engine.segment(frame, SEGMENTATION_DEFAULTS);
    const told: string[] = [];
    const tiled = await tiledEngine(engine, { size, overlap, onTile: (done, total) => told.push(`${done}/${total}`) }).segment(
      frame,
      SEGMENTATION_DEFAULTS,
    );
    const masks = ({ segments }: typeof whole) => Array.from({ length: segments.count }, (_, k) => maskOf(segments, k).join()).sort();
    expect(masks(tiled)).toEqual(masks(whole));
    expect(told.at(-1)).toBe(`${told.length}/${told.length}`);
  });

  it('reads a picture in parts and finds the same', async () => {
    const large = new LargePicture(await openPictureParts(at('shapes.png')), 0, captureTime(), 'shapes.png', { name: '', modifiedMs: 0 });
    using frame = await wholeFrame(at('shapes.png'));
    const engine = tiledEngine(colourEngine(), { size: 96, overlap: 0.2 });
    const [parted, whole] = [await engine.segment(large, SEGMENTATION_DEFAULTS), await engine.segment(frame, SEGMENTATION_DEFAULTS)];
    expect(parted.segments).toEqual(whole.segments);
    expect(() => large.pixels).toThrow(/read in parts/);
    large[Symbol.dispose]();
  });

  it('passes the failure of a tile on, and refuses tracking and sizes out of range', async () => {
    using frame = await wholeFrame(at('shapes.png'));
    const failing = fakeEngine(() => Promise.reject(new Error('the network broke')));
    await expect(tiledEngine(failing, { size: 64, overlap: 0.2 }).segment(frame, SEGMENTATION_DEFAULTS)).rejects.toThrow(
      'the network broke',
    );
    const tiled = tiledEngine(colourEngine(), { size: 64, overlap: 0.2 });
    await expect(tiled.segment(frame, SEGMENTATION_DEFAULTS, { coefficients: true })).rejects.toMatchObject({ code: 'MISUSE' });
    expect(() => tiledEngine(failing, { size: 10, overlap: 0.2 })).toThrow(/64 to 8192/);
    expect(() => tiledEngine(failing, { size: 64, overlap: 1 })).toThrow(/0 to 0.9/);
  });

  it('stands in for an engine of a model', async () => {
    const engine = tiledEngine(await openEngine({ model: await writeTestModel(at('three.onnx')) }), { size: 640, overlap: 0 });
    await sharp({ create: { width: 1280, height: 640, channels: 3, background: '#446688' } })
      .png()
      .toFile(at('two.png'));
    using frame = await wholeFrame(at('two.png'));
    const { segments } = await engine.segment(frame, SEGMENTATION_DEFAULTS);
    // The test model finds three rectangles in every picture, and so in every tile.
    expect(segments.count).toBe(6);
    expect(Array.from(segments.boxes.subarray(0, 8))).toEqual([80, 80, 240, 240, 720, 80, 880, 240]);
    await engine.stop();
  });
});

describe('pictures in parts', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('are upright: EXIF orientation %i', async (orientation) => {
    const path = at(`turned-${orientation}.jpg`);
    await sharp(at('shapes.png')).withMetadata({ orientation }).jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toFile(path);
    const whole = await decodeImage(path, path);
    const parts = await openPictureParts(path);
    expect([parts.width, parts.height]).toEqual([whole.width, whole.height]);
    const region = { x: 31, y: 17, width: 90, height: 121 };
    const [part, expected] = [await parts.read(region), native().cropFrame(whole, region)];
    expect(Buffer.compare(await native().toRgb(part), await native().toRgb(expected))).toBe(0);
  });

  it('are what a picture is that does not fit into memory, where that is asked for', async () => {
    const path = at('large.png');
    await sharp({ create: { width: 8300, height: 8200, channels: 3, background: '#446688' } })
      .png({ compressionLevel: 1 })
      .toFile(path);
    const plain = await openSource(path);
    await expect(plain[Symbol.asyncIterator]().next()).rejects.toThrow(/8300×8200 pixels.*--tile 1024/);
    const source = await openSource(path, { inParts: true });
    for await (const frame of source) {
      using picture = frame;
      expect([picture.width, picture.height]).toEqual([8300, 8200]);
      using part = await picture.part!({ x: 8200, y: 0, width: 100, height: 10 });
      expect(Array.from((await native().toRgb(part.pixels as NativeFrame)).subarray(0, 3))).toEqual([0x44, 0x66, 0x88]);
    }
  });

  it('of a file that is cut short are SOURCE_CORRUPT', async () => {
    const jpeg = await sharp(at('shapes.png')).jpeg().toBuffer();
    await writeFile(at('cut.jpg'), jpeg.subarray(0, jpeg.length / 2));
    const parts = await openPictureParts(at('cut.jpg'));
    await expect(parts.read({ x: 0, y: 0, width: WIDTH, height: HEIGHT })).rejects.toMatchObject({ code: 'SOURCE_CORRUPT' });
  });
});
