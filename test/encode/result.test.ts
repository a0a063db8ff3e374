import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { resultMessageSchema } from '../../src/contract/result.js';
import { maskArea } from '../../src/domain/mask.js';
import { type PromptInput, parsePrompts } from '../../src/domain/prompt.js';
import type { FrameResult } from '../../src/domain/result.js';
import type { Segments } from '../../src/domain/segments.js';
import { type EncodeOptions, encodeResult } from '../../src/encode/result.js';
import { applyPrompts } from '../../src/prompt/apply.js';
import { rectangle, segmentsOf } from '../helpers/dense-masks.js';
import { EMPTY } from '../helpers/fakes.js';

const [WIDTH, HEIGHT] = [60, 40];
const scene = segmentsOf(WIDTH, HEIGHT, [
  rectangle(WIDTH, HEIGHT, [0, 0, 30, 30]),
  rectangle(WIDTH, HEIGHT, [35, 5, 55, 25]).map((is, pixel) => is && !rectangle(WIDTH, HEIGHT, [40, 10, 45, 15])[pixel]),
  rectangle(WIDTH, HEIGHT, [5, 5, 10, 10]),
]);

function resultOf(segments: Segments, prompts: PromptInput[] = [], labels: string[] = []): FrameResult {
  return {
    sequence: 7,
    captured: { wallMs: Date.parse('2026-11-22T10:00:00.123Z'), monotonicNs: process.hrtime.bigint() },
    origin: 'scene.jpg',
    model: { name: 'fastsam-s', backend: 'onnxruntime', inputWidth: 640, inputHeight: 384, labels },
    geometry: EMPTY.geometry,
    segments,
    promptRevision: 3,
    answers: applyPrompts(segments, parsePrompts(prompts)),
    timings: { wait: 1, preprocess: 2, infer: 3, decode: 4, prompt: 5 },
    dropped: { busy: 2 },
  };
}

const OPTIONS: EncodeOptions = {
  node: 'line-3',
  camera: 'belt',
  bootId: '5f0c8f9e-8a43-4a43-9d0b-0d2f0f1f2f3f',
  objects: 'matched',
  maskEncoding: 'rle',
  polygonTolerance: 0,
  maxPayloadBytes: 120_000,
};

describe('result messages', () => {
  it('follow the published schema and name frame, model and times', async () => {
    const { message, json } = await encodeResult(resultOf(scene), OPTIONS);
    expect(JSON.parse(json)).toEqual(message);
    expect(resultMessageSchema.parse(message)).toEqual(message);
    expect(message).toMatchObject({
      v: 1,
      node: 'line-3',
      camera: 'belt',
      seq: 7,
      frame: { width: WIDTH, height: HEIGHT, capturedAt: '2026-11-22T10:00:00.123Z' },
      model: { name: 'fastsam-s', backend: 'onnxruntime', input: [384, 640] },
      promptRevision: 3,
      dropped: { busy: 2 },
      prompts: [],
      degraded: false,
    });
    expect(message.frame.source).toBeUndefined();
    expect(message.objects.map(({ id, area, label, prompts }) => [id, area, label, prompts])).toEqual([
      [0, 900, null, []],
      [1, 375, null, []],
      [2, 25, null, []],
    ]);
  });

  it('carry masks that decode to the same pixels, in every encoding', async () => {
    const rle = await encodeResult(resultOf(scene), OPTIONS);
    const png = await encodeResult(resultOf(scene), { ...OPTIONS, maskEncoding: 'png' });
    const polygon = await encodeResult(resultOf(scene), { ...OPTIONS, maskEncoding: 'polygon' });
    const bbox = await encodeResult(resultOf(scene), { ...OPTIONS, maskEncoding: 'bbox' });
    const expected = scene.runs.subarray(2 * scene.offsets[1]!, 2 * scene.offsets[2]!);

    const mask = rle.message.objects[1]!.mask!;
    expect(mask.size).toEqual([HEIGHT, WIDTH]);
    expect('counts' in mask && native().decodeRle(mask.counts, WIDTH, HEIGHT)).toEqual(expected);

    const bitmap = png.message.objects[1]!.mask!;
    const pixels = await sharp(Buffer.from('png' in bitmap ? bitmap.png : '', 'base64'))
      .extractChannel(0)
      .raw()
      .toBuffer();
    expect(pixels.filter((value) => value === 255)).toHaveLength(375);
    expect(pixels.filter((value) => value === 0)).toHaveLength(WIDTH * HEIGHT - 375);

    const rings = polygon.message.objects[1]!.mask!;
    expect('polygons' in rings && rings.polygons.map((each) => each.length)).toEqual([2]);
    expect(bbox.message.objects.every((object) => object.mask === undefined)).toBe(true);
    expect(bbox.message.degraded).toBe(false);
  });

  it('send with prompts only what matched, or all on request, and say which prompts each object answers', async () => {
    const prompts: PromptInput[] = [
      { type: 'box', box: [35, 5, 55, 25], id: 'station' },
      { type: 'points', points: [[7, 7]], select: 'all', id: 'tap' },
      { type: 'points', points: [[58, 38]], id: 'floor' },
    ];
    const matched = await encodeResult(resultOf(scene, prompts), OPTIONS);
    expect(matched.message.objects.map(({ id, prompts: ids }) => [id, ids])).toEqual([
      [0, ['tap']],
      [1, ['station']],
      [2, ['tap']],
    ]);
    expect(matched.message.prompts).toEqual([
      { id: 'station', type: 'box', status: 'matched', objects: [{ id: 1, score: 0.9375 }] },
      {
        id: 'tap',
        type: 'points',
        status: 'matched',
        objects: [
          { id: 0, score: 1 },
          { id: 2, score: 1 },
        ],
      },
      { id: 'floor', type: 'points', status: 'unmatched', bestScore: 0 },
    ]);
    const one: PromptInput[] = [{ type: 'box', box: [35, 5, 55, 25] }];
    expect((await encodeResult(resultOf(scene, one), OPTIONS)).message.objects).toHaveLength(1);
    expect((await encodeResult(resultOf(scene, one), { ...OPTIONS, objects: 'all' })).message.objects).toHaveLength(3);
  });

  it('carry the merged mask of a merge prompt in its answer', async () => {
    // The point beside the small part paints the large one; the point on the small part erases that.
    const prompt: PromptInput = {
      type: 'points',
      points: [
        [7, 7],
        [20, 20],
      ],
      labels: [0, 1],
      select: 'merge',
    };
    const { message } = await encodeResult(resultOf(scene, [prompt]), OPTIONS);
    const [answer] = message.prompts;
    const mask = answer?.status === 'matched' ? answer.mask : undefined;
    const runs = native().decodeRle(mask && 'counts' in mask ? mask.counts : '', WIDTH, HEIGHT);
    expect(maskArea(runs)).toBe(900 - 25);
    expect(answer).toMatchObject({ status: 'matched', objects: [{ id: 0 }] });
  });

  it('name class and file where there are any', async () => {
    const { message } = await encodeResult(resultOf(scene, [], ['nut', 'bolt']), { ...OPTIONS, nameSource: true });
    expect(message.objects.map(({ label }) => label)).toEqual(['nut', 'nut', 'nut']);
    expect(message.frame.source).toBe('scene.jpg');
  });
});

