import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import type { NativeFrame } from '../../src/addon/frame.js';
import { decodeImage } from '../../src/addon/picture.js';
import { readGeoreference, readNoData } from '../../src/geo/georeference.js';
import { openSource } from '../../src/source/open.js';
import { geoTiff } from '../helpers/geotiff.js';

let directory = '';
const at = (name: string) => join(directory, name);
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-geo-'));
});
afterAll(() => rm(directory, { recursive: true }));

const size = { width: 6, height: 4, samples: new Uint16Array(24) };
const utm = { 33550: [0.5, 0.25, 0], 33922: [0, 0, 0, 733601, 3725139, 0] };

describe('the georeference of a GeoTIFF', () => {
  it.each([false, true])('is its scale and tie point, with the EPSG code (BigTIFF: %s)', async (big) => {
    await writeFile(at('utm.tif'), geoTiff({ ...size, doubles: utm, keys: { 1024: 1, 1025: 1, 3072: 32616 }, citation: 'UTM', big }));
    expect(await readGeoreference(at('utm.tif'))).toEqual({ affine: [0.5, 0, 733601, 0, -0.25, 3725139], epsg: 32616, citation: 'UTM' });
  });

  it('counts from centres where pixels are points, and from a tie point inside of the picture', async () => {
    const doubles = { 33550: [2, 4, 0], 33922: [10, 20, 0, 1000, 5000, 0] };
    await writeFile(at('point.tif'), geoTiff({ ...size, doubles, keys: { 1024: 2, 1025: 2, 2048: 4326 } }));
    expect(await readGeoreference(at('point.tif'))).toEqual({ affine: [2, 0, 979, 0, -4, 5082], epsg: 4326 });
  });

  it('is a matrix where there is one', async () => {
    const matrix = [1, 2, 0, 3, 4, 5, 0, 6, 0, 0, 0, 0, 0, 0, 0, 1];
    await writeFile(at('matrix.tif'), geoTiff({ ...size, doubles: { 34264: matrix } }));
    expect(await readGeoreference(at('matrix.tif'))).toEqual({ affine: [1, 2, 3, 4, 5, 6] });
  });

  it.each([
    ['user-defined', { 1024: 1, 3072: 32767 }],
    ['absent', { 1024: 1 }],
  ])('has no EPSG code when that is %s', async (_, keys) => {
    await writeFile(at('none.tif'), geoTiff({ ...size, doubles: utm, keys, citation: 'Albers of mine' }));
    const { epsg, citation } = (await readGeoreference(at('none.tif')))!;
    expect({ epsg, citation }).toEqual({ epsg: undefined, citation: 'Albers of mine' });
  });

  it('is refused when the file ends in its tags', async () => {
    const whole = geoTiff({ ...size, doubles: utm });
    for (const length of [60, 100, 200]) {
      await writeFile(at('cut.tif'), whole.subarray(0, length));
      await expect(readGeoreference(at('cut.tif'))).rejects.toMatchObject({ code: 'SOURCE_CORRUPT' });
    }
  });
});

describe('a world file', () => {
  it.each(['photo.pgw', 'photo.pngw', 'photo.wld'])('%s places the picture beside it', async (name) => {
    const picture = at('photo.png');
    await sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } })
      .png()
      .toFile(picture);
    await writeFile(at(name), '0.5\n0\n0\n-0.5\n1000.25\n1999.75\n');
    expect(await readGeoreference(picture)).toEqual({ affine: [0.5, 0, 1000, 0, -0.5, 2000] });
    await writeFile(at(name), '0.5\n0\n0\nnot a number\n1000\n2000\n');
    await expect(readGeoreference(picture)).rejects.toThrow(/not a world file/);
    await rm(at(name));
    expect(await readGeoreference(picture)).toBeUndefined();
  });
});

describe('pictures of 16 bits', () => {
  it('are stretched between the 2nd and the 98th percentile, without what was not measured', async () => {
    // 1,000 … 1,999, each once, and a corner of "no data".
    const samples = Uint16Array.from({ length: 1200 }, (_, k) => (k < 200 ? 65535 : 1000 + k - 200));
    await writeFile(at('deep.tif'), geoTiff({ width: 40, height: 30, samples, noData: '65535' }));
    expect(await readNoData(at('deep.tif'))).toBe(65535);
    const source = await openSource(at('deep.tif'), { stretchDepth: true });
    for await (const frame of source) {
      using picture = frame;
      const rgb = await native().toRgb(picture.pixels as NativeFrame);
      const levels = Array.from({ length: 1200 }, (_, k) => rgb[3 * k]!);
      expect(levels.slice(0, 200).every((level) => level === 0)).toBe(true);
      // Percentiles of 1,000 values: 1019 and 1980.
      for (const value of [1000, 1019, 1100, 1500, 1900, 1980, 1999]) {
        const expected = Math.min(Math.max(((value - 1019) * 255) / (1980 - 1019), 0), 255);
        expect(Math.abs(levels[200 + value - 1000]! - expected)).toBeLessThanOrEqual(1);
      }
      expect([rgb[3 * 700], rgb[3 * 700 + 1], rgb[3 * 700 + 2]]).toEqual(Array(3).fill(levels[700]));
    }
    // Without it the upper bits remain, as ever.
    const plain = await native().toRgb(await decodeImage(at('deep.tif'), 'deep.tif'));
    expect(plain[3 * 1199]).toBe(7);
  });
});
