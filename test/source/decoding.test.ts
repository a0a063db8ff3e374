import { describe, expect, it } from 'vitest';
import type { Decoder } from '../../src/domain/picture.js';
import { decodingPlan, type Machine } from '../../src/source/decoding.js';
import { csiPipeline, filePipeline } from '../../src/source/pipelines.js';
import type { Way } from '../../src/source/source.js';

const SHARING: Machine = { platform: 'jetson', sharesMemory: true };
const COPYING: Machine = { platform: 'jetson', sharesMemory: false };
const PC: Machine = { platform: 'generic', sharesMemory: false };

/** The ways that are tried one after the other, as a pipeline says them. */
async function waysOf(machine: Machine, decoder: Decoder | undefined, deviceMemory = true): Promise<string[]> {
  const ways: string[] = [];
  for (let way: Way | undefined = 'in place'; way !== undefined; ) {
    const build = (_: unknown, chosen: Decoder, inPlace: boolean) => `${chosen}: ${csiPipeline(0, { inPlace })}`;
    const plan = await decodingPlan({ ...(decoder && { decoder }), deviceMemory }, way, build, machine);
    const [chosen, text] = plan.pipeline.split(': ');
    ways.push(`${chosen}${/NVMM\),format=\(string\)NV12 ! appsink/.test(text!) ? ' in place' : ''}, decodebin ${plan.decoder}`);
    way = plan.next;
  }
  return ways;
}

describe('what is tried until a camera gives a frame', () => {
  it('frames in device memory, copies of them, the processor', async () => {
    expect(await waysOf(SHARING, undefined)).toEqual(['auto in place, decodebin auto', 'auto, decodebin auto', 'cpu, decodebin cpu']);
  });
  it('without libnvbufsurface or TensorRT: copies, the processor', async () => {
    expect(await waysOf(COPYING, 'auto')).toEqual(['auto, decodebin auto', 'cpu, decodebin cpu']);
  });
  it('without device memory, as the camera asks for: copies, the processor', async () => {
    expect(await waysOf(SHARING, 'auto', false)).toEqual(['auto, decodebin auto', 'cpu, decodebin cpu']);
    expect(await waysOf(SHARING, 'hardware', false)).toEqual(['hardware, decodebin hardware']);
  });
  it('with decoder hardware the processor is never asked', async () => {
    expect(await waysOf(SHARING, 'hardware')).toEqual(['hardware in place, decodebin hardware', 'hardware, decodebin hardware']);
    expect(await waysOf(COPYING, 'hardware')).toEqual(['hardware, decodebin hardware']);
  });
  it('of a file, which is copied at once, no way twice', async () => {
    const plan = await decodingPlan({}, 'in place', (machine, decoder) => filePipeline(machine, '/a.mp4', false, { decoder }), SHARING);
    expect(plan.next).toBe('cpu');
  });
  it('with decoder cpu, and on a PC, the processor only', async () => {
    expect(await waysOf(SHARING, 'cpu')).toEqual(['cpu, decodebin cpu']);
    expect(await waysOf(PC, 'auto')).toEqual(['auto, decodebin cpu']);
  });
});
