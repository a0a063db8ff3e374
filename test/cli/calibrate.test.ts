import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCalibration } from '../../src/inspect/calibration-file.js';
import { toPlane } from '../../src/measure/calibration.js';
import { fastsamd } from '../helpers/command.js';
import { fastsamdHere } from '../helpers/command-here.js';
import { drawPlane } from '../helpers/plane-picture.js';

const CAMERA = {
  frame: { width: 480, height: 360 },
  homography: [0.25, 0.01, -10, -0.008, 0.27, -15, 0.0001, 0.0007, 1],
  lens: { k1: 0.012, k2: -0.004, centre: [251, 170] as [number, number] },
};

let directory = '';
let grid = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-calibrate-'));
  grid = join(directory, 'grid.png');
  // 9 x 5 dots of 4 mm, 10 mm apart.
  const rgb = drawPlane(CAMERA, ([x, y]) => {
    const [i, k] = [Math.round(x / 10), Math.round(y / 10)];
    return i >= 0 && i < 9 && k >= 0 && k < 5 && Math.hypot(x - 10 * i, y - 10 * k) < 2;
  });
  await sharp(rgb, { raw: { ...CAMERA.frame, channels: 3 } })
    .png()
    .toFile(grid);
});
afterAll(() => rm(directory, { recursive: true }));

describe('fastsamd calibrate', { timeout: 120_000 }, () => {
  it('finds plane and lens from a picture of a grid of dots', async () => {
    const out = join(directory, 'dots.json');
    const picture = join(directory, 'found.png');
    const done = await fastsamd('calibrate', 'dots', grid, '--grid', '9x5', '--pitch', '10', '--out', out, '--picture', picture);
    expect(done).toMatchObject({ code: 0, stdout: expect.stringMatching(/^0\.2\d+ mm per pixel.*\n45 places, 0\.0\d\d px/) });
    const { calibration, sha256 } = await loadCalibration(out);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(calibration.residual.rmsPx).toBeLessThan(0.05);
    for (const place of [
      [80, 80],
      [240, 150],
      [380, 220],
    ] as const) {
      const [[x, y], [tx, ty]] = [toPlane(calibration, place), toPlane(CAMERA, place)];
      expect(Math.hypot(x - tx, y - ty)).toBeLessThan(0.02);
    }
    expect(await sharp(picture).metadata()).toMatchObject(CAMERA.frame);
  });

  it('says what is wrong with the grid, and with what it is given', async () => {
    const out = join(directory, 'no.json');
    const dots = (...more: string[]) => fastsamdHere('calibrate', 'dots', grid, '--out', out, ...more);
    expect(await dots('--grid', '9x6', '--pitch', '10')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('expected 9x6 dots, found 45 dots in a grid of 9x5'),
    });
    expect(await dots('--grid', 'nine', '--pitch', '10')).toMatchObject({ code: 2 });
    const points = (...pairs: string[]) =>
      fastsamdHere('calibrate', 'points', grid, '--out', out, ...pairs.flatMap((pair) => ['--pair', pair]));
    expect(await points('0,0=0,0', '10,10=1,1', '20,20=2,2', '30,30=3,3')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no three of four on one straight line'),
    });
    expect(await points('900,0=0,0')).toMatchObject({ code: 2, stderr: expect.stringContaining('not in a picture of 480x360') });
    await writeFile(out, '{"v":1}');
    await expect(loadCalibration(out)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('expected a calibration'),
    });
  });

  it('takes one length, or four places', async () => {
    const out = join(directory, 'scale.json');
    const scale = await fastsamdHere('calibrate', 'scale', grid, '--pixels', '800', '--millimetres', '40', '--out', out, '--json');
    expect(JSON.parse(scale.stdout)).toMatchObject({ by: 'scale', frame: CAMERA.frame, placeUncertainty: null });
    expect(JSON.parse(await readFile(out, 'utf8'))).toEqual(JSON.parse(scale.stdout));
    const pairs = ['10,10=0,0', '470,10=92,0', '470,350=92,68', '10,350=0,68'].flatMap((pair) => ['--pair', pair]);
    expect(await fastsamdHere('calibrate', 'points', grid, ...pairs, '--uncertainty', '0.05', '--out', out)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('0.200000 mm per pixel'),
    });
  });
});
