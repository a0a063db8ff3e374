import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../../src/addon/addon.js';
import { parseDataset } from '../../../src/eval/detection/dataset.js';
import { type Detection, Detections, readResults } from '../../../src/eval/detection/results.js';

let directory = '';
let files = 0;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-results-'));
});
afterAll(() => rm(directory, { recursive: true }));

const dataset = parseDataset(
  {
    images: [1, 2, 2 ** 53 - 1].map((id) => ({ id, width: 40, height: 30 })),
    categories: [{ id: 4, name: 'thing' }],
    annotations: [{ id: 1, image_id: 1, category_id: 4, area: 1, bbox: [0, 0, 1, 1], segmentation: [[0, 0, 1, 0, 1, 1]] }],
  },
  'annotations.json',
);

async function read(text: string | Buffer) {
  const path = join(directory, `${files++}.json`);
  await writeFile(path, text);
  return readResults(path, dataset, { anyCategory: false });
}

/** The detections of a text that comes in pieces of `bytes`. */
async function readPieces(text: string, bytes: number, picture: number): Promise<Detection[]> {
  const reader = native().openDetectionReader();
  const detections = new Detections();
  const all = Buffer.from(text);
  for (let at = 0; at < all.length; at += bytes) detections.add(await reader.push(all.subarray(at, at + bytes)));
  reader.finish();
  return detections.of(picture);
}

const number = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.double({ min: 0, max: 1, noNaN: true }));
const box = fc.tuple(number, number, number, number);
const size = fc.tuple(fc.integer({ min: 1, max: 9999 }), fc.integer({ min: 1, max: 9999 }));
const segmentation = fc.oneof(
  fc.array(fc.array(number, { maxLength: 8 }), { minLength: 1, maxLength: 3 }),
  fc.record({ size, counts: fc.array(fc.integer(), { maxLength: 6 }) }),
  // All characters of COCO's run lengths; the backslash is among them.
  fc.record({ size, counts: fc.array(fc.integer({ min: 48, max: 111 })).map((codes) => String.fromCharCode(...codes)) }),
);
const entry = fc
  .record({
    image_id: fc.constantFrom(1, 2, 2 ** 53 - 1),
    category_id: fc.constant(4),
    score: number,
    bbox: fc.option(box, { nil: undefined }),
    segmentation: fc.option(segmentation, { nil: undefined }),
    // Members that nobody asked for.
    id: fc.jsonValue(),
    'caption "\\é': fc.jsonValue(),
  })
  .filter(({ bbox, segmentation: mask }) => bbox !== undefined || mask !== undefined);

/** What the file says, as JSON.parse understands it. */
function expected(list: readonly { image_id: number; category_id: number; score: number; bbox?: unknown; segmentation?: unknown }[]) {
  return list.map(({ image_id, category_id, score, bbox, segmentation: mask }) => ({
    picture: image_id,
    category: category_id,
    score,
    box: bbox,
    segmentation: mask,
  }));
}

