/** Frames for viewers: encoded once per camera and quality level, and only while a viewer waits for one. */
import type { Roi } from '../contract/console.js';
import type { Frame } from '../domain/frame.js';
import type { FrameResult } from '../domain/result.js';
import type { ResultSink } from '../pipeline/sinks.js';
import { LEVELS } from './quality.js';
import { encodeView } from './view.js';
import { LOOK_MS, SPARING_FPS, ViewRate, type Work } from './view-rate.js';

/** One page that watches. */
export interface HubViewer {
  /** Whether a frame of this channel would be drawn at once: the ones before are on the screen. */
  ready(channel: number): boolean;
  /** A frame was left out because the viewer was not ready. */
  skipped(channel: number): void;
  send(channel: number, seq: number, message: Uint8Array): void;
}

export interface ViewHubDeps {
  /** Hands the results of a camera to the sink. Errors: REQUEST_INVALID. */
  readonly addSink: (camera: string, sink: ResultSink) => () => Promise<void>;
  /** Somebody watches the camera: its last results are kept. */
  readonly watchResults: (camera: string) => () => void;
  /** Somebody is shown this result, and may ask about it. */
  readonly show: (camera: string, result: FrameResult) => void;
  /** How busy segmentation of the camera is, and the machine. Never rejects. */
  readonly work: (camera: string) => Promise<Work>;
  /** Whether pictures of the camera may be shown. */
  readonly pictures: (camera: string) => boolean;
  readonly onError: (camera: string, error: unknown) => void;
}

interface Profile {
  readonly channel: number;
  readonly level: number;
  readonly roi: Roi | undefined;
  readonly viewers: Set<HubViewer>;
  isEncoding: boolean;
  lastAt: number;
}

interface Watched {
  /** By level and part of the frame. */
  readonly profiles: Map<string, Profile>;
  readonly rate: ViewRate;
  lookedAt: number;
  readonly end: () => void;
}

/** A frame that comes a little early is taken: cameras are not that regular. */
const EARLY = 0.8;

export class ViewHub {
  /** Frames encoded since the start. */
  encoded = 0;
  readonly #deps: ViewHubDeps;
  readonly #cameras = new Map<string, Watched>();
  /** Numbers of camera, level and part; they stay. */
  readonly #channels = new Map<string, number>();

  constructor(deps: ViewHubDeps) {
    this.#deps = deps;
  }

  /** The number under which frames of a camera at this level, or a part of them, are sent. */
  channelOf(camera: string, level: number, roi: Roi | undefined): number {
    const key = `${profileKey(level, roi)} ${camera}`;
    let channel = this.#channels.get(key);
    if (channel === undefined) {
      channel = this.#channels.size + 1;
      this.#channels.set(key, channel);
    }
    return channel;
  }

  /** Sends frames to the viewer from now on. Returns how to end that. Errors: REQUEST_INVALID for a camera that is none. */
  join(camera: string, { level, roi }: { readonly level: number; readonly roi: Roi | undefined }, viewer: HubViewer): () => void {
    const watched = this.#cameras.get(camera) ?? this.#watch(camera);
    const key = profileKey(level, roi);
    let profile = watched.profiles.get(key);
    if (!profile) {
      const channel = this.channelOf(camera, level, roi);
      profile = { channel, level, roi, viewers: new Set(), isEncoding: false, lastAt: Number.NEGATIVE_INFINITY };
      watched.profiles.set(key, profile);
    }
    profile.viewers.add(viewer);
    return () => {
      profile.viewers.delete(viewer);
      if (profile.viewers.size === 0 && watched.profiles.get(key) === profile) watched.profiles.delete(key);
      if (watched.profiles.size === 0 && this.#cameras.get(camera) === watched) this.#leave(camera, watched);
    };
  }

  #watch(camera: string): Watched {
    const remove = this.#deps.addSink(camera, {
      take: (result, frame) => this.#offer(camera, result, frame),
      // Also when the camera goes while somebody watches.
      close: async () => {
        unwatch();
        this.#cameras.delete(camera);
      },
    });
    const unwatch = this.#deps.watchResults(camera);
    const watched: Watched = {
      profiles: new Map(),
      rate: new ViewRate(),
      lookedAt: Number.NEGATIVE_INFINITY,
      end: () => void remove(),
    };
    this.#cameras.set(camera, watched);
    return watched;
  }

  #leave(camera: string, watched: Watched): void {
    this.#cameras.delete(camera);
    watched.end();
  }

  /** Returns at once: the pipeline does not wait for viewers. */
  #offer(camera: string, result: FrameResult, frame: Frame): void {
    const watched = this.#cameras.get(camera);
    if (!watched) return;
    const now = performance.now();
    if (now - watched.lookedAt >= LOOK_MS) {
      watched.lookedAt = now;
      void this.#deps.work(camera).then((work) => watched.rate.look(work));
    }
    const { isSparing } = watched.rate;
    for (const profile of watched.profiles.values()) {
      const { channel, viewers } = profile;
      const { fps } = LEVELS[profile.level]!;
      if (profile.isEncoding || now - profile.lastAt < (1000 / (isSparing ? Math.min(fps, SPARING_FPS) : fps)) * EARLY) continue;
      const ready = [...viewers].filter((viewer) => viewer.ready(channel));
      if (ready.length < viewers.size) for (const viewer of viewers) if (!ready.includes(viewer)) viewer.skipped(channel);
      if (ready.length === 0) continue;
      profile.lastAt = now;
      this.#deps.show(camera, result);
      void this.#encode(camera, profile, ready, result, frame.retain(), isSparing);
    }
  }

  /** Owns the frame. */
  async #encode(
    camera: string,
    profile: Profile,
    viewers: readonly HubViewer[],
    result: FrameResult,
    frame: Frame,
    isSparing: boolean,
  ): Promise<void> {
    const { channel, level, roi } = profile;
    profile.isEncoding = true;
    try {
      const pictures = this.#deps.pictures(camera);
      const quality = LEVELS[level]!;
      const message = await encodeView(frame, result, { channel, level, quality, pictures, isSparing, ...(roi ? { roi } : {}) });
      this.encoded += 1;
      for (const viewer of viewers) if (profile.viewers.has(viewer)) viewer.send(channel, result.sequence, message);
    } catch (error) {
      this.#deps.onError(camera, error);
    } finally {
      frame[Symbol.dispose]();
      profile.isEncoding = false;
    }
  }
}

function profileKey(level: number, roi: Roi | undefined): string {
  return `${level} ${roi?.join() ?? ''}`;
}
