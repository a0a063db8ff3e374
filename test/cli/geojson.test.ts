import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { coordinateSystem } from '../../src/geo/coordinate-system.js';
import { fastsamd } from '../helpers/command.js';
import { fastsamdHere } from '../helpers/command-here.js';
import { geoTiff } from '../helpers/geotiff.js';
import { writeTestModel } from '../helpers/onnx-model.js';

let directory = '';
let model = '';
const at = (name: string) => join(directory, name);
/** The test model finds these three rectangles in every picture of 640 × 640. */
const RECTANGLES = [
  [80, 80, 240, 240],
  [340, 140, 540, 260],
  [120, 460, 520, 540],
] as const;
/** EPSG:32616, half a metre a pixel. */
const CORNER = [733601, 3725139] as const;
const { toWgs84 } = coordinateSystem(32616);
const placeOf = (x: number, y: number) => toWgs84([CORNER[0] + 0.5 * x, CORNER[1] - 0.5 * y]);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-geojson-'));
  model = await writeTestModel(at('three.onnx'));
  const picture = {
    width: 640,
    height: 640,
    samples: Uint16Array.from({ length: 640 * 640 }, (_, k) => 500 + (k % 640)),
    doubles: { 33550: [0.5, 0.5, 0], 33922: [0, 0, 0, ...CORNER, 0] },
  };
  await writeFile(at('utm.tif'), geoTiff({ ...picture, keys: { 1024: 1, 1025: 1, 3072: 32616 } }));
  await writeFile(at('nameless.tif'), geoTiff({ ...picture, citation: 'somewhere' }));
  await writeFile(at('nowhere.tif'), geoTiff({ ...picture, doubles: {} }));
});
afterAll(() => rm(directory, { recursive: true }));

interface Collection {
  readonly type: string;
  readonly features: readonly {
    readonly properties: object;
    readonly geometry: { readonly type: string; readonly coordinates: number[][][] };
  }[];
}
const read = async (name: string) => JSON.parse(await readFile(at(name), 'utf8')) as Collection;

describe('fastsamd segment --geojson', () => {
  it.each([
    ['of a GeoTIFF', ['utm.tif']],
    ['of one whose coordinate system the user names', ['nameless.tif', '--epsg', '32616']],
  ])('writes outlines in longitude and latitude: %s', async (_, [file, ...more]) => {
    const { code, stderr } = await fastsamdHere('segment', at(file!), ...more, '--model', model, '--geojson', at('out.geojson'));
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const { type, features } = await read('out.geojson');
    expect(type).toBe('FeatureCollection');
    expect(features).toHaveLength(3);
    for (const [k, [x1, y1, x2, y2]] of RECTANGLES.entries()) {
      const { properties, geometry } = features[k]!;
      expect(properties).toMatchObject({ id: k, area_px: (x2 - x1) * (y2 - y1), source: file });
      const [ring] = geometry.coordinates;
      expect(ring!.at(-1)).toEqual(ring![0]);
      // Anticlockwise, as RFC 7946 demands.
      const area = ring!.slice(1).reduce((sum, [x, y], i) => sum + ring![i]![0]! * y! - x! * ring![i]![1]!, 0);
      expect(area).toBeGreaterThan(0);
      for (const corner of [placeOf(x1, y1), placeOf(x2, y1), placeOf(x2, y2), placeOf(x1, y2)]) {
        const nearest = Math.min(...ring!.map(([x, y]) => Math.hypot(x! - corner[0], y! - corner[1])));
        expect(nearest).toBeLessThan(2e-8);
      }
    }
  });

  it.each([
    ['nameless.tif', [], /does not name its coordinate system.*somewhere.*--epsg/, 3],
    ['nowhere.tif', [], /has no georeference/, 3],
    ['utm.tif', ['--epsg', '99'], /EPSG:99 is not known/, 2],
  ])('refuses %s %j before it segments, and writes nothing', async (file, more, message, exit) => {
    const { code, stderr, stdout } = await fastsamdHere('segment', at(file), ...more, '--model', model, '--geojson', at('refused.geojson'));
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
    expect(code).toBe(exit);
    expect(await readdir(directory)).not.toContain('refused.geojson');
  });
});

describe('fastsamd eval buildings', () => {
  it('finds the footprints of a map, and scores its own results alike', async () => {
    const features = [RECTANGLES[0], RECTANGLES[1], [560, 560, 620, 620] as const].map(([x1, y1, x2, y2]) => ({
      type: 'Feature',
      properties: {},
      geometry: { type: 'Polygon', coordinates: [[placeOf(x1, y1), placeOf(x2, y1), placeOf(x2, y2), placeOf(x1, y2), placeOf(x1, y1)]] },
    }));
    await writeFile(at('truth.geojson'), JSON.stringify({ type: 'FeatureCollection', features }));
    const { code, stdout, stderr } = await fastsamd(
      ...['eval', 'buildings', '--image', at('utm.tif'), '--truth', at('truth.geojson'), '--model', model, '--regularize'],
      ...['--results', at('found.geojson'), '--worst', '1', '--out', at('scored')],
    );
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect((await readdir(at('scored'))).sort()).toEqual(['01-utm.jpg', 'report.json']);
    expect(stdout).toContain('3 footprints: 2 found, 1 missed, 1 wrong');
    const scored = await fastsamdHere(
      'eval',
      'score',
      'buildings',
      '--results',
      at('found.geojson'),
      '--truth',
      at('truth.geojson'),
      '--json',
    );
    expect(JSON.parse(scored.stdout).figures).toMatchObject([{ name: 'F1', value: 2 / 3 }, { name: 'precision' }, { name: 'recall' }]);
    const none = await fastsamdHere('eval', 'score', 'buildings', '--results', at('truth.geojson'), '--truth', at('missing.geojson'));
    expect(none.code).toBe(3);
  });
});
