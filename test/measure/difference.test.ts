import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { decodeImage } from '../../src/addon/picture.js';
import type { Frame } from '../../src/domain/frame.js';
import { differenceTo } from '../../src/measure/difference.js';

const [WIDTH, HEIGHT] = [240, 180];

/** A bright plate with a pattern on a dark ground, turned by `degrees` about its centre, with grey levels from `light`. */
function plate({ at = [120, 90], degrees = 0, gain = 1, offset = 0, spots = [] as (readonly [number, number, number])[] } = {}): Frame {
  const rgb = new Uint8Array(WIDTH * HEIGHT * 3);
  const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  for (let y = 0; y < HEIGHT; y += 1) {
    for (let x = 0; x < WIDTH; x += 1) {
      const [dx, dy] = [x + 0.5 - at[0]!, y + 0.5 - at[1]!];
      const [u, v] = [c * dx + s * dy, c * dy - s * dx];
      let grey = 40;
      if (Math.abs(u) < 70 && Math.abs(v) < 45) grey = 150;
      if (Math.hypot(u - 40, v - 20) < 12 || Math.hypot(u + 35, v + 10) < 8) grey = 70;
      for (const [su, sv, r] of spots) if (Math.hypot(u - su, v - sv) < r) grey = 230;
      rgb.fill(Math.round(grey * gain + offset), 3 * (y * WIDTH + x), 3 * (y * WIDTH + x) + 3);
    }
  }
  const pixels = native().createFrame(rgb, { width: WIDTH, height: HEIGHT, format: 'rgb' });
  return { pixels, width: WIDTH, height: HEIGHT } as unknown as Frame;
}

describe('differenceTo', () => {
  it('finds no difference in the same part, shifted, and in another light', async () => {
    const { shift, match, area } = await differenceTo(plate(), plate({ at: [131, 82], gain: 0.8, offset: 12 }));
    expect(shift).toEqual([11, -8]);
    expect(match).toBeGreaterThan(0.999);
    expect(area).toBe(0);
  });

  it('says where a spot is, in the golden picture', async () => {
    const spots = [[10, -25, 5] as const];
    const { regions } = await differenceTo(plate(), plate({ at: [124, 95], spots }));
    expect(regions).toHaveLength(1);
    expect(regions[0]!.centroid[0]).toBeCloseTo(130, 0);
    expect(regions[0]!.centroid[1]).toBeCloseTo(65, 0);
    expect(regions[0]!.area).toBeGreaterThan(20);
  });

  it('finds what is missing as it finds what is too much', async () => {
    const spots = [[10, -25, 5] as const];
    const { regions } = await differenceTo(plate({ spots }), plate());
    expect(regions).toHaveLength(1);
  });

  it('follows a pose', async () => {
    const turned = plate({ at: [128, 80], degrees: 25 });
    const pose = { from: [120, 90], to: [128, 80], degrees: 25 } as const;
    expect((await differenceTo(plate(), turned, { pose })).area).toBe(0);
    expect((await differenceTo(plate(), turned)).area).toBeGreaterThan(500);
  });

  it('compares what the mask covers alone', async () => {
    const left = Uint32Array.from(Array.from({ length: 60 }, (_, k) => [(60 + k) * HEIGHT + 50, (60 + k) * HEIGHT + 130]).flat());
    const spotted = plate({ spots: [[30, -25, 5]] });
    expect((await differenceTo(plate(), spotted)).area).toBeGreaterThan(0);
    expect((await differenceTo(plate(), spotted, { mask: left })).area).toBe(0);
    expect((await differenceTo(plate(), plate({ spots: [[-30, -25, 5]] }), { mask: left })).regions).toHaveLength(1);
  });

  it('refuses an empty mask', async () => {
    await expect(differenceTo(plate(), plate(), { mask: new Uint32Array() })).rejects.toMatchObject({ code: 'MISUSE' });
  });
});

const PAIRS = new URL('../../../shared/eval/deeppcb', import.meta.url).pathname;

describe.skipIf(!existsSync(PAIRS))('differenceTo on pairs of circuit boards (DeepPCB)', () => {
  it('touches at least 95 % of the marked defects, with its defaults', async () => {
    const names = (await readdir(PAIRS)).filter((name) => name.endsWith('.txt')).map((name) => name.slice(0, -4));
    let [marked, touched] = [0, 0];
    for (const name of names) {
      const [golden, board] = await Promise.all(['temp', 'test'].map((kind) => picture(`${PAIRS}/${name}_${kind}.jpg`)));
      const { regions, shift } = await differenceTo(golden!, board!);
      const boxes = (await readFile(`${PAIRS}/${name}.txt`, 'utf8'))
        .trim()
        .split('\n')
        .map((line) => line.split(' ').map(Number));
      const at = regions.map(({ box: [l, t, r, b] }) => [l + shift[0], t + shift[1], r + shift[0], b + shift[1]]);
      const meet = (a: number[], b: number[]) => a[0]! < b[2]! && b[0]! < a[2]! && a[1]! < b[3]! && b[1]! < a[3]!;
      marked += boxes.length;
      touched += boxes.filter((box) => at.some((each) => meet(each, box))).length;
    }
    expect(touched / marked).toBeGreaterThanOrEqual(0.95);
  });
});

async function picture(path: string): Promise<Frame> {
  const pixels = await decodeImage(path, path);
  return { pixels, width: pixels.width, height: pixels.height } as unknown as Frame;
}
