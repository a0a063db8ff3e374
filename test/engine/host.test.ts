import { describe, expect, it } from 'vitest';
import type { Frame } from '../../src/domain/frame.js';
import { SEGMENTATION_DEFAULTS } from '../../src/domain/segmentation.js';
import { HostEngine, type TensorNetwork } from '../../src/engine/host.js';
import { sharedTensors } from '../../src/engine/tensors.js';
import { FastsamError } from '../../src/errors.js';
import { anchorCount } from '../../src/model/signature.js';
import { openSource } from '../../src/source/open.js';

const SIZE = 64;
const model = { name: 'test', backend: 'onnxruntime', inputWidth: SIZE, inputHeight: SIZE, labels: [] } as const;

/** A network that finds one object, its score one tenth of the number of the run, once it is told to go on. */
class ScriptedNetwork implements TensorNetwork {
  readonly signature = { detections: 'd', proto: 'p', classes: 1, anchors: anchorCount(SIZE, SIZE) };
  readonly tensors = Array.from({ length: 3 }, () => sharedTensors(SIZE, SIZE, this.signature));
  readonly waiting: (() => void)[] = [];
  runs = 0;
  stopped = 0;
  failing = false;

  async run(place: number): Promise<readonly number[]> {
    const tensors = this.tensors[place]!;
    this.runs += 1;
    const score = this.runs / 10;
    await new Promise<void>((resolve) => this.waiting.push(resolve));
    if (this.failing) throw new FastsamError('ENGINE_FAILED', 'inference failed: on purpose');
    for (const [row, value] of [32, 32, 40, 40, score, 1].entries()) tensors.detections[row * this.signature.anchors] = value;
    tensors.proto.fill(1);
    return [5];
  }

  async stop(): Promise<void> {
    this.stopped += 1;
  }
}

async function aFrame(): Promise<Frame> {
  for await (const frame of await openSource(`test:shapes?width=${SIZE}&height=${SIZE}&realtime=false`)) return frame;
  throw new Error('no frame');
}

const options = { ...SEGMENTATION_DEFAULTS, conf: 0.05 };

describe('HostEngine', () => {
  it('overlaps as many frames as the network has tensors for, and settles them in order', async () => {
    using frame = await aFrame();
    const network = new ScriptedNetwork();
    const engine = new HostEngine({ model, network });
    expect(engine.msUntilFree()).toBe(0);
    const settled: number[] = [];
    const all = [0, 1, 2, 3].map((call) => engine.segment(frame, options).then(() => settled.push(call)));
    await expect.poll(() => network.waiting.length).toBe(engine.depth);
    network.waiting.shift()!();
    await expect.poll(() => network.runs).toBe(4);
    // The last first: the earlier ones are waited for.
    for (const goOn of network.waiting.splice(0).reverse()) {
      goOn();
      await new Promise(setImmediate);
    }
    await Promise.all(all);
    expect(settled).toEqual([0, 1, 2, 3]);
    await engine.stop();
    expect(network.stopped).toBe(1);
  });

  it('gives the place of a failed frame back', async () => {
    using frame = await aFrame();
    const network = new ScriptedNetwork();
    const engine = new HostEngine({ model, network });
    network.failing = true;
    for (let k = 0; k < 2 * engine.depth; k += 1) {
      const failed = engine.segment(frame, options);
      await expect.poll(() => network.waiting.length).toBe(1);
      network.waiting.shift()!();
      await expect(failed).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
    }
    expect(engine.msUntilFree()).toBe(0);
    await engine.stop();
  });

  it('waits for what is in flight when it stops, and takes nothing more', async () => {
    using frame = await aFrame();
    const network = new ScriptedNetwork();
    const engine = new HostEngine({ model, network });
    const last = engine.segment(frame, options);
    await expect.poll(() => network.waiting.length).toBe(1);
    const stopped = engine.stop();
    await expect(engine.segment(frame, options)).rejects.toMatchObject({ code: 'MISUSE' });
    expect(network.stopped).toBe(0);
    network.waiting.shift()!();
    expect((await last).segments.count).toBe(1);
    await stopped;
    expect(network.stopped).toBe(1);
  });
});
