/** `fastsamd measure` and `fastsamd inspect` on drawn parts. */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MEASURES } from '../../src/domain/measure.js';
import { encodeJpeg } from '../../src/encode/snapshot.js';
import { openSource } from '../../src/source/open.js';
import { fastsamd } from '../helpers/command.js';
import { fastsamdHere } from '../helpers/command-here.js';

const MODEL = new URL('../../models/demo.onnx', import.meta.url).pathname;
/** Of `measure --json`. */
type Measured = Record<'values' | 'uncertainties', Record<string, number | null>>;

let directory = '';
const at = (name: string) => join(directory, name);

const RECIPE = `recipe: belt
unit: mm
edge: mask
objects:
  parts: { minArea: 400, zone: [[110, 110], [530, 110], [530, 530], [110, 530]] }
checks:
  - { id: some, count: parts, min: 1 }
  - { id: size, measure: feretMax, of: parts, each: true, max: MOST }
`;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-inspect-'));
  for await (const frame of await openSource('test:conveyor?width=640&height=640&fps=25&frames=1&seed=9100000&realtime=false')) {
    using picture = frame;
    await writeFile(at('part.jpg'), await encodeJpeg(picture));
  }
  await writeFile(at('wide.yaml'), RECIPE.replace('MOST', '1000'));
  await writeFile(at('narrow.yaml'), RECIPE.replace('MOST', '0.1'));
  await writeFile(at('typo.yaml'), RECIPE.replace('MOST', '1').replace('minArea', 'minArae'));
});
afterAll(() => rm(directory, { recursive: true }));

describe('fastsamd measure', () => {
  it('measures on the plane of a calibration, and adds what that does not know', async () => {
    const calibration = at('scale.json');
    const given = ['--pixels', '200', '--millimetres', '100', '--out', calibration];
    expect(await fastsamd('calibrate', 'scale', at('part.jpg'), ...given)).toMatchObject({ code: 0 });
    const file = JSON.parse(await readFile(calibration, 'utf8'));
    await writeFile(calibration, JSON.stringify({ ...file, placeUncertainty: 0.3, pitch: 10 }));
    const measured = async (...by: string[]) => {
      const { code, stdout } = await fastsamdHere('measure', at('part.jpg'), '--model', MODEL, '--json', ...by);
      expect(code).toBe(0);
      return JSON.parse(stdout);
    };
    const [scaled, calibrated] = [await measured('--scale', '0.5'), await measured('--calibration', calibration)];
    expect([calibrated.unit, calibrated.scale]).toEqual(['mm', expect.closeTo(0.5, 6)]);
    const refined = scaled.objects.findIndex(
      ({ uncertainties, values }: Measured) => uncertainties.diameter !== null && values.diameter! > 10,
    );
    const [one, other] = [scaled.objects[refined], calibrated.objects[refined]] as [Measured, Measured];
    expect(other.values.diameter).toBeCloseTo(one.values.diameter!, 4);
    expect(other.uncertainties.diameter!).toBeCloseTo(Math.hypot(one.uncertainties.diameter!, Math.SQRT2 * 0.3), 3);
    await writeFile(calibration, JSON.stringify({ ...file, frame: { width: 320, height: 240 } }));
    const refused = await fastsamdHere('measure', at('part.jpg'), '--model', MODEL, '--calibration', calibration);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('320×240, this one has 640×640; calibrate at this size');
  });

  it('prints every measure with its uncertainty as JSON, in millimetres, and draws what it measured', async () => {
    const { code, stdout } = await fastsamdHere(
      'measure',
      at('part.jpg'),
      '--model',
      MODEL,
      '--scale',
      '0.5',
      '--json',
      '--colour',
      '--out',
      at('m.png'),
    );
    expect(code).toBe(0);
    const { unit, scale, objects } = JSON.parse(stdout);
    expect([unit, scale]).toEqual(['mm', 0.5]);
    expect(objects.length).toBeGreaterThan(2);
    for (const { values, uncertainties, lab, edge } of objects) {
      expect(Object.keys(values)).toEqual([...MEASURES]);
      expect(Object.keys(uncertainties)).toEqual([...MEASURES]);
      expect(['refined', 'mask']).toContain(edge);
      expect(lab).toHaveLength(3);
    }
    expect(await sharp(at('m.png')).metadata()).toMatchObject({ width: 640, height: 640 });
    const [first] = objects;
    const pixels = JSON.parse((await fastsamdHere('measure', at('part.jpg'), '--model', MODEL, '--json')).stdout).objects[0];
    expect(first.values.area).toBeCloseTo(pixels.values.area / 4, 6);
    expect(first.values.diameter).toBeCloseTo(pixels.values.diameter / 2, 6);
    expect(first.values.orientation).toBe(pixels.values.orientation);
  });

  it('refuses an output that is the input, or no picture', async () => {
    expect(await fastsamdHere('measure', at('part.jpg'), '--model', MODEL, '--out', at('part.jpg'))).toMatchObject({ code: 2 });
    expect((await fastsamdHere('measure', at('part.jpg'), '--model', MODEL, '--out', at('x.txt'))).stderr).toMatch(/expected a picture/);
  });
});

