// Compares two results of `segment --json` of one picture: the same objects in the same order, masks with an IoU of at least
// 0.995. Processors round the network's sums differently, so that a pixel on an outline may fall on either side.
//   node scripts/compare-results.mjs A.json B.json
import { readFileSync } from 'node:fs';

const LEAST_IOU = 0.995;
const [a, b] = process.argv.slice(2).map((path) => JSON.parse(readFileSync(path, 'utf8')).objects);

/** Lengths of runs of COCO's compressed RLE, by pycocotools' rleFrString. */
function runsOf(text) {
  const runs = [];
  for (let at = 0; at < text.length; ) {
    let value = 0;
    let shift = 0;
    let code;
    do {
      code = text.charCodeAt(at++) - 48;
      value |= (code & 0x1f) << shift;
      shift += 5;
    } while (code & 0x20);
    if (code & 0x10) value |= -1 << shift;
    runs.push(runs.length > 2 ? value + runs[runs.length - 2] : value);
  }
  return runs;
}

function pixelsOf({ counts, size: [height, width] }) {
  const pixels = new Uint8Array(height * width);
  let at = 0;
  for (const [k, run] of runsOf(counts).entries()) {
    if (k % 2 === 1) pixels.fill(1, at, at + run);
    at += run;
  }
  return pixels;
}

function iou(one, other) {
  const [p, q] = [pixelsOf(one), pixelsOf(other)];
  let both = 0;
  let any = 0;
  for (let k = 0; k < p.length; k += 1) {
    both += p[k] & q[k];
    any += p[k] | q[k];
  }
  return any === 0 ? 1 : both / any;
}

const ious = a.slice(0, b.length).map(({ mask }, k) => iou(mask, b[k].mask));
const equal = a.filter(({ mask }, k) => mask.counts === b[k]?.mask.counts).length;
const scores = a.slice(0, b.length).map(({ score }, k) => Math.abs(score - b[k].score));
process.stdout.write(
  `masks: ${a.length} here, ${b.length} there, ${equal} equal to the last pixel, least IoU ${Math.min(...ious).toFixed(4)}, scores within ${Math.max(...scores).toFixed(5)}\n`,
);
if (a.length === 0 || a.length !== b.length || ious.some((value) => !(value >= LEAST_IOU))) process.exit(1);
