/** Stand-ins at the two ends of the pipeline: frames without pixels, and a network that answers when it is told to. */
import type { Frame } from '../../src/domain/frame.js';
import type { SegmentationEngine, Segmented } from '../../src/engine/engine.js';
import { segmentsOf } from './dense-masks.js';

export class FakeFrame implements Frame {
  readonly pixels = {};
  readonly width = 4;
  readonly height = 4;
  readonly format = 'rgb';
  readonly captured = { wallMs: Date.now(), monotonicNs: process.hrtime.bigint() };
  readonly ptsNs = null;
  readonly origin = 'fake';
  released = 0;

  constructor(readonly sequence: number) {}

  retain(): this {
    this.released -= 1;
    return this;
  }

  [Symbol.dispose](): void {
    this.released += 1;
  }
}

/** Yields the frames it is given; keeps those it handed out. */
export class FakeSource implements AsyncIterable<Frame> {
  readonly handedOut: FakeFrame[] = [];
  drops: Record<string, number> = {};
  stops = 0;

  constructor(
    private readonly count: number,
    readonly live = false,
    private readonly failAfter = Number.POSITIVE_INFINITY,
  ) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<Frame> {
    for (let k = 0; k < this.count && this.stops === 0; k += 1) {
      if (k >= this.failAfter) throw new Error('the camera broke');
      const frame = new FakeFrame(k);
      this.handedOut.push(frame);
      yield frame;
    }
  }

  dropped(): Record<string, number> {
    return this.drops;
  }

  async stop(): Promise<void> {
    this.stops += 1;
  }
}

export const EMPTY: Segmented = {
  segments: segmentsOf(4, 4, []),
  geometry: { frameWidth: 4, frameHeight: 4, inputWidth: 32, inputHeight: 32, contentWidth: 32, contentHeight: 32, left: 0, top: 0 },
  timings: { wait: 0, preprocess: 1, infer: 1, decode: 1 },
};

type Answer = (sequence: number) => Promise<Segmented>;

/** Counts how many frames are in it at once. */
export function fakeEngine(answer: Answer, depth = 3): SegmentationEngine & { readonly most: () => number } {
  let inside = 0;
  let most = 0;
  return {
    model: { name: 'fake', backend: 'onnxruntime', inputWidth: 32, inputHeight: 32, labels: [] },
    depth,
    async segment(frame) {
      inside += 1;
      most = Math.max(most, inside);
      try {
        return await answer(frame.sequence);
      } finally {
        inside -= 1;
      }
    },
    msUntilFree: () => 0,
    measureNetwork: async () => [],
    stop: async () => {},
    most: () => most,
  };
}
