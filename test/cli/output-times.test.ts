/** An annotated video is as long as what it shows: its times come from the frames. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { resultMessageSchema } from '../../src/contract/result.js';
import { VideoOutput } from '../../src/encode/video-output.js';
import { openSource } from '../../src/source/open.js';
import { fastsamd } from '../helpers/command.js';
import { fastsamdHere } from '../helpers/command-here.js';
import { writeTestModel } from '../helpers/onnx-model.js';

const WIDTH = 64;
const HEIGHT = 48;
let directory = '';
const at = (name: string) => join(directory, name);

/** Times of the frames of a video, in milliseconds from the first one. */
async function timesOf(path: string): Promise<number[]> {
  const source = await openSource(path);
  const times: number[] = [];
  for await (const frame of source) {
    using picture = frame;
    times.push(Number(picture.ptsNs) / 1e6);
  }
  await source.stop();
  return times.map((time) => Math.round(time - times[0]!));
}

async function write(path: string, times: readonly (number | null)[]): Promise<void> {
  const output = new VideoOutput(path);
  for (const time of times) {
    const timeNs = time === null ? null : BigInt(time) * 1_000_000n;
    await output.write(new Uint8Array(WIDTH * HEIGHT * 3).fill(90), WIDTH, HEIGHT, timeNs);
  }
  await output.finish();
}

describe.skipIf(!native().features.gstreamer)('an annotated video (needs GStreamer)', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fastsamd-times-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  it.each(['mp4', 'mkv'])('keeps a variable rate: %s', async (kind) => {
    const times = [0, 40, 80, 500, 540, 1500, 1510, 4000, 4100, 4140];
    await write(at(`variable.${kind}`), times);
    for (const [k, time] of (await timesOf(at(`variable.${kind}`))).entries()) expect(Math.abs(time - times[k]!)).toBeLessThanOrEqual(1);
    // From any beginning, however late.
    await write(
      at(`late.${kind}`),
      times.map((time) => time + 86_400_000),
    );
    expect((await timesOf(at(`late.${kind}`))).at(-1)).toBeCloseTo(4140, -1);
  });

  it('goes on one frame later with the next source, and with pictures that have no time', async () => {
    await write(at('joined.mp4'), [0, 50, 100, 0, 50, null, null, 0]);
    expect(await timesOf(at('joined.mp4'))).toEqual([0, 50, 100, 150, 200, 250, 300, 350]);
  });

  it('of a variable-rate clip, and of a live source with drops, is as long as its frames say', async () => {
    const model = await writeTestModel(at('three.onnx'));
    const clip = at('clip.mkv');
    const times = Array.from({ length: 30 }, (_, k) => 40 * k + (k % 7 === 0 ? 20 : 0) + (k > 12 ? 900 : 0) + (k > 20 ? 1500 : 0));
    await write(clip, times);
    expect((await fastsamd('segment', clip, '--model', model, '--out', at('clip-out.mp4'))).code).toBe(0);
    expect((await timesOf(at('clip-out.mp4'))).at(-1)! / (times.at(-1)! - times[0]!)).toBeCloseTo(1, 2);

    // More frames a second than are segmented: most are dropped.
    const live = await fastsamdHere(
      'segment',
      'test:conveyor?fps=120&width=1280&height=720',
      '--model',
      model,
      '--frames',
      '15',
      '--json',
      '--out',
      at('live.mp4'),
    );
    expect(live.code).toBe(0);
    const results = live.stdout
      .trim()
      .split('\n')
      .map((line) => resultMessageSchema.parse(JSON.parse(line)));
    expect(results.some(({ dropped }) => (dropped.busy ?? 0) > 0)).toBe(true);
    const captured = results.map(({ frame }) => Date.parse(frame.capturedAt));
    const shown = await timesOf(at('live.mp4'));
    expect(shown).toHaveLength(15);
    expect(Math.abs(shown.at(-1)! / (captured.at(-1)! - captured[0]!) - 1)).toBeLessThan(0.05);
  });
});
