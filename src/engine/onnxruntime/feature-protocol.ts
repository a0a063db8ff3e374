/** What the feature network and its thread say to each other. */

export interface FeatureSettings {
  /** Of the model, for messages. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** The tapped outputs, the finest first. */
  readonly outputs: readonly string[];
  readonly threads: number;
  /** [height, width] for models whose input is of any size. */
  readonly dynamicSize: readonly [number, number];
}

export interface FeatureLoaded {
  readonly inputWidth: number;
  readonly inputHeight: number;
  /** [3, H, W], shared: what `run` reads. */
  readonly input: Float32Array<SharedArrayBuffer>;
}

export interface FeatureMap {
  readonly channels: number;
  readonly width: number;
  readonly height: number;
  /** [channels, height, width]. */
  readonly values: Float32Array<ArrayBuffer>;
}

export type FeatureCalls = {
  /** Of what is in `input`. */
  run: { request: null; response: readonly FeatureMap[] };
};
