/** Pictures of every kind and flavour that people have, told from their content. */
import { readdirSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { decodeImage } from '../../src/addon/picture.js';
import { pictureKind } from '../../src/addon/picture-kinds.js';
import { openSource } from '../../src/source/open.js';

const WIDTH = 160;
const HEIGHT = 120;
let directory = '';
const at = (name: string) => join(directory, name);
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-kinds-'));
});
afterAll(() => rm(directory, { recursive: true }));

/** Smooth in both directions: no codec has an excuse. */
const scene = Buffer.alloc(WIDTH * HEIGHT * 3);
for (let y = 0; y < HEIGHT; y += 1) {
  for (let x = 0; x < WIDTH; x += 1) {
    scene.set([40 + x, 220 - y, 60 + Math.round((x + y) / 2)], 3 * (y * WIDTH + x));
  }
}
const drawn = () => sharp(scene, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });

async function meanDifference(pixels: Awaited<ReturnType<typeof decodeImage>>, expected: Buffer): Promise<number> {
  const rgb = await native().toRgb(pixels);
  pixels.release();
  expect(rgb.length).toBe(expected.length);
  let sum = 0;
  for (let k = 0; k < rgb.length; k += 1) sum += Math.abs(rgb[k]! - expected[k]!);
  return sum / rgb.length;
}

const flavours: Readonly<Record<string, (picture: Sharp) => Sharp>> = {
  'JPEG 4:2:0': (picture) => picture.jpeg({ quality: 98, chromaSubsampling: '4:2:0' }),
  'JPEG 4:4:4': (picture) => picture.jpeg({ quality: 98, chromaSubsampling: '4:4:4' }),
  'JPEG progressive': (picture) => picture.jpeg({ quality: 98, progressive: true }),
  'JPEG optimised': (picture) => picture.jpeg({ quality: 98, mozjpeg: true }),
  'JPEG with an embedded profile': (picture) => picture.withIccProfile('srgb').jpeg({ quality: 98, chromaSubsampling: '4:4:4' }),
  PNG: (picture) => picture.png(),
  'PNG interlaced': (picture) => picture.png({ progressive: true }),
  'PNG with a palette': (picture) => picture.png({ palette: true, colours: 256, dither: 0, effort: 10 }),
  'PNG 16 bit': (picture) => picture.toColourspace('rgb16').png(),
  'PNG with alpha': (picture) => picture.ensureAlpha(1).png(),
  'WebP lossy': (picture) => picture.webp({ quality: 100 }),
  'WebP lossless': (picture) => picture.webp({ lossless: true }),
  'TIFF without compression': (picture) => picture.tiff({ compression: 'none' }),
  'TIFF with LZW': (picture) => picture.tiff({ compression: 'lzw' }),
  'TIFF in tiles': (picture) => picture.tiff({ tile: true, compression: 'deflate' }),
  BigTIFF: (picture) => picture.tiff({ bigtiff: true, compression: 'none' }),
  GIF: (picture) => picture.gif({ colours: 256, dither: 0, effort: 10 }),
  AVIF: (picture) => picture.avif({ quality: 100, chromaSubsampling: '4:4:4', effort: 0 }),
};
/** Their encoders lose more than a level of the scene: palettes of 256 colours, chroma of half the size. */
const LOSSY: readonly string[] = ['GIF', 'PNG with a palette', 'WebP lossy'];
/** Written once, each with what an independent decoder reads from it. */
const PICTURES = new URL('pictures/', import.meta.url);
const pictures = readdirSync(PICTURES).filter((name) => !/\.(expected\.png|md)$/.test(name));

