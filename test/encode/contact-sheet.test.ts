/** The picture sheet of judged parts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContactSheet } from '../../src/encode/contact-sheet.js';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-sheet-'));
});
afterAll(() => rm(directory, { recursive: true }));

const SIZE = { width: 8, height: 8 };
const grey = (level: number) => new Uint8Array(3 * SIZE.width * SIZE.height).fill(level);

describe('ContactSheet', () => {
  it('has room for some parts: one that is not OK takes the place of the first good one, and the sheet says how many are left out', async () => {
    const sheet = new ContactSheet(4);
    for (let part = 0; part < 5; part += 1) await sheet.add('OK', grey(250), SIZE);
    await sheet.add('NOK', grey(10), SIZE);
    expect(sheet.left).toBe(2);
    const path = join(directory, 'sheet.png');
    await sheet.write(path);
    const { data, info } = await sharp(path).greyscale().raw().toBuffer({ resolveWithObject: true });
    const columns = 2;
    const at = (index: number) => data[(8 + Math.floor(index / columns) * 328 + 2) * info.width + 8 + (index % columns) * 328 + 2]!;
    expect(at(0)).toBeGreaterThan(240);
    expect(at(3)).toBeLessThan(20);
  });

  it.each([
    [1, 1, 1],
    [2, 2, 1],
    [4, 2, 2],
    [5, 3, 2],
    [12, 4, 3],
  ])('has no column that is empty: %i parts in %i columns and %i rows', async (parts, columns, rows) => {
    const sheet = new ContactSheet();
    for (let part = 0; part < parts; part += 1) await sheet.add('OK', grey(250), SIZE);
    const path = join(directory, `sheet-${parts}.png`);
    await sheet.write(path);
    expect(await sharp(path).metadata()).toMatchObject({ width: columns * 328 + 8, height: rows * 328 + 8 });
  });

  it('writes nothing for no parts', async () => {
    const path = join(directory, 'none.png');
    await new ContactSheet().write(path);
    await expect(sharp(path).metadata()).rejects.toThrow();
  });
});
