// `fastsamd eval score coco` and pycocotools in turns on the same files: whole processes, wall clock and processor time, medians. The
// figures of both are compared as well. Drawn data sets, or a user's: ANNOTATIONS=instances.json RESULTS=detections.json.
// PYTHON names a Python that has pycocotools; ROUNDS (3) and PICTURES (500) are the size of the measurement.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const say = (line) => process.stdout.write(`${line}\n`);
const python = process.env.PYTHON || 'python3';
const rounds = Number(process.env.ROUNDS || 3);
const pictures = Number(process.env.PICTURES || 500);
const command = fileURLToPath(new URL('../../bin/fastsamd', import.meta.url));

if (spawnSync(python, ['-c', 'import pycocotools.cocoeval']).status !== 0) {
  say(`bench-eval: skipped: ${python} has no pycocotools; install it (pip install pycocotools) or name another with PYTHON=`);
  process.exit(0);
}

const SCORE = `
import sys, json, io, contextlib
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
annotations, results, kind, classes, limits = sys.argv[1:]
with contextlib.redirect_stdout(io.StringIO()):
    truth = COCO(annotations)
    task = COCOeval(truth, truth.loadRes(results), kind)
    task.params.useCats = int(classes == 'labels')
    task.params.maxDets = [int(limit) for limit in limits.split(',')]
    task.evaluate(); task.accumulate(); task.summarize()
print(json.dumps(task.stats.tolist()))
`;

/** Numbers from 0 to 1 (mulberry32). */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const WIDTH = 640;
const HEIGHT = 480;

/** A wavy blob: for each column from `left` on, the first row and the row behind the last. */
function blob(next) {
  const radius = 8 + 100 * next() ** 2;
  const [cx, cy] = [next() * WIDTH, next() * HEIGHT];
  const [amplitude, waves, phase] = [0.3 * next(), 3 + Math.floor(8 * next()), 6 * next()];
  return { cx, cy, radius, amplitude, waves, phase };
}

function columnsOf({ cx, cy, radius, amplitude, waves, phase }) {
  const left = Math.max(0, Math.round(cx - radius));
  const right = Math.min(WIDTH, Math.round(cx + radius));
  const columns = [];
  for (let x = left; x < right; x += 1) {
    const half = Math.sqrt(Math.max(0, radius ** 2 - (x - cx) ** 2)) * (1 + amplitude * Math.sin((waves * (x - left)) / radius + phase));
    const top = Math.min(HEIGHT, Math.max(0, Math.round(cy - half)));
    columns.push([top, Math.max(top, Math.min(HEIGHT, Math.round(cy + half * (1 - amplitude))))]);
  }
  return { left, columns };
}

/** COCO's compressed run lengths of a blob. */
function countsOf({ left, columns }) {
  const counts = [];
  let position = 0;
  for (const [k, [top, bottom]] of columns.entries()) {
    if (top === bottom) continue;
    const start = (left + k) * HEIGHT + top;
    if (start === position && counts.length > 0) counts[counts.length - 1] += bottom - top;
    else counts.push(start - position, bottom - top);
    position = (left + k) * HEIGHT + bottom;
  }
  counts.push(WIDTH * HEIGHT - position);
  let text = '';
  for (const [k, count] of counts.entries()) {
    let value = k > 2 ? count - counts[k - 2] : count;
    for (let more = true; more; ) {
      let group = value & 0x1f;
      value >>= 5;
      more = group & 0x10 ? value !== -1 : value !== 0;
      if (more) group |= 0x20;
      text += String.fromCharCode(group + 48);
    }
  }
  return text;
}

const areaOf = ({ columns }) => columns.reduce((sum, [top, bottom]) => sum + bottom - top, 0);
const boxOf = ({ left, columns }) => {
  const filled = columns.filter(([top, bottom]) => top < bottom);
  const top = Math.min(...filled.map(([first]) => first));
  return [left, top, columns.length, Math.max(...filled.map(([, last]) => last)) - top];
};

