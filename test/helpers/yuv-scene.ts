/** A drawn scene as raw video in the YUV formats of cameras and codecs, by the equations of the ITU's recommendations. */

/** Red, green and blue, 0…1, at (x, y) of 0…1. Smooth in both directions: neither codecs nor chroma at half the size lose anything. */
export type Scene = (x: number, y: number) => readonly [number, number, number];

export const smoothScene: Scene = (x, y) => [0.15 + 0.7 * x, 0.75 - 0.4 * y, 0.25 + 0.25 * (x + y)];

export type Matrix = 'bt601' | 'bt709' | 'bt2020';
export type Range = 'limited' | 'full';

/** Kr and Kb. */
const WEIGHTS: Readonly<Record<Matrix, readonly [number, number]>> = {
  bt601: [0.299, 0.114],
  bt709: [0.2126, 0.0722],
  bt2020: [0.2627, 0.0593],
};

export interface Layout {
  /** Pixels per chroma sample. */
  readonly chroma: readonly [horizontal: number, vertical: number];
  readonly depth: number;
  /** Packs three planes; `planar` writes one after the other. */
  readonly pack: 'planar' | 'yuyv' | 'uyvy' | 'yvyu' | 'semi-planar' | 'packed' | 'grey';
}

/** The formats of GStreamer of those names. */
export const LAYOUTS = {
  I420: { chroma: [2, 2], depth: 8, pack: 'planar' },
  NV12: { chroma: [2, 2], depth: 8, pack: 'semi-planar' },
  YUY2: { chroma: [2, 1], depth: 8, pack: 'yuyv' },
  UYVY: { chroma: [2, 1], depth: 8, pack: 'uyvy' },
  YVYU: { chroma: [2, 1], depth: 8, pack: 'yvyu' },
  Y42B: { chroma: [2, 1], depth: 8, pack: 'planar' },
  NV16: { chroma: [2, 1], depth: 8, pack: 'semi-planar' },
  Y41B: { chroma: [4, 1], depth: 8, pack: 'planar' },
  Y444: { chroma: [1, 1], depth: 8, pack: 'planar' },
  v308: { chroma: [1, 1], depth: 8, pack: 'packed' },
  GRAY8: { chroma: [1, 1], depth: 8, pack: 'grey' },
  I420_10LE: { chroma: [2, 2], depth: 10, pack: 'planar' },
  I422_10LE: { chroma: [2, 1], depth: 10, pack: 'planar' },
  Y444_10LE: { chroma: [1, 1], depth: 10, pack: 'planar' },
  I422_12LE: { chroma: [2, 1], depth: 12, pack: 'planar' },
} as const satisfies Readonly<Record<string, Layout>>;
export type Format = keyof typeof LAYOUTS;

type Plane = { readonly width: number; readonly height: number; readonly samples: Uint16Array };

/** One frame of `scene`, in GStreamer's memory layout: rows padded to 4 bytes. */
export function yuvFrame(scene: Scene, format: Format, width: number, height: number, matrix: Matrix, range: Range): Buffer {
  const { chroma, depth, pack } = LAYOUTS[format];
  const luma = plane(scene, width, height, [1, 1], (rgb) => quantised(toYuv(rgb, matrix)[0], depth, range, 'luma'));
  if (pack === 'grey') return memoryOf(luma);
  const [u, v] = ([1, 2] as const).map((k) =>
    plane(scene, width, height, chroma, (rgb) => quantised(toYuv(rgb, matrix)[k], depth, range, 'chroma')),
  ) as [Plane, Plane];
  const bytes = depth > 8 ? 2 : 1;
  const lumaRows = Math.ceil(height / chroma[1]) * chroma[1];
  switch (pack) {
    case 'planar':
      return Buffer.concat([memoryOf(luma, bytes, lumaRows), memoryOf(u, bytes), memoryOf(v, bytes)]);
    case 'semi-planar':
      return Buffer.concat([memoryOf(luma, bytes, lumaRows), memoryOf(interleaved([u, v]), bytes)]);
    case 'packed':
      return memoryOf(interleaved([luma, u, v]));
    default:
      return memoryOf(packed422(luma, u, v, pack));
  }
}

