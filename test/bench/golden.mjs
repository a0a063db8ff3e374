// Boards against their golden samples (PAIRS: a folder of NAME_temp.jpg, NAME_test.jpg and NAME.txt with x1 y1 x2 y2 per line, as DeepPCB has
// them): defects that a region touches, and regions that touch none, with the defaults. Nothing is tuned on what is counted here.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeImage } from '../../dist/addon/picture.js';
import { differenceTo } from '../../dist/measure/difference.js';

const { PAIRS } = process.env;
const say = (line) => process.stdout.write(`${line}\n`);
if (!PAIRS) {
  say('\nno PAIRS: golden samples are not compared');
  process.exit(0);
}
const meet = ([al, at, ar, ab], [bl, bt, br, bb]) => al < br && bl < ar && at < bb && bt < ab;
const names = (await readdir(PAIRS)).filter((name) => name.endsWith('.txt')).map((name) => name.slice(0, -4));
const sum = { defects: 0, touched: 0, regions: 0, elsewhere: 0 };
const times = [];
const smallest = [];
for (const name of names.sort()) {
  const [golden, board] = await Promise.all(
    ['temp', 'test'].map(async (kind) => ({ pixels: await decodeImage(join(PAIRS, `${name}_${kind}.jpg`), name) })),
  );
  const begin = performance.now();
  const { regions, shift } = await differenceTo(golden, board);
  times.push(performance.now() - begin);
  const defects = (await readFile(join(PAIRS, `${name}.txt`), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => line.split(/\s+/).map(Number));
  const found = regions.map(({ area, box: [l, t, r, b] }) => ({ area, box: [l + shift[0], t + shift[1], r + shift[0], b + shift[1]] }));
  sum.defects += defects.length;
  sum.touched += defects.filter((defect) => found.some(({ box }) => meet(box, defect))).length;
  sum.regions += found.length;
  const elsewhere = found.filter(({ box }) => !defects.some((defect) => meet(box, defect)));
  sum.elsewhere += elsewhere.length;
  smallest.push(...elsewhere.map(({ area }) => area));
}
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
say(`\n${names.length} boards: ${sum.touched} of ${sum.defects} defects touched; ${sum.elsewhere} of ${sum.regions} regions elsewhere`);
say(`median area elsewhere ${median(smallest) ?? '–'} px; ${median(times).toFixed(0)} ms a board`);