/** Pictures with seven objects each, some of them crowds, and detections of them, good and bad, beside others. */
function drawSet(count, categories, perPicture) {
  const next = random(1);
  const images = [];
  const annotations = [];
  const masks = [];
  const boxes = [];
  for (let id = 1; id <= count; id += 1) {
    images.push({ id, width: WIDTH, height: HEIGHT, file_name: `${id}.jpg` });
    const shapes = [];
    while (shapes.length < 7) {
      const shape = blob(next);
      const drawn = columnsOf(shape);
      const area = areaOf(drawn);
      if (area === 0) continue;
      shapes.push({ shape, category_id: 1 + Math.floor(categories * next()) });
      const segmentation = { size: [HEIGHT, WIDTH], counts: countsOf(drawn) };
      const { category_id } = shapes.at(-1);
      const iscrowd = next() < 0.02 ? 1 : 0;
      annotations.push({ id: annotations.length + 1, image_id: id, category_id, iscrowd, area, bbox: boxOf(drawn), segmentation });
    }
    for (let k = 0; k < perPicture; k += 1) {
      const { shape, category_id } = shapes[k % shapes.length];
      const near = k < 3 * shapes.length;
      const shift = () => (next() - 0.5) * shape.radius * 0.5;
      const drawn = columnsOf(near ? { ...shape, cx: shape.cx + shift(), cy: shape.cy + shift() } : blob(next));
      if (areaOf(drawn) === 0) continue;
      const head = { image_id: id, category_id: near ? category_id : 1 + Math.floor(categories * next()), score: next() ** (near ? 1 : 3) };
      masks.push({ ...head, segmentation: { size: [HEIGHT, WIDTH], counts: countsOf(drawn) } });
      boxes.push({ ...head, bbox: boxOf(drawn) });
    }
  }
  const names = Array.from({ length: categories }, (_, k) => ({ id: k + 1, name: `c${k + 1}` }));
  return { annotations: { images, categories: names, annotations }, segm: masks, bbox: boxes };
}

/** Runs a program; its output, and its seconds on the clock and on processors. */
function timed(program, args) {
  const quoted = [program, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const { stdout, stderr, status } = spawnSync('bash', ['-c', `TIMEFORMAT='%R %U %S'; time ${quoted}`], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (status !== 0) throw new Error(`${program}: ${stderr}`);
  const [wall, user, system] = stderr.trim().split('\n').at(-1).split(' ').map(Number);
  return { stdout, wall, cpu: user + system };
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

function compare(title, annotations, results, kind, classes, limits) {
  const [theirs, ours] = [[], []];
  let difference = 0;
  for (let round = 0; round < rounds; round += 1) {
    theirs.push(timed(python, ['-c', SCORE, annotations, results, kind, classes, limits]));
    const options = ['--iou-type', kind, '--classes', classes, '--max-dets', limits, '--bootstrap', '0', '--json'];
    ours.push(timed(process.execPath, [command, 'eval', 'score', 'coco', '--annotations', annotations, '--results', results, ...options]));
    const stats = JSON.parse(theirs.at(-1).stdout);
    const { figures } = JSON.parse(ours.at(-1).stdout);
    for (const [k, value] of stats.entries()) difference = Math.max(difference, Math.abs(value - figures[k].value));
  }
  const of = (runs, key) => median(runs.map((run) => run[key]));
  const cells = ['wall', 'cpu'].map((key) => {
    const [a, b] = [of(theirs, key), of(ours, key)];
    return `${a.toFixed(2)} s | ${b.toFixed(2)} s | ${(a / b).toFixed(1)} ×`;
  });
  say(`| ${title} | ${kind}, ${classes}, ${limits} | ${cells.join(' | ')} | ${difference.toExponential(0)} |`);
}

say('| data | what | clock: pycocotools | fastsamd | | processor: pycocotools | fastsamd | | largest difference |');
say('|---|---|---|---|---|---|---|---|---|');
const SETTINGS = [
  ['segm', 'labels', '1,10,100'],
  ['bbox', 'labels', '1,10,100'],
  ['segm', 'agnostic', '10,100,1000'],
  ['bbox', 'agnostic', '10,100,1000'],
];
if (process.env.ANNOTATIONS && process.env.RESULTS) {
  const kinds = (process.env.KIND || 'segm').split(',');
  for (const setting of SETTINGS.filter(([kind]) => kinds.includes(kind)))
    compare('given', process.env.ANNOTATIONS, process.env.RESULTS, ...setting);
} else {
  const folder = mkdtempSync(join(tmpdir(), 'fastsamd-bench-eval-'));
  try {
    for (const [count, categories, perPicture, settings] of [
      [pictures, 80, 200, SETTINGS],
      [Math.ceil(pictures / 5), 1203, 300, SETTINGS.slice(0, 2)],
    ]) {
      const set = drawSet(count, categories, perPicture);
      const files = {};
      for (const key of ['annotations', 'segm', 'bbox']) {
        files[key] = join(folder, `${key}.json`);
        writeFileSync(files[key], JSON.stringify(set[key]));
      }
      const title = `${count} pictures, ${categories} classes, ${set.segm.length.toLocaleString('en')} detections`;
      for (const setting of settings) compare(title, files.annotations, files[setting[0]], ...setting);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