describe('a picture', () => {
  it.each(Object.entries(flavours))('is read as it was drawn, whatever its name: %s', async (name, encode) => {
    const bytes = await encode(drawn()).toBuffer();
    expect(pictureKind(bytes)).toBe(/^Big/.test(name) ? 'TIFF' : name.split(' ')[0]);
    const path = at(`${name.replace(/\W+/g, '-')}.anything`);
    await writeFile(path, bytes);
    const decoded = await decodeImage(bytes, name);
    if (LOSSY.includes(name)) decoded.release();
    else expect(await meanDifference(decoded, scene)).toBeLessThanOrEqual(1);
    const source = await openSource(path);
    for await (const frame of source) {
      using picture = frame;
      expect([picture.width, picture.height]).toEqual([WIDTH, HEIGHT]);
    }
    expect(source.received()).toBe(1);
    await source.stop();
  });

  it.each(pictures)('is read as an independent decoder reads it: %s', async (name) => {
    const expected = await sharp(fileURLToPath(new URL(`${name}.expected.png`, PICTURES)))
      .removeAlpha()
      .raw()
      .toBuffer();
    const decoded = await decodeImage(await readFile(new URL(name, PICTURES)), name);
    const difference = await meanDifference(decoded, expected);
    // The decoder of AVIF repeats chroma of half the size where others interpolate it.
    expect(difference).toBeLessThanOrEqual(name.startsWith('avif') ? 1 : 0.05);
  });

  it('cut short is refused, of every kind and at every place', async () => {
    for (const [name, encode] of Object.entries(flavours)) {
      const bytes = await encode(drawn()).toBuffer();
      for (const share of [0.05, 0.3, 0.5, 0.8, 0.95]) {
        const cut = bytes.subarray(0, Math.floor(bytes.length * share));
        await expect(decodeImage(cut, name), `${name} at ${share}`).rejects.toMatchObject({ code: 'SOURCE_CORRUPT' });
      }
    }
  });

  it('about which the decoder only warns is read', async () => {
    const jpeg = await drawn().jpeg({ quality: 98, chromaSubsampling: '4:4:4' }).toBuffer();
    // Two stray bytes before the first Huffman table.
    const table = jpeg.indexOf(Buffer.from([0xff, 0xc4]));
    const stray = Buffer.concat([jpeg.subarray(0, table), Buffer.from([0, 0]), jpeg.subarray(table)]);
    // A JFIF version that does not exist.
    const jfif = Buffer.from([0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 9, 9, 0, 0, 1, 0, 1, 0, 0]);
    const version = Buffer.concat([jpeg.subarray(0, 2), jfif, jpeg.subarray(2)]);
    for (const bytes of [stray, version]) {
      await expect(sharp(bytes, { failOn: 'warning' }).toBuffer()).rejects.toThrow();
      expect(await meanDifference(await decodeImage(bytes, 'warned'), scene)).toBeLessThanOrEqual(1);
    }
  });

  it('stands upright under any name', async () => {
    await drawn().withMetadata({ orientation: 6 }).jpeg().toFile(at('sideways.jpg'));
    await copyFile(at('sideways.jpg'), at('sideways.jfif'));
    for (const name of ['sideways.jpg', 'sideways.jfif']) {
      const source = await openSource(at(name));
      for await (const frame of source) {
        using picture = frame;
        expect([picture.width, picture.height]).toEqual([HEIGHT, WIDTH]);
      }
      await source.stop();
    }
  });

  it.each([
    ['BMP', Buffer.concat([Buffer.from('BM'), Buffer.alloc(4, 1), Buffer.alloc(48)])],
    ['HEIC', Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic'), Buffer.alloc(48)])],
  ])('of a kind that is not read is named as what it is: %s', async (kind, bytes) => {
    await writeFile(at(`other.${kind}`), bytes);
    const opening = openSource(at(`other.${kind}`)).then(async (source) => {
      for await (const frame of source) frame[Symbol.dispose]();
    });
    await expect(opening).rejects.toMatchObject({ code: 'SOURCE_UNSUPPORTED', message: expect.stringContaining(`is a ${kind} picture`) });
  });

  it('that is an SVG is not drawn', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>');
    await expect(decodeImage(svg, 'x.png')).rejects.toMatchObject({ code: 'SOURCE_CORRUPT' });
  });
});

it('a folder holds its pictures under any name, and what is still on its way is left alone', async () => {
  await mkdir(at('folder'));
  const jpeg = await drawn().jpeg().toBuffer();
  for (const name of ['1.jfif', '2.JPE', '3', '4.jpg.part', '.5.jpg', '6.jpg~', '7.tmp']) await writeFile(at(`folder/${name}`), jpeg);
  await writeFile(at('folder/8.tif'), await drawn().tiff().toBuffer());
  await writeFile(at('folder/notes.txt'), 'not a picture');
  const source = await openSource(at('folder'));
  const names: string[] = [];
  for await (const frame of source) {
    using picture = frame;
    names.push(picture.origin.slice(at('folder/').length));
  }
  await source.stop();
  expect(names).toEqual(['1.jfif', '2.JPE', '3', '8.tif']);
});

it('the pictures on which it once failed', async () => {
  const cases = new URL('../../../shared/cases/', import.meta.url);
  const read = (name: string) => readFile(new URL(name, cases));
  const there = await read('plain.jpg').then(
    () => true,
    () => false,
  );
  if (!there) return;
  for (const name of ['a_extraneous_bytes.jpg', 'a_jfif_9_09.jpg', 'a_sos_se0.jpg', 'b_exif6.jfif', 'e_animated.gif', 'e_picture.tif']) {
    (await decodeImage(await read(name), name)).release();
  }
  await expect(decodeImage(await read('e_picture.bmp'), 'e.bmp')).rejects.toThrow('is a BMP picture');
});
