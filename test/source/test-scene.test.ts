import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import type { NativeFrame } from '../../src/addon/frame.js';
import { openSource } from '../../src/source/open.js';

async function pictures(uri: string): Promise<Buffer[]> {
  const source = await openSource(uri);
  const taken: Buffer[] = [];
  for await (const frame of source) {
    using picture = frame;
    taken.push(Buffer.from(await native().toRgb(picture.pixels as NativeFrame)));
  }
  await source.stop();
  return taken;
}

describe.each(['shapes', 'conveyor'])('test:%s', (scene) => {
  const size = 'width=96&height=64&realtime=false';

  it('gives as many pictures as asked for, each different, the same every time', async () => {
    const taken = await pictures(`test:${scene}?${size}&frames=4&seed=3`);
    expect(taken.map((rgb) => rgb.length)).toEqual([0, 1, 2, 3].map(() => 96 * 64 * 3));
    expect(new Set(taken.map((rgb) => rgb.toString('base64'))).size).toBe(4);
    expect(await pictures(`test:${scene}?${size}&frames=4&seed=3`)).toEqual(taken);
  });

  it('another seed is another scene', async () => {
    expect(await pictures(`test:${scene}?${size}&frames=1&seed=1`)).not.toEqual(await pictures(`test:${scene}?${size}&frames=1&seed=2`));
  });

  it('drops pictures like a camera while nobody reads, unless realtime=false', async () => {
    const source = await openSource(`test:${scene}?width=96&height=64&fps=1000`);
    expect(source.live).toBe(true);
    const frames = source[Symbol.asyncIterator]();
    const first = (await frames.next()).value!;
    const positions = [first.ptsNs!];
    // Timers have whole milliseconds: a reader of 1000 pictures a second falls behind soon.
    while (source.dropped().busy === 0) {
      const next = (await frames.next()).value!;
      positions.push(next.ptsNs!);
      next[Symbol.dispose]();
    }
    expect(positions.at(-1)! - positions.at(-2)!).toBeGreaterThan(1_000_000n);
    first[Symbol.dispose]();
    await source.stop();
  });
});

describe('test:conveyor', () => {
  const options = { width: 320, height: 240, fps: 25, seed: 9_000_004 };

  it('its pictures have a truth: labels, boxes, kinds and defects', async () => {
    const { labels, instances } = await native().conveyorTruth(40, options);
    expect(labels).toHaveLength(320 * 240);
    expect(instances.length).toBeGreaterThan(3);
    instances.forEach(({ part, defect, box: [x0, y0, x1, y1], visiblePixels, visibleFraction }, k) => {
      expect(['washer', 'nut', 'bracket', 'bolt', 'plate']).toContain(part);
      expect(['none', 'missing-hole', 'bent', 'scratch']).toContain(defect);
      expect(visibleFraction).toBeGreaterThanOrEqual(0.15);
      const inside = labels.reduce((sum, label, i) => {
        if (label !== k + 1) return sum;
        const [x, y] = [i % 320, Math.floor(i / 320)];
        expect(x >= x0 && x < x1 && y >= y0 && y < y1).toBe(true);
        return sum + 1;
      }, 0);
      expect(inside).toBe(visiblePixels);
    });
  });

  it('frame rate says how far the belt moves: picture 30 at 10 a second is picture 60 at 20', async () => {
    const truth = await native().conveyorTruth(30, { ...options, fps: 10 });
    expect(await native().conveyorTruth(60, { ...options, fps: 20 })).toEqual(truth);
  });
});

describe('a scene as a bad camera', () => {
  it('drop=N gives every 1st to Nth picture, with their times, the same every time', async () => {
    const times = async () => {
      const source = await openSource('test:conveyor?width=32&height=32&fps=10&frames=200&realtime=false&drop=8&seed=5');
      const steps: number[] = [];
      for await (const frame of source) {
        using picture = frame;
        steps.push(Number(picture.ptsNs) / 1e8);
      }
      await source.stop();
      return steps;
    };
    const taken = await times();
    const gaps = new Set(taken.slice(1).map((time, k) => Math.round(time - taken[k]!)));
    expect([...gaps].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await times()).toEqual(taken);
  });

  it.each(['shapes', 'conveyor'])('what moves, hides and dims test:%s is in its pictures', async (scene) => {
    const size = 'width=96&height=64&realtime=false&frames=41';
    const plain = (await pictures(`test:${scene}?${size}`)).at(-1)!;
    for (const option of ['camera=pan', 'camera=zoom', 'camera=shake', 'camera=yaw', 'bar=0.4', 'light=0.5']) {
      expect((await pictures(`test:${scene}?${size}&${option}`)).at(-1)!, option).not.toEqual(plain);
    }
  });

  it('the shapes have a truth: the bar hides them, pieces say whose they are', async () => {
    const { labels, instances } = await native().shapesTruth(10, { width: 320, height: 180, seed: 3, pieces: true, bar: 0.5 });
    expect(new Set(labels).size).toBe(instances.length + 1);
    expect(labels.filter((_, i) => i % 320 >= 115 && i % 320 < 205).every((label) => label === 0)).toBe(true);
    const pieces = instances.filter(({ parent }) => parent !== undefined);
    expect(pieces.length).toBeGreaterThan(0);
    for (const { parent } of pieces) expect(instances.some(({ id }) => id === parent)).toBe(true);
  });
});

it.each([
  ['test:factory', /no such test scene \(expected test:shapes or test:conveyor\)/],
  ['test:conveyor?colour=red', /unknown parameter "colour"/],
  ['test:conveyor?twins=true', /unknown parameter "twins"/],
  ['test:shapes?camera=spin', /camera must be one of fixed, pan, zoom, shake, yaw/],
  ['test:conveyor?product=plate&lanes=3', /lanes must be a number from 1 to 2/],
  ['test:conveyor?lanes=2', /lanes needs product=plate/],
  ['test:conveyor?bar=11', /bar must be a number from 0 to 10/],
  ['test:conveyor?width=8', /width must be a number from 16 to 16384/],
])('%s is refused with what to do', async (uri, message) => {
  await expect(openSource(uri)).rejects.toThrow(message);
});