/** What a viewer sees of it: tight RGB. */
export function rgbFrame(scene: Scene, width: number, height: number): Uint8Array {
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const levels = scene((x + 0.5) / width, (y + 0.5) / height).map((value) => Math.round(value * 255));
      rgb.set(levels, 3 * (y * width + x));
    }
  }
  return rgb;
}

/** Its luma only, as a grey picture. */
export function greyFrame(scene: Scene, width: number, height: number, matrix: Matrix): Uint8Array {
  return rgbFrame((x, y) => Array(3).fill(toYuv(scene(x, y), matrix)[0]) as [number, number, number], width, height);
}

function toYuv([red, green, blue]: readonly [number, number, number], matrix: Matrix): [number, number, number] {
  const [kr, kb] = WEIGHTS[matrix];
  const luma = kr * red + (1 - kr - kb) * green + kb * blue;
  return [luma, (blue - luma) / (2 * (1 - kb)), (red - luma) / (2 * (1 - kr))];
}

/** `value` in 0…1 (luma) or -0.5…0.5 (chroma) as a sample, ITU-R BT.601 and BT.709 (limited) or JFIF (full). */
function quantised(value: number, depth: number, range: Range, kind: 'luma' | 'chroma'): number {
  const level = 2 ** (depth - 8);
  const middle = kind === 'luma' ? 0 : 128 * level;
  if (range === 'full') return Math.min(2 ** depth - 1, Math.round(middle + value * (2 ** depth - 1)));
  return Math.round(kind === 'luma' ? (16 + 219 * value) * level : middle + 224 * level * value);
}

/** The samples lie in the middle of the pixels that they stand for. */
function plane(
  scene: Scene,
  width: number,
  height: number,
  [wide, high]: readonly [number, number],
  sample: (rgb: readonly [number, number, number]) => number,
): Plane {
  const made = { width: Math.ceil(width / wide), height: Math.ceil(height / high) };
  const samples = new Uint16Array(made.width * made.height);
  for (let y = 0; y < made.height; y += 1) {
    for (let x = 0; x < made.width; x += 1) {
      samples[y * made.width + x] = sample(scene(((x + 0.5) * wide) / width, ((y + 0.5) * high) / height));
    }
  }
  return { ...made, samples };
}

function interleaved(planes: readonly Plane[]): Plane {
  const { width, height } = planes[0]!;
  const samples = new Uint16Array(width * height * planes.length);
  for (const [k, one] of planes.entries()) {
    for (const [index, value] of one.samples.entries()) samples[index * planes.length + k] = value;
  }
  return { width: width * planes.length, height, samples };
}

function packed422(luma: Plane, u: Plane, v: Plane, order: 'yuyv' | 'uyvy' | 'yvyu'): Plane {
  const width = u.width * 4;
  const samples = new Uint16Array(width * luma.height);
  for (let y = 0; y < luma.height; y += 1) {
    for (let x = 0; x < u.width; x += 1) {
      const at = (offset: number) => luma.samples[y * luma.width + Math.min(2 * x + offset, luma.width - 1)]!;
      const [cu, cv] = [u.samples[y * u.width + x]!, v.samples[y * u.width + x]!];
      const group = { yuyv: [at(0), cu, at(1), cv], uyvy: [cu, at(0), cv, at(1)], yvyu: [at(0), cv, at(1), cu] }[order];
      samples.set(group, y * width + 4 * x);
    }
  }
  return { width, height: luma.height, samples };
}

/** Rows of a multiple of 4 bytes; more of them than the plane has where chroma needs an even number. */
function memoryOf({ width, height, samples }: Plane, bytes: 1 | 2 = 1, rows = height): Buffer {
  const stride = Math.ceil((width * bytes) / 4) * 4;
  const memory = Buffer.alloc(stride * rows);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const value = samples[y * width + x]!;
      if (bytes === 1) memory[y * stride + x] = value;
      else memory.writeUInt16LE(value, y * stride + 2 * x);
    }
  }
  return memory;
}
