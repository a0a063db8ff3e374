/** Tracking as a stage of one camera's pipeline: what it asks of decoding, and what it makes of the decoded objects. */
import { native } from '../addon/addon.js';
import type { PromptAnswer } from '../domain/answer.js';
import type { Box } from '../domain/box.js';
import type { Frame } from '../domain/frame.js';
import { FOLLOW_DEFAULTS, type FollowedPrompt, type Prompt } from '../domain/prompt.js';
import type { ModelIdentity } from '../domain/result.js';
import type { Segments } from '../domain/segments.js';
import type { CameraMotion, CameraMotionMode, Tracks } from '../domain/track.js';
import type { SegmentationOptions, TrackingRequest } from '../engine/engine.js';
import { FastsamError } from '../errors.js';
import { applyPrompts } from '../prompt/apply.js';
import { electedOf, FollowBook, type Followed, type FollowFrame } from '../prompt/follow.js';
import { AutoCameraMotion, CameraMotionEstimator } from './camera-motion.js';
import { RecentFrames } from './recent-frames.js';
import { openTracker, type Tracker, type TrackerOptions } from './tracker.js';

export interface TrackStageOptions {
  readonly keepMs: number;
  readonly continueScore: number;
  /** Tracks outlive a gap of this length between frames; 10 s when absent. */
  readonly reconnectKeepS?: number;
  readonly cameraMotion: CameraMotionMode;
  /** The least id that the first track may have; 1 when absent. */
  readonly firstId?: number;
  /** Of a belt, see TrackerOptions. */
  readonly oneMotion?: boolean;
}

export interface Tracked {
  readonly segments: Segments;
  readonly tracks: Tracks;
  /** Of the frame, on the tracker's clock. */
  readonly timeMs: number;
}

/** What one frame asks of the engine, and how its objects get their tracks. */
export interface Following {
  /** Decoding goes down to the score that continues a track. */
  readonly segmentation: SegmentationOptions;
  readonly request: TrackingRequest;
  /** The objects that are worth showing, and their tracks. One frame after the other. Errors: MISUSE. */
  follow(segments: Segments, model: ModelIdentity): Promise<Tracked>;
  /** Puts what followed prompts follow in place of what they match in this frame. After `follow`, in its order. */
  answer(prompts: readonly Prompt[], matched: readonly PromptAnswer[], frame: FollowFrame): Followed;
}

export class TrackStage {
  readonly #options: TrackStageOptions;
  readonly #tracker: Tracker;
  readonly #motionOf: (frame: Frame, live: boolean) => Promise<CameraMotion | undefined> | undefined;
  readonly #book = new FollowBook();
  readonly #recent = new RecentFrames();
  /** The tracks that prompts follow: their masks are carried before all others. */
  #followed: readonly number[] = [];
  /** Of these, the ones that are kept and found again by their looks. */
  #kept: readonly number[] = [];
  #keptMs = 0;
  /** What prompts that look for their object have matched in the latest frame, where it has no track. */
  #asked: readonly Box[] = [];
  #lastId: number;

  constructor(options: TrackStageOptions, tracker: Tracker = openTracker(trackerOptionsOf(options))) {
    this.#options = options;
    this.#tracker = tracker;
    this.#lastId = (options.firstId ?? 1) - 1;
    this.#motionOf = motionBy(options.cameraMotion);
  }

  /** Called once a frame, in order, before the engine gets it: camera motion is estimated while the network works. */
  begin(frame: Frame, live: boolean, base: SegmentationOptions): Following {
    const motion = this.#motionOf(frame, live);
    // Told where it is awaited; the frame may come to nothing before that.
    motion?.catch(() => undefined);
    return {
      segmentation: { ...base, conf: Math.min(base.conf, this.#options.continueScore) },
      request: { coefficients: true, carry: ({ name }) => this.#tracker.carry(name, this.#followed) },
      answer: (prompts, matched, following) => {
        const followed = this.#book.apply(prompts, matched, following);
        this.#followed = followed.tracks;
        this.#kept = followed.kept;
        this.#keptMs = followed.keptMs;
        this.#asked = followed.asked;
        return followed;
      },
      follow: async (segments, model) => this.#follow(frame, live, base.conf, segments, model, await motion),
    };
  }

  async #follow(
    frame: Frame,
    live: boolean,
    conf: number,
    segments: Segments,
    model: ModelIdentity,
    cameraMotion?: CameraMotion,
  ): Promise<Tracked> {
    const timeMs = timeOf(frame, live);
    // Stills have nothing in common, so that no object of theirs has a track.
    if (timeMs === undefined) {
      this.#tracker.reset();
      this.#recent.clear();
    }
    const given = await this.#tracker.update(segments, {
      timeMs: timeMs ?? 0,
      frame,
      model: model.name,
      followed: this.#kept,
      followedKeepMs: this.#keptMs,
      asked: this.#asked,
      ...(cameraMotion ? { cameraMotion } : {}),
    });
    const tracks = timeMs === undefined ? { ...given, ids: new Uint32Array(segments.count) } : given;
    const tracked = { ...(await shownOf(segments, tracks, conf)), timeMs: timeMs ?? 0 };
    for (const id of tracks.ids) this.#lastId = Math.max(this.#lastId, id);
    this.#recent.add({ seq: frame.sequence, timeMs: tracked.timeMs, segments: tracked.segments, ids: tracked.tracks.ids });
    return tracked;
  }