describe('the payload budget', () => {
  // Stripes: an RLE much larger than the outline of a box.
  const busy = segmentsOf(
    200,
    200,
    Array.from({ length: 10 }, (_, k) => rectangle(200, 200, [0, 0, 200, 200]).map((is, pixel) => is && (pixel * (k + 3)) % 7 < 3)),
  );

  it('steps down rle → polygon → bbox and says degraded', async () => {
    const { message, json } = await encodeResult(resultOf(busy), { ...OPTIONS, maxPayloadBytes: 5000 });
    expect(Buffer.byteLength(json)).toBeLessThanOrEqual(5000);
    expect(message.degraded).toBe(true);
    expect(message.objects).toHaveLength(10);
    expect(message.objects.every(({ mask }) => mask === undefined)).toBe(true);
  });

  it('takes polygons where they fit', async () => {
    const simple = resultOf(scene);
    const exact = await encodeResult(simple, { ...OPTIONS, maskEncoding: 'polygon', polygonTolerance: 1 });
    const rle = await encodeResult(simple, OPTIONS);
    const between = await encodeResult(simple, {
      ...OPTIONS,
      maskEncoding: 'png',
      maxPayloadBytes: Math.max(exact.json.length, rle.json.length) + 40,
    });
    expect(between.message.objects).toHaveLength(3);
  });

  it('leaves out the weakest objects when even boxes are too large', async () => {
    const { message, json } = await encodeResult(resultOf(busy), { ...OPTIONS, maxPayloadBytes: 1024 });
    expect(Buffer.byteLength(json)).toBeLessThanOrEqual(1024);
    expect(message.degraded).toBe(true);
    expect(message.objects.length).toBeGreaterThan(0);
    expect(message.objects.map(({ id }) => id)).toEqual(Array.from({ length: message.objects.length }, (_, k) => k));
  });

  it.each([
    ['matched', 'status', [1]],
    ['matched', 'all', [0, 1, 2]],
    ['all', 'status', [1]],
    ['all', 'matched', [0, 1]],
  ] as const)('send what each prompt chose, by default what the camera did (%s, %s)', async (objects, publish, sent) => {
    const prompts: PromptInput[] = [
      { type: 'points', points: [[25, 25]], publish },
      { type: 'points', points: [[50, 20]], publish: 'matched' },
    ];
    const { message } = await encodeResult(resultOf(scene, prompts), { ...OPTIONS, objects });
    expect(message.objects.map(({ id }) => id)).toEqual(sent);
    expect(message.prompts.map(({ status }) => status)).toEqual(['matched', 'matched']);
  });
});
