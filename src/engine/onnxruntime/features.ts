/** A segmentation network as a source of feature maps: what its backbone sees, before it decides on objects. */
import { basename } from 'node:path';
import { native } from '../../addon/addon.js';
import type { NativeFrame } from '../../addon/frame.js';
import { compiledModule } from '../../compiled.js';
import type { Frame } from '../../domain/frame.js';
import type { LetterboxGeometry } from '../../domain/geometry.js';
import { FastsamError } from '../../errors.js';
import { sha256OfFile } from '../../model/checksum.js';
import { resolveModel } from '../../model/installed.js';
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
  readonly #loaded: FeatureLoaded;
  #busy: Promise<unknown> = Promise.resolve();

  private constructor(client: WorkerClient<FeatureCalls>, loaded: FeatureLoaded) {
    this.#client = client;
    this.#loaded = loaded;
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
      const { input, inputWidth, inputHeight } = this.#loaded;
      const geometry = await native().letterbox(frame.pixels as NativeFrame, input, inputWidth, inputHeight);
      return { maps: await this.#client.call('run', null), geometry };
    });
    this.#busy = turn.catch(() => undefined);
    return turn;
  }

  stop(): Promise<void> {
    return this.#client.stop();
  }
}

/**
 * The network that surfaces were taught with; loaded when it is first asked for. `model`: path or name of the model in use. Errors:
 * TAUGHT_STALE where this is another one; MODEL_NOT_FOUND.
 */
export async function openTaughtNetwork(
  model: string,
  taught: { readonly file: string; readonly name: string; readonly sha256: string },
  options: { readonly threads?: number } = {},
): Promise<LazyFeatures> {
  const path = await resolveModel(model);
  const sha256 = await sha256OfFile(path);
  if (sha256 === taught.sha256) return new LazyFeatures(() => FeatureNetwork.open(path, options));
  const [was, is] = [taught.sha256, sha256].map((sum) => sum.slice(0, 12));
  const message = `${taught.file}: its surfaces were taught with the model ${taught.name} (SHA-256 ${was}…), in use is ${path} (${is}…); use that model, or teach again: "fastsamd teach"`;
  throw new FastsamError('TAUGHT_STALE', message);
}

/** The model in use as a network to teach surfaces with; the caller stops it. `model`: path or name. Errors: those of FeatureNetwork.open. */
export async function openTeachingNetwork(
  model: string,
  options: { readonly threads?: number } = {},
): Promise<{ readonly network: FeatureNetwork; readonly model: { readonly name: string; readonly sha256: string } }> {
  const path = await resolveModel(model);
  const sha256 = await sha256OfFile(path);
  return { network: await FeatureNetwork.open(path, options), model: { name: basename(path), sha256 } };
}

/** A network that is loaded at its first frame, or by `start`. The caller stops it. */
export class LazyFeatures {
  readonly #open: () => Promise<FeatureNetwork>;
  #network: Promise<FeatureNetwork> | undefined;

  constructor(open: () => Promise<FeatureNetwork>) {
    this.#open = open;
  }

  /** Errors: those of FeatureNetwork.open; another try begins again. */
  async start(): Promise<FeatureNetwork> {
    this.#network ??= this.#open();
    try {
      return await this.#network;
    } catch (error) {
      this.#network = undefined;
      throw error;
    }
  }

  /** The caller keeps the frame. Errors: ENGINE_FAILED; those of `start`. */
  async of(frame: Pick<Frame, 'pixels'>): Promise<Features> {
    return (await this.start()).of(frame);
  }

  async stop(): Promise<void> {
    await (await this.#network?.catch(() => undefined))?.stop();
  }
}