describe('fastsamd inspect', () => {
  it('says OK with exit code 0, writes the annotated picture and a table', async () => {
    const { code, stdout, stderr } = await fastsamdHere(
      ...['inspect', at('part.jpg'), '--recipe', at('wide.yaml'), '--model', MODEL, '--scale', '0.1'],
      ...['--out', at('judged'), '--csv', at('table.csv')],
    );
    expect(stderr).toMatch(/1 inspected by belt: 1 OK, 0 NOK, 0 UNSURE/);
    expect(stdout).toMatch(/^part\.jpg: OK\n {2}ok {5}some: \d+ \[≥ 1\]\n {2}ok {5}size: [\d.]+ mm \[≤ 1000\] \(worst of \d+\)\n$/);
    expect(code).toBe(0);
    expect(await readdir(at('judged'))).toEqual(['part.jpg.jpg']);
    expect(await readFile(at('table.csv'), 'utf8')).toMatch(/^picture,verdict,reasons,some,size\npart\.jpg,OK,,\d+,[\d.]+\n$/);
  });

  it('says NOK or UNSURE with exit code 1, and why, as JSON with the hash of the recipe', async () => {
    const nok = await fastsamdHere('inspect', at('part.jpg'), '--recipe', at('narrow.yaml'), '--model', MODEL, '--scale', '0.1', '--json');
    expect(nok.code).toBe(1);
    const message = JSON.parse(nok.stdout);
    expect(message).toMatchObject({ part: 'part.jpg', verdict: 'NOK', reasons: ['ABOVE'], recipe: { id: 'belt', revision: 0 } });
    expect(message.recipe.sha256).toMatch(/^[0-9a-f]{64}$/);
    const unsure = await fastsamdHere('inspect', at('part.jpg'), '--recipe', at('wide.yaml'), '--model', MODEL, '--json');
    expect(unsure.code).toBe(1);
    expect(JSON.parse(unsure.stdout)).toMatchObject({ verdict: 'UNSURE', reasons: ['CALIBRATION_MISSING'] });
  });

  it('puts every part on one sheet, and refuses a sheet that is no picture or is the input', { timeout: 60_000 }, async () => {
    await mkdir(at('two'));
    for (const name of ['a.jpg', 'b.jpg']) await copyFile(at('part.jpg'), join(at('two'), name));
    const run = (sheet: string) =>
      fastsamdHere('inspect', at('two'), '--recipe', at('wide.yaml'), '--model', MODEL, '--scale', '0.1', '--sheet', sheet);
    expect(await run(at('sheet.png'))).toMatchObject({ code: 0 });
    // Two tiles of 320 px side by side, 8 px around each.
    expect(await sharp(at('sheet.png')).metadata()).toMatchObject({ width: 664, height: 336 });
    expect(await run(at('sheet.txt'))).toMatchObject({ code: 2, stderr: expect.stringMatching(/--sheet .*expected a picture/) });
    expect(await run(join(at('two'), 'a.jpg'))).toMatchObject({ code: 2, stderr: expect.stringMatching(/would be destroyed/) });
  });

  it('refuses a recipe with a typing error as a whole, naming line and key', async () => {
    const { code, stderr } = await fastsamdHere('inspect', at('part.jpg'), '--recipe', at('typo.yaml'), '--model', MODEL);
    expect(code).toBe(2);
    expect(stderr).toMatch(/typo\.yaml:5:12 objects\.parts\.minArae: unknown key; did you mean "minArea"\?/);
  });
});
