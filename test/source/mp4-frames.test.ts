import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mp4FrameCount } from '../../src/source/mp4-frames.js';
import { fastsamd } from '../helpers/command.js';
import { writeTestModel } from '../helpers/onnx-model.js';

let directory = '';
const at = (name: string) => join(directory, name);
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-mp4-'));
});
afterAll(() => rm(directory, { recursive: true }));

function box(type: string, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.length);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
}

const numbers = (...values: number[]) => Buffer.concat(values.map((value) => Buffer.from(Uint32Array.of(value).buffer).swap32()));
const track = (handler: string, samples: number) =>
  box('trak', box('mdia', box('hdlr', numbers(0, 0), Buffer.from(handler)), box('minf', box('stbl', box('stsz', numbers(0, 0, samples))))));

describe('frames of an MP4', () => {
  it('of what GStreamer writes', async () => {
    const model = await writeTestModel(at('three.onnx'));
    const scene = 'test:shapes?width=64&height=64&frames=7&realtime=false';
    expect((await fastsamd('segment', scene, '--model', model, '--out', at('clip.mp4'))).code).toBe(0);
    expect(await mp4FrameCount(at('clip.mp4'))).toBe(7);
  });

  it('are those of the video track, also behind the data and in a box with a long size', async () => {
    const data = Buffer.concat([numbers(1), Buffer.from('mdat'), numbers(0, 20), numbers(7)]);
    await writeFile(at('a.mp4'), Buffer.concat([box('ftyp'), data, box('moov', track('soun', 900), track('vide', 42))]));
    expect(await mp4FrameCount(at('a.mp4'))).toBe(42);
  });

  it('are unknown of anything else, whatever it holds', async () => {
    expect(await mp4FrameCount(at('none.mp4'))).toBeUndefined();
    expect(await mp4FrameCount('rtsp://camera/1')).toBeUndefined();
    const nested = Array.from({ length: 300 }).reduce<Buffer>((inner) => box('moov', inner), Buffer.alloc(0));
    await writeFile(at('deep.mp4'), nested);
    expect(await mp4FrameCount(at('deep.mp4'))).toBeUndefined();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        await writeFile(at('noise.mp4'), Buffer.concat([box('moov', Buffer.from(bytes))]));
        const found = await mp4FrameCount(at('noise.mp4'));
        expect(found === undefined || found > 0).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});
