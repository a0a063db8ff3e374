/** From image files to objects and prompt answers, against golden results of a dense float32 program. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { type MaskRuns, maskIou, maskOf } from '../../src/domain/mask.js';
import { parsePrompts } from '../../src/domain/prompt.js';
import type { Segments } from '../../src/domain/segments.js';
import type { SegmentationEngine } from '../../src/engine/engine.js';
import { openEngine } from '../../src/engine/open.js';
import { applyPrompts } from '../../src/prompt/apply.js';
import { openSource } from '../../src/source/open.js';

const SHARED = new URL('../../../shared/', import.meta.url).pathname;

interface GoldenMask {
  readonly size: [number, number];
  readonly counts: string;
}

interface Golden {
  readonly model: string;
  readonly conf: number;
  readonly iou: number;
  readonly maxDet: number;
  readonly snapToBorder: number;
  readonly images: readonly {
    readonly file: string;
    readonly width: number;
    readonly height: number;
    readonly objects: readonly {
      readonly bbox: [number, number, number, number];
      readonly score: number;
      readonly cls: number;
      readonly mask: GoldenMask;
    }[];
    readonly boxPrompts: readonly { readonly box: [number, number, number, number]; readonly index: number; readonly iou: number }[];
    readonly pointPrompts: readonly { readonly points: [number, number][]; readonly labels: (0 | 1)[]; readonly mergedMask: GoldenMask }[];
  }[];
}

const FILES = ['agnostic-conf0.05-iou0.9-snap20.json', 'coco-conf0.25-iou0.7-snap0.json'];

function runsOf({ size: [height, width], counts }: GoldenMask): MaskRuns {
  return native().decodeRle(counts, width, height);
}

/** For each golden object the best overlap among ours of the same class, each of ours used once. */
function matchedIous(golden: Golden['images'][number], segments: Segments): number[] {
  const free = new Set(Array.from({ length: segments.count }, (_, index) => index));
  return golden.objects.map(({ mask, cls }) => {
    const wanted = runsOf(mask);
    const ranked = [...free]
      .filter((index) => segments.classes[index] === cls)
      .map((index) => ({ index, iou: maskIou(wanted, maskOf(segments, index)) }))
      .sort((a, b) => b.iou - a.iou);
    const best = ranked[0];
    if (!best || best.iou < 0.5) return 0;
    free.delete(best.index);
    return best.iou;
  });
}

describe.skipIf(!existsSync(SHARED)).each(FILES)('golden images, %s (needs ../shared)', (file) => {
  let golden: Golden;
  let engine: SegmentationEngine;
  const found = new Map<string, Segments>();

  beforeAll(async () => {
    golden = JSON.parse(await readFile(`${SHARED}golden/${file}`, 'utf8')) as Golden;
    engine = await openEngine({ model: `${SHARED}models/${golden.model}` });
    for (const image of golden.images) {
      const source = await openSource(`${SHARED}images/${image.file}`);
      for await (const frame of source) {
        using picture = frame;
        found.set(image.file, (await engine.segment(picture, golden)).segments);
      }
      await source.stop();
    }
  }, 60_000);
  afterAll(() => engine?.stop());

  it('the same number of objects, one more or less, with the same masks', () => {
    for (const image of golden.images) {
      const segments = found.get(image.file)!;
      expect([segments.width, segments.height]).toEqual([image.width, image.height]);
      expect(Math.abs(segments.count - image.objects.length), image.file).toBeLessThanOrEqual(1);
      const ious = matchedIous(image, segments).filter((iou) => iou > 0);
      expect(image.objects.length - ious.length, image.file).toBeLessThanOrEqual(1);
      expect(ious.reduce((sum, iou) => sum + iou, 0) / ious.length, image.file).toBeGreaterThanOrEqual(0.99);
    }
  });

  it('the same object for every box prompt', () => {
    for (const image of golden.images) {
      const segments = found.get(image.file)!;
      for (const { box, index, iou } of image.boxPrompts) {
        const [answer] = applyPrompts(segments, parsePrompts([{ type: 'box', box, minIou: 0 }]));
        const match = answer!.matches[0]!;
        expect(match.score, `${image.file} ${box}`).toBeCloseTo(iou, 2);
        // Where no object touches the box, all score 0 and the first one is the answer.
        const same = iou === 0 ? match.index === index : maskIou(maskOf(segments, match.index), runsOf(image.objects[index]!.mask)) > 0.95;
        expect(same, `${image.file} ${box}`).toBe(true);
      }
    }
  });

  it('the same merged mask for every points prompt', () => {
    for (const image of golden.images) {
      const segments = found.get(image.file)!;
      for (const { points, labels, mergedMask } of image.pointPrompts) {
        const [answer] = applyPrompts(segments, parsePrompts([{ type: 'points', points, labels, select: 'merge' }]));
        expect(maskIou(answer!.merged!, runsOf(mergedMask)), `${image.file} ${points}`).toBeGreaterThanOrEqual(0.99);
      }
    }
  });
});