  /** The largest id that was given so far: the next stage of the camera goes on from it. */
  get lastId(): number {
    return this.#lastId;
  }

  /**
   * The object that a new prompt follows, where it says which one: by its track, or by the picture that was clicked. Undefined for
   * prompts that watch first. Errors: PROMPT_INVALID for a picture that is no longer held or shows no object there, and for a track
   * that is not alive.
   */
  bind(prompt: FollowedPrompt): number | undefined {
    if (prompt.type === 'track') {
      if (this.#tracker.isAlive(prompt.track)) return prompt.track;
      throw new FastsamError('PROMPT_INVALID', `prompt "${prompt.id}": no object has track ${prompt.track} now; see read/tracks`);
    }
    if (prompt.type === 'text' || !prompt.at) return undefined;
    const { seq } = prompt.at;
    const found = this.#recent.around(seq, (prompt.bindMs ?? FOLLOW_DEFAULTS.bindMs) / 2);
    if (!found) {
      throw new FastsamError(
        'PROMPT_INVALID',
        `prompt "${prompt.id}": at: frame ${seq} is not held any more; expected one of the last 2 s`,
      );
    }
    const votes = new Map<number, number>();
    for (const { segments, ids } of found.near) {
      const [match] = applyPrompts(segments, [prompt])[0]!.matches;
      if (!match) continue;
      const id = ids[match.index]!;
      votes.set(id, (votes.get(id) ?? 0) + 1);
    }
    const track = electedOf(votes);
    if (track === 0) throw new FastsamError('PROMPT_INVALID', `prompt "${prompt.id}": at: frame ${seq} shows no tracked object there`);
    this.#book.bind(prompt, track);
    return track;
  }
}

function trackerOptionsOf({ reconnectKeepS, ...options }: TrackStageOptions): TrackerOptions {
  return reconnectKeepS === undefined ? options : { ...options, reconnectKeepMs: 1000 * reconnectKeepS };
}

/** How each frame's camera motion is found. */
function motionBy(mode: CameraMotionMode): (frame: Frame, live: boolean) => Promise<CameraMotion | undefined> | undefined {
  if (mode === 'fixed') return () => undefined;
  if (mode === 'moving') {
    const estimator = new CameraMotionEstimator();
    return (frame) => estimator.next(frame);
  }
  const watched = new AutoCameraMotion();
  return (frame, live) => {
    const timeMs = timeOf(frame, live);
    return timeMs === undefined ? undefined : watched.next(frame, timeMs);
  };
}

/** The objects that are worth showing: those above the threshold, and those that continue a track. */
async function shownOf(segments: Segments, tracks: Tracks, conf: number): Promise<Pick<Tracked, 'segments' | 'tracks'>> {
  const shown = Uint32Array.from([...segments.scores.keys()].filter((i) => segments.scores[i]! > conf || tracks.ids[i] !== 0));
  if (shown.length === segments.count) return { segments, tracks };
  return { segments: await native().selectObjects(segments, shown), tracks: selectTracks(tracks, shown) };
}

/** Files play faster or slower than they were taken, so arrival says nothing there. Undefined: a still. */
function timeOf({ ptsNs, captured }: Frame, live: boolean): number | undefined {
  if (live) return Number(captured.monotonicNs) / 1e6;
  return ptsNs === null ? undefined : Number(ptsNs) / 1e6;
}

function selectTracks(tracks: Tracks, indices: Uint32Array): Tracks {
  return {
    ...tracks,
    ids: Uint32Array.from(indices, (i) => tracks.ids[i]!),
    parents: Uint32Array.from(indices, (i) => tracks.parents[i]!),
    agesMs: Float32Array.from(indices, (i) => tracks.agesMs[i]!),
    velocities: Float32Array.from({ length: 2 * indices.length }, (_, k) => tracks.velocities[2 * indices[k >> 1]! + (k & 1)]!),
  };
}
