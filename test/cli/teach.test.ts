/** `fastsamd teach`, and `inspect` by what it wrote, on drawn parts. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeJpeg } from '../../src/encode/snapshot.js';
import { openSource } from '../../src/source/open.js';
import { fastsamd } from '../helpers/command.js';
import { fastsamdHere } from '../helpers/command-here.js';

const MODEL = new URL('../../models/demo.onnx', import.meta.url).pathname;
let directory = '';
const at = (name: string) => join(directory, name);

const RECIPE = `recipe: label
edge: mask
objects:
  parts: { minArea: 400 }
checks:
  # What is printed has to look alike.
  - { id: print, measure: difference, max: 100000 }
  - { id: size, measure: diameter, of: "parts[0]", target: 50, tol: 40 }
`;

/** The part, `dx` further left, as bright as `light`; `spot` adds a bright square of 14 pixels. */
async function view(part: Buffer, { dx = 0, light = 1, spot = false }): Promise<Buffer> {
  const square = { input: { create: { width: 14, height: 14, channels: 3 as const, background: '#fff' } }, left: 300 - dx, top: 200 };
  const moved = await sharp(part).extract({ left: dx, top: 0, width: 600, height: 600 }).toBuffer();
  return sharp(
    await sharp(moved)
      .composite(spot ? [square] : [])
      .png()
      .toBuffer(),
  )
    .linear(light, 0)
    .jpeg({ quality: 92 })
    .toBuffer();
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-teach-'));
  let part: Buffer | undefined;
  for await (const frame of await openSource('test:conveyor?width=640&height=640&fps=25&frames=1&seed=9100000&realtime=false')) {
    using picture = frame;
    part = Buffer.from(await encodeJpeg(picture));
  }
  await Promise.all(['good', 'few', 'new'].map((name) => mkdir(at(name))));
  for (let k = 0; k < 6; k += 1) {
    const good = await view(part!, { dx: 8 + (k % 3), light: 1 - 0.02 * k });
    await writeFile(at(`good/${k}.jpg`), good);
    if (k < 3) await writeFile(at(`few/${k}.jpg`), good);
  }
  await writeFile(at('new/a.jpg'), await view(part!, { dx: 12, light: 0.93 }));
  await writeFile(at('new/b.jpg'), await view(part!, { dx: 5, light: 0.97, spot: true }));
  await writeFile(at('label.yaml'), RECIPE);
});
afterAll(() => rm(directory, { recursive: true }));

describe('fastsamd teach', () => {
  it('writes limits into the recipe and a golden sample, by which inspect tells a spot from a good part', async () => {
    const taught = ['--recipe', at('label.yaml'), '--model', MODEL];
    const lesson = await fastsamd('teach', at('good'), ...taught, '--out', at('label.taught'), '--limits', at('taught.yaml'));
    expect(lesson).toMatchObject({ code: 0 });
    expect(lesson.stdout).toMatch(/^check +n +median +sd +lsl +usl +outside +outside now\nprint +5 +0 /);
    expect(lesson.stderr).toContain('6 good parts; 20 and more');
    const recipe = await readFile(at('taught.yaml'), 'utf8');
    expect(recipe).toContain('# What is printed has to look alike.');
    expect(recipe).not.toContain('100000');
    expect(recipe).toMatch(/id: size,.* lsl: [\d.]+, usl: [\d.]+/);

    const { code, stdout } = await fastsamdHere(
      ...['inspect', at('new'), '--recipe', at('taught.yaml'), '--taught', at('label.taught'), '--model', MODEL, '--json'],
    );
    expect(code).toBe(1);
    const [good, bad] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).checks[0]);
    expect(good).toMatchObject({ id: 'print', result: 'ok', value: 0 });
    expect(bad).toMatchObject({ id: 'print', result: 'nok', code: 'ABOVE' });
    expect(bad.at[0]).toBeCloseTo(302, -1);
    expect(bad.at[1]).toBeCloseTo(207, -1);
  });

  it('refuses what it cannot learn from, and says what to do', async () => {
    const recipe = ['--recipe', at('label.yaml'), '--model', MODEL];
    const few = await fastsamdHere('teach', at('few'), ...recipe, '--out', at('few.taught'));
    expect(few.code).toBe(2);
    expect(few.stderr).toContain('3 good parts; expected at least 5');
    const nowhere = await fastsamdHere('teach', at('good'), ...recipe);
    expect(nowhere.stderr).toContain('expected --out FILE');
    await fastsamdHere('teach', at('good'), ...recipe, '--out', at('own.taught'));
    await writeFile(at('named.yaml'), `${RECIPE}taught: ${'a'.repeat(64)}\n`);
    const other = await fastsamdHere('inspect', at('new'), '--recipe', at('named.yaml'), '--model', MODEL, '--taught', at('own.taught'));
    expect(other).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('own.taught: recipe "label" was taught another one (aaaaaaaaaaaa…'),
    });
    const untaught = await fastsamdHere('inspect', at('new'), ...recipe);
    expect(untaught.stderr).toContain('expected --taught FILE');
    await writeFile(at('broken.taught'), '{"v":1}');
    const broken = await fastsamdHere('inspect', at('new'), ...recipe, '--taught', at('broken.taught'));
    expect(broken.stderr).toContain('broken.taught: recipe: ');
  });

  it('stops after --frames of a source without end', async () => {
    const scene = 'test:conveyor?width=640&height=640&fps=25&seed=9100000&realtime=false';
    const recipe = ['--recipe', at('label.yaml'), '--model', MODEL];
    const { code, stderr } = await fastsamdHere('teach', scene, ...recipe, '--frames', '7', '--out', at('first.taught'));
    expect({ code, parts: /(\d+) good parts/.exec(stderr)?.[1] }).toEqual({ code: 0, parts: '7' });
    expect(JSON.parse(await readFile(at('first.taught'), 'utf8'))).toMatchObject({ parts: 7 });
    const none = await fastsamdHere('teach', scene, ...recipe, '--frames', '1', '--out', at('none.taught'));
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('--frames') });
  });

  it('writes nothing where no check could be measured, and says of which it was not, where, and why', async () => {
    const recipe = at('two.yaml');
    await writeFile(
      recipe,
      'recipe: two\nobjects: { parts: { minArea: 400 } }\nchecks: [{ id: size, measure: diameter, of: parts, target: 50, tol: 40 }]\n',
    );
    const { code, stdout, stderr } = await fastsamdHere(
      'teach',
      at('good'),
      '--recipe',
      recipe,
      '--model',
      MODEL,
      '--limits',
      at('two-taught.yaml'),
    );
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('not measured in 6 of 6 parts: 0.jpg (size: AMBIGUOUS)');
    expect(stderr).toContain('check "size" keeps its limits: 0 values; expected at least 4');
    expect(stderr).toContain('recipe "two": no check was measured in enough parts');
    await expect(readFile(at('two-taught.yaml'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