describe('results', () => {
  it('are what JSON.parse gives, however the file is cut and indented', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(entry, { maxLength: 5 }),
        fc.constantFrom(undefined, 2),
        fc.integer({ min: 1, max: 40 }),
        async (list, indent, bytes) => {
          const text = JSON.stringify(list, null, indent);
          const parsed = JSON.parse(text) as Parameters<typeof expected>[0];
          for (const picture of [1, 2, 2 ** 53 - 1])
            expect(await readPieces(text, bytes, picture)).toEqual(expected(parsed.filter(({ image_id }) => image_id === picture)));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('of a file of many pieces keep their order and their pictures', async () => {
    const counts = '0'.repeat(200);
    const list = Array.from({ length: 60_000 }, (_, k) => ({
      image_id: 1 + (k % 2),
      category_id: 4,
      score: k / 60_000,
      segmentation: { size: [30, 40], counts },
    }));
    const results = await read(JSON.stringify(list));
    expect(results.count).toBe(60_000);
    expect([...results.pictures()]).toEqual([1, 2]);
    expect(results.of(2).map(({ score }) => score)).toEqual(list.filter(({ image_id }) => image_id === 2).map(({ score }) => score));
    expect(results.of(2).at(-1)).toMatchObject({ segmentation: { size: [30, 40], counts } });
    expect(results.of(3)).toEqual([]);
  });

  it('may have every number that JSON has', async () => {
    const numbers = ['0', '-0', '1e-7', '1E+2', '0.1', '123456789012345678', '9007199254740993', '5e-324', '1.7976931348623157e308'];
    for (const text of [
      ...numbers,
      '0.30000000000000004',
      '0.8210649490356445',
      '2.2250738585072011e-308',
      '1000000000000000000000000.5',
    ]) {
      const [detection] = (await read(`[{"image_id":1,"category_id":4.0,"score":${text},"bbox":[0,0,1,1]}]`)).of(1);
      expect(detection!.score, text).toBe(JSON.parse(text));
    }
  });

  it('take the last of equal members, escaped or not, and null and empty lists as absent', async () => {
    const text = '[{"image_id":2,"image\\u005fid":1,"category_id":4,"score":0,"score":0.5,"bbox":[0,0,1,1],"segmentation":[]}, ';
    const [first, second] = (
      await read(`${text}{"image_id":1,"category_id":4,"score":1,"bbox":null,"segmentation":{"counts":"\\u0030\\/\\\\","size":[3,2]}}]`)
    ).of(1);
    expect(first).toMatchObject({ score: 0.5, box: [0, 0, 1, 1], segmentation: undefined });
    expect(second).toMatchObject({ box: undefined, segmentation: { size: [3, 2], counts: '0/\\' } });
  });

  const good = '{"image_id":1,"category_id":4,"score":1,"bbox":[0,0,1,1]}';
  it.each([
    ['an object', '{"a": [1]}', /expected COCO results, a list of/],
    ['a number', '1', /expected COCO results, a list of/],
    ['nothing', '', /not JSON: the list has no end/],
    ['a list without an end', `[${good}`, /not JSON: the list has no end/],
    ['an entry without an end', `[${good}, {"image_id":`, /not JSON: the list has no end/],
    ['something behind the list', `[${good}] 2`, /not JSON: something follows the list, at byte 60/],
    ['a comma too many', `[${good},]`, /not JSON at byte 59, in result 1/],
    ['a comma too few', `[${good} ${good}]`, /expected a comma or the end of the list/],
    ['a bracket of another kind', `[${good}}`, /not JSON at byte 58/],
    ['a key without quotes', '[{image_id:1}]', /not JSON at byte 2, in result 0/],
    ['a number that begins with 0', `[${good.replace('"score":1', '"score":01')}]`, /not JSON/],
    ['an escape that JSON does not have', '[{"\\x":1}]', /not JSON/],
    ['a line feed in a text', '[{"a\n":1}]', /not JSON/],
    ['lists in lists without end', `[${'['.repeat(100)}`, /not JSON at byte 65/],
    ['a NaN', `[${good},${good.replace('"score":1', '"score":NaN')}]`, /in result 1: JSON has no NaN and no Infinity/],
    ['an entry that is no object', `[${good}, 7]`, /result 1: expected an object with image_id/],
    [
      'a picture that is no whole number',
      `[${good.replace('"image_id":1', '"image_id":1.5')}]`,
      /result 0: expected an object with image_id/,
    ],
    ['a picture beyond whole numbers', `[${good.replace('"image_id":1', '"image_id":9007199254740993')}]`, /result 0: expected an object/],
    [
      'a category that is a text',
      `[${good.replace('"category_id":4', '"category_id":"x"')}]`,
      /result 0 has category "x": expected a whole/,
    ],
    ['no category', `[${good.replace('"category_id":4', '"c":4')}]`, /result 0 has category undefined: expected a whole/],
    ['a box of three numbers', `[${good.replace('[0,0,1,1]', '[0,0,1]')}]`, /result 0: expected a bbox of four finite/],
    ['a box of five numbers', `[${good.replace('[0,0,1,1]', '[0,0,1,1,1]')}]`, /result 0: expected a bbox of four finite/],
    ['a box without an end to it', `[${good.replace('[0,0,1,1]', '[0,0,1,1e999]')}]`, /result 0: expected a bbox of four finite/],
    ['a polygon of texts', `[${good.replace('"bbox"', '"segmentation":[["a"]],"bbox"')}]`, /result 0: expected a segmentation/],
    [
      'run lengths without a size',
      `[${good.replace('"bbox"', '"segmentation":{"counts":"0"},"bbox"')}]`,
      /result 0: expected a segmentation/,
    ],
    [
      'a size of three sides',
      `[${good.replace('"bbox"', '"segmentation":{"counts":"0","size":[1,1,1]},"bbox"')}]`,
      /expected a segmentation/,
    ],
    [
      'run lengths with a half',
      `[${good.replace('"bbox"', '"segmentation":{"counts":[0.5],"size":[1,1]},"bbox"')}]`,
      /expected a segmentation/,
    ],
  ])('refuse %s', async (_, text, message) => {
    await expect(read(text)).rejects.toMatchObject({ code: 'DATASET_INVALID', message: expect.stringMatching(message) });
  });

  it('refuse what no reader of bytes expects', async () => {
    await expect(read(Buffer.from([0xff, 0xfe, 0x5b]))).rejects.toMatchObject({ code: 'DATASET_INVALID' });
    await expect(readResults(join(directory, 'absent.json'), dataset, { anyCategory: false })).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
    });
    await expect(readResults(directory, dataset, { anyCategory: false })).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
  });

  it('are read one piece at a time', async () => {
    const reader = native().openDetectionReader();
    const first = reader.push(Buffer.from('['));
    await expect(reader.push(Buffer.from(']'))).rejects.toMatchObject({ code: 'MISUSE' });
    await first;
    expect(() => reader.finish()).toThrow(/the list has no end/);
  });
});
