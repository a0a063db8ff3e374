// Surfaces by a memory of patches, beside a plain implementation of the same method in double precision that shares nothing with it but the
// network's feature maps. TILES: a folder of good pictures ("good", every second one is learnt from) and one for each defect; MODEL: YOLOv8-seg.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeImage } from '../../dist/addon/picture.js';
import { FeatureNetwork } from '../../dist/engine/onnxruntime/features.js';
import { learnPatches, patchDistances, patchGrid, surfaceScore } from '../../dist/measure/patch-memory.js';

const { TILES, MODEL } = process.env;
const say = (line) => process.stdout.write(`${line}\n`);
if (!TILES || !MODEL) {
  say('\nno TILES and MODEL: surfaces are not compared');
  process.exit(0);
}
const network = await FeatureNetwork.open(MODEL);

async function featuresOf(path) {
  const pixels = await decodeImage(path, path);
  const features = await network.of({ pixels });
  pixels.release();
  return features;
}

const pictures = async (kind) =>
  (await readdir(join(TILES, kind)))
    .filter((name) => name.endsWith('.jpg'))
    .sort()
    .map((name) => join(TILES, kind, name));
const good = await pictures('good');
const train = [];
for (const path of good.filter((_, k) => k % 2 === 1)) train.push(await featuresOf(path));
const test = [];
for (const path of good.filter((_, k) => k % 2 === 0)) test.push({ bad: 0, kind: 'good', features: await featuresOf(path) });
for (const { name: kind } of (await readdir(TILES, { withFileTypes: true })).filter((each) => each.isDirectory() && each.name !== 'good')) {
  for (const path of await pictures(kind)) test.push({ bad: 1, kind, features: await featuresOf(path) });
}
await network.stop();

async function* learnt() {
  for (const { maps, geometry } of train) yield patchGrid(maps, geometry);
}
let begin = performance.now();
const memory = await learnPatches(learnt(), train.length);
const learnMs = performance.now() - begin;
const times = [];
const allTimes = [];
for (const each of test) {
  begin = performance.now();
  const grid = patchGrid(each.features.maps, each.features.geometry);
  each.score = (await surfaceScore(grid, grid.cells, memory)).score;
  times.push(performance.now() - begin);
  begin = performance.now();
  await patchDistances(grid, memory);
  allTimes.push(performance.now() - begin);
}

/** The same, written down from docs/inspection.md: one patch as a list of numbers. */
function plainPatches({ maps, geometry: { left, top, contentWidth, contentHeight, inputWidth } }) {
  const [fine] = maps;
  const stride = inputWidth / fine.width;
  const patches = [];
  for (let y = 0; y < fine.height; y += 1) {
    for (let x = 0; x < fine.width; x += 1) {
      const [px, py] = [(x + 0.5) * stride, (y + 0.5) * stride];
      if (px < left || py < top || px >= left + contentWidth || py >= top + contentHeight) continue;
      const patch = [];
      for (const { channels, width, height, values } of maps) {
        const [cx, cy] = [Math.floor((x * width) / fine.width), Math.floor((y * height) / fine.height)];
        for (let c = 0; c < channels; c += 1) {
          let [sum, n] = [0, 0];
          for (let v = cy - 1; v <= cy + 1; v += 1) {
            for (let u = cx - 1; u <= cx + 1; u += 1) {
              if (u < 0 || v < 0 || u >= width || v >= height) continue;
              sum += values[(c * height + v) * width + u];
              n += 1;
            }
          }
          patch.push(sum / n);
        }
      }
      patches.push(Float64Array.from(patch));
    }
  }
  return patches;
}
function squared(a, b) {
  let sum = 0;
  for (let k = 0; k < a.length; k += 1) sum += (a[k] - b[k]) ** 2;
  return sum;
}
const share = Math.floor(10_000 / train.length);
const candidates = train.flatMap((features) => {
  const patches = plainPatches(features);
  const take = Math.min(share, patches.length);
  return Array.from({ length: take }, (_, k) => patches[Math.floor(((k + 0.5) * patches.length) / take)]);
});
const dims = candidates[0].length;
const mean = Array.from({ length: dims }, (_, c) => candidates.reduce((sum, row) => sum + row[c], 0) / candidates.length);
const sd = mean.map((m, c) => Math.sqrt(candidates.reduce((sum, row) => sum + (row[c] - m) ** 2, 0) / candidates.length) || 1);
const standard = (row) => row.map((value, c) => (value - mean[c]) / sd[c]);
const rows = candidates.map(standard);
const plainMemory = [rows[0]];
const nearest = rows.map((row) => squared(row, rows[0]));
while (plainMemory.length < 2000) {
  let at = 0;
  for (let k = 1; k < rows.length; k += 1) if (nearest[k] > nearest[at]) at = k;
  if (nearest[at] <= 0) break;
  plainMemory.push(rows[at]);
  for (let k = 0; k < rows.length; k += 1) nearest[k] = Math.min(nearest[k], squared(rows[k], rows[at]));
}
for (const each of test) {
  const distances = plainPatches(each.features).map((row) => {
    const patch = standard(row);
    return Math.sqrt(plainMemory.reduce((least, other) => Math.min(least, squared(patch, other)), Number.POSITIVE_INFINITY));
  });
  distances.sort((a, b) => b - a);
  const count = Math.max(1, Math.round(distances.length / 100));
  each.plain = distances.slice(0, count).reduce((sum, distance) => sum + distance, 0) / count;
}

function auroc(key, chosen) {
  const [bad, fine] = [1, 0].map((label) => chosen.filter((each) => each.bad === label).map((each) => each[key]));
  const wins = bad.reduce((sum, b) => sum + fine.reduce((part, g) => part + (b > g ? 1 : b === g ? 0.5 : 0), 0), 0);
  return wins / (bad.length * fine.length);
}
const worst = Math.max(...test.map(({ score, plain }) => Math.abs(score - plain) / plain));
say('\n| tiles | image AUROC | plain reference |');
say('|---|---|---|');
const kinds = [...new Set(test.filter(({ bad }) => bad).map(({ kind }) => kind))];
for (const kind of ['all', ...kinds]) {
  const chosen = test.filter((each) => kind === 'all' || !each.bad || each.kind === kind);
  say(
    `| ${kind} (${chosen.filter(({ bad }) => bad).length}) | ${auroc('score', chosen).toFixed(4)} | ${auroc('plain', chosen).toFixed(4)} |`,
  );
}
const medianOf = (values) => values.sort((a, b) => a - b)[values.length >> 1];
say(
  `\n${train.length} good learnt in ${(learnMs / 1000).toFixed(1)} s, ${test.length} tested; scores differ by at most ${(100 * worst).toFixed(4)} %; beside the network ${medianOf(times).toFixed(1)} ms a picture for its score, ${medianOf(allTimes).toFixed(1)} ms for the distance of every patch (medians)`,
);
