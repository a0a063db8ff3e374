/** A segmentation network as a source of feature maps: what its backbone sees, before it decides on objects. */
import { type NativeFrame, native } from '../../addon/addon.js';
import { compiledModule } from '../../compiled.js';
import type { Frame } from '../../domain/frame.js';
import type { LetterboxGeometry } from '../../domain/geometry.js';
import { readModelMetadata } from '../../model/onnx.js';
import { tapBackbone } from '../../model/taps.js';
import { WorkerClient } from '../../worker/client.js';
import type { FeatureCalls, FeatureLoaded, FeatureMap, FeatureSettings } from './feature-protocol.js';

const DEFAULT_SIZE = [640, 640] as const;

export interface Features {
  /** At stride 8 and 16 of the letterboxed frame. */
  readonly maps: readonly FeatureMap[];
  readonly geometry: LetterboxGeometry;
}

/** The caller stops it. One frame at a time. */
export class FeatureNetwork {
  readonly #client: WorkerClient<FeatureCalls>;
  readonly #size: FeatureLoaded;
  #busy: Promise<unknown> = Promise.resolve();

  private constructor(client: WorkerClient<FeatureCalls>, size: FeatureLoaded) {
    this.#client = client;
    this.#size = size;
  }

  /** Errors: those of tapBackbone; MODEL_UNSUPPORTED for a network whose maps cannot be read. */
  static async open(path: string, { threads = 0 }: { readonly threads?: number } = {}): Promise<FeatureNetwork> {
    const [{ imgsz = DEFAULT_SIZE }, tapped] = [await readModelMetadata(path), await tapBackbone(path)];
    const settings: FeatureSettings = { path, ...tapped, threads, dynamicSize: imgsz };
    const script = compiledModule('./feature-worker.js', import.meta.url);
    const { client, loaded } = await WorkerClient.start<FeatureCalls, FeatureLoaded>({ script, name: 'features', settings });
    return new FeatureNetwork(client, loaded);
  }

  /** The caller keeps the frame. Errors: ENGINE_FAILED. */
  async of(frame: Pick<Frame, 'pixels'>): Promise<Features> {
    const turn = this.#busy.then(async () => {
      const { inputWidth, inputHeight } = this.#size;
      const input = new Float32Array(3 * inputWidth * inputHeight);
      const geometry = await native().letterbox(frame.pixels as NativeFrame, input, inputWidth, inputHeight);
      return { maps: await this.#client.call('run', null, { lend: { input } }), geometry };
    });
    this.#busy = turn.catch(() => undefined);
    return turn;
  }

  stop(): Promise<void> {
    return this.#client.stop();
  }
}
