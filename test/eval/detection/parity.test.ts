/**
 * Figures of a small data set (8 drawn pictures, 24 objects, crowds among them, 37 results with equal scores) against what
 * pycocotools 2.0.11 and lvis-api 0.5.3 compute from the very same files; case.json holds both.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDataset } from '../../../src/eval/detection/dataset.js';
import { DetectionEvaluation, type IouType, type Rules } from '../../../src/eval/detection/evaluation.js';
import { figuresOf, PROPOSAL_LIMITS, proposalAuc } from '../../../src/eval/detection/figures.js';
import { readResults } from '../../../src/eval/detection/results.js';

interface Case {
  readonly annotations: { readonly annotations: readonly { readonly iscrowd: number }[] };
  readonly segm: unknown;
  readonly bbox: unknown;
  readonly figures: Readonly<Record<string, readonly number[]>>;
}
const data = JSON.parse(readFileSync(new URL('case.json', import.meta.url), 'utf8')) as Case;

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-parity-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function figures(rules: Rules, iouType: IouType, agnostic: boolean, maxDets: readonly number[]): Promise<number[]> {
  // LVIS has no crowds, so its tools were given none.
  const annotations =
    rules === 'coco'
      ? data.annotations
      : { ...data.annotations, annotations: data.annotations.annotations.filter(({ iscrowd }) => !iscrowd) };
  const dataset = parseDataset(annotations, 'case.json', { federated: rules === 'lvis' });
  const file = join(directory, 'results.json');
  await writeFile(file, JSON.stringify(data[iouType]));
  const results = await readResults(file, dataset, { anyCategory: agnostic });
  const evaluation = new DetectionEvaluation(dataset, { rules, iouType, agnostic, maxDets });
  for (const picture of dataset.pictures) {
    evaluation.add(await evaluation.prepare(picture, dataset.truths.get(picture.id) ?? [], results.of(picture.id)));
  }
  return figuresOf(rules, maxDets, agnostic).map((figure) => evaluation.value(figure));
}

describe('figures', () => {
  it.each(Object.keys(data.figures))('of "%s" equal the official tool', async (name) => {
    const [rules, iouType, classes, limits] = name.split(' ') as [Rules, IouType, string, string];
    const maxDets = limits.split(',').map(Number);
    const values = await figures(rules, iouType, classes === 'agnostic', maxDets);
    for (const [k, expected] of data.figures[name]!.entries()) {
      // pycocotools prints the first figure at 100 detections or not at all; ours falls back to the last limit.
      if (k === 0 && rules === 'coco' && !maxDets.includes(100)) continue;
      expect(values[k], `figure ${k}`).toBeCloseTo(expected, 12);
    }
  });
});

describe('the area under the proposal curve', () => {
  it('is 1 less the first trapezoid for a perfect recall', () => {
    // The recall at one proposal is taken as 0, as OLN does: half of the first trapezoid is lost.
    const lost = Math.log(10) / Math.log(1000) / 2;
    expect(proposalAuc(PROPOSAL_LIMITS.map(() => 1))).toBeCloseTo(1 - lost, 12);
  });

  it('follows the published recalls of FastSAM: 0.316 from three points', () => {
    // AR@10, @100, @1000 of the paper joined by straight lines over ln k, the other limits between them.
    const [a10, a100, a1000] = [0.157, 0.473, 0.637];
    const between = (k: number) => {
      const x = Math.log10(k);
      if (x <= 1) return a10 * x;
      return x <= 2 ? a10 + (a100 - a10) * (x - 1) : a100 + (a1000 - a100) * (x - 2);
    };
    expect(proposalAuc(PROPOSAL_LIMITS.map(between))).toBeCloseTo(0.316, 3);
  });
});
