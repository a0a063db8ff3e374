/** `fastsamd teach` of good surfaces, and `inspect` by them, with a network whose features are mean colours. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fastsamd } from '../helpers/command.js';
import { fastsamdHere } from '../helpers/command-here.js';
import { testModel, withPooledTaps } from '../helpers/onnx-model.js';

let directory = '';
const at = (name: string) => join(directory, name);

/** The model finds a part of 80 × 80 pixels about (80, 80), and two others. */
const RECIPE = `recipe: casting
edge: mask
objects:
  parts: {}
checks:
  - { id: skin, measure: anomaly, of: "parts[0]", max: 1000 }
`;

/** A surface of soft waves that differ a little from part to part; `spot`: a bright square of 12 pixels. */
async function picture(path: string, part: number, spot?: readonly [number, number]): Promise<void> {
  const pixels = new Uint8Array(320 * 320 * 3);
  for (let k = 0; k < pixels.length; k += 1) {
    const [x, y, channel] = [Math.floor(k / 3) % 320, Math.floor(k / 960), k % 3];
    const isSpot = spot && Math.abs(x - spot[0]) < 6 && Math.abs(y - spot[1]) < 6;
    pixels[k] = isSpot ? 250 : 120 + 20 * Math.sin((x + 3 * part) / 9 + channel) + 10 * Math.cos((y - 2 * part) / 7) + (part % 5);
  }
  await sharp(pixels, { raw: { width: 320, height: 320, channels: 3 } })
    .png()
    .toFile(path);
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-surface-'));
  await writeFile(at('three.onnx'), withPooledTaps(testModel()));
  await writeFile(at('other.onnx'), withPooledTaps(testModel({ metadata: { author: 'another' } })));
  await writeFile(at('plain.onnx'), testModel());
  await writeFile(at('casting.yaml'), RECIPE);
  await Promise.all(['good', 'new'].map((name) => mkdir(at(name))));
  for (let part = 0; part < 12; part += 1) await picture(at(`good/${String(part).padStart(2, '0')}.png`), part);
  await picture(at('new/good.png'), 12);
  await picture(at('new/scratch.png'), 13, [95, 70]);
  await picture(at('new/stray.png'), 14, [230, 200]);
});
afterAll(() => rm(directory, { recursive: true }));

describe('fastsamd teach, of surfaces', { timeout: 120_000 }, () => {
  it('proposes a limit from parts that were kept aside, by which inspect tells a spot on the part from one beside it', async () => {
    const recipe = ['--recipe', at('casting.yaml'), '--model', at('three.onnx')];
    const lesson = await fastsamd('teach', at('good'), ...recipe, '--out', at('casting.taught'), '--limits', at('taught.yaml'));
    expect(lesson).toMatchObject({ code: 0, stdout: expect.stringMatching(/\nskin +12 +[\d.]+ +[\d.]+ +– +[\d.]+ +0 +0\n/) });
    expect(await readFile(at('taught.yaml'), 'utf8')).toMatch(/measure: anomaly, of: "parts\[0\]", usl: [\d.]+ }/);
    const file = JSON.parse(await readFile(at('casting.taught'), 'utf8'));
    expect(file.surfaces.model).toMatchObject({ name: 'three.onnx', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    // 80 px, its diagonal, and a tenth around it.
    expect(file.surfaces.checks.skin).toMatchObject({ side: expect.closeTo(124, -1), parts: 12, dims: 6 });

    const taught = ['--recipe', at('taught.yaml'), '--taught', at('casting.taught')];
    const inspected = await fastsamdHere('inspect', at('new'), ...taught, '--model', at('three.onnx'), '--json');
    expect(inspected.code).toBe(1);
    const verdicts = inspected.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(['OK', 'NOK', 'OK']);
    const [check] = verdicts[1].checks;
    expect(check).toMatchObject({ id: 'skin', code: 'ABOVE', uncertainty: file.surfaces.checks.skin.uncertainty });
    expect(Math.abs(check.at[0] - 95)).toBeLessThan(12);
    expect(Math.abs(check.at[1] - 70)).toBeLessThan(12);

    const stale = await fastsamdHere('inspect', at('new'), ...taught, '--model', at('other.onnx'));
    expect(stale.code).toBe(3);
    expect(stale.stderr).toMatch(/casting\.taught: its surfaces were taught with the model three\.onnx .* teach again/);

    file.surfaces.checks.skin.mean = 'AAAA';
    await writeFile(at('broken.taught'), JSON.stringify(file));
    const broken = await fastsamdHere(
      'inspect',
      at('new'),
      '--recipe',
      at('taught.yaml'),
      '--taught',
      at('broken.taught'),
      '--model',
      at('three.onnx'),
    );
    expect(broken.code).toBe(2);
    expect(broken.stderr).toContain('broken.taught: surfaces.checks.skin.mean: not numbers for 6 features');
  });

  it('refuses a model without feature maps, no file to keep them in, and none to compare with', async () => {
    const recipe = ['--recipe', at('casting.yaml')];
    const unfit = await fastsamdHere('teach', at('good'), ...recipe, '--model', at('plain.onnx'), '--out', at('plain.taught'));
    expect(unfit.code).toBe(3);
    expect(unfit.stderr).toContain('plain.onnx: no layer /model.4/');
    const nowhere = await fastsamdHere('teach', at('good'), ...recipe, '--model', at('three.onnx'));
    expect(nowhere.stderr).toContain('compares with good surfaces; expected --out FILE');
    const untaught = await fastsamdHere('inspect', at('new'), ...recipe, '--model', at('three.onnx'));
    expect(untaught.stderr).toContain('expected --taught FILE');
  });
});
