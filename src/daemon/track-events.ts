/** From what a frame's tracks did to events about them: prompts that follow, objects that come and go. Pure but for what it remembers. */
import type { CameraConfig } from '../config/schema.js';
import { toTimestamp } from '../contract/common.js';
import type { CameraEvent, FollowMessage } from '../contract/messages.js';
import { type FollowTransition, isFollowing } from '../domain/answer.js';
import type { Box } from '../domain/box.js';
import type { FrameResult } from '../domain/result.js';
import { boxOf, type Segments } from '../domain/segments.js';
import { TokenBucket } from '../time/token-bucket.js';
import type { Zones } from '../zone/zones.js';

/** Events of objects that come and go: flickering masks must not fill the spool. */
const OBJECT_RATE = { perSecond: 20, burst: 20 } as const;
/** A box this near to the border of the frame touches it, as a share of the frame's side. */
const AT_EDGE = 0.01;

type Edge = 'left' | 'right' | 'top' | 'bottom';

/** A track that was told of, or may be. */
interface Known {
  readonly first: readonly [number, number];
  told: boolean;
}

/** Tells what prompts that follow did. */
export function followEvents({ followChanges = [], promptRevision: revision }: FrameResult): CameraEvent[] {
  return followChanges.flatMap((change) => followEvent(change, revision));
}

function followEvent({ prompt, from, to, track, reason, awayMs, by, box }: FollowTransition, revision: number): CameraEvent[] {
  const about = { prompt, revision, ...(track ? { track } : {}) };
  if (to === 'lost')
    return [{ type: 'prompt-lost', ...about, reason: reason ?? 'occluded', ...(box ? { bbox: [...box] as Mutable } : {}) }];
  if (to === 'gone') return [{ type: 'prompt-gone', ...about }];
  if (to !== 'locked' || from === 'coasting') return [];
  if (from !== 'lost') return [{ type: 'prompt-locked', ...about }];
  return [{ type: 'prompt-reacquired', ...about, awayMs: awayMs ?? 0, by: by ?? 'track' }];
}

type Mutable = [number, number, number, number];

/** Tells which objects come and go, of those that `which` names; at most 20 a second. */
export class ObjectWatch {
  readonly #which: CameraConfig['tracking']['events'];
  readonly #zones: Zones;
  readonly #rate = new TokenBucket(OBJECT_RATE);
  readonly #known = new Map<number, Known>();
  #dropped = 0;

  constructor(which: CameraConfig['tracking']['events'], zones: Zones) {
    this.#which = which;
    this.#zones = zones;
  }

  /** Events that were more than the rate allows. */
  get dropped(): number {
    return this.#dropped;
  }

  /** `now`: milliseconds, monotonic. */
  observe(result: FrameResult, now: number): CameraEvent[] {
    const { tracks, segments } = result;
    if (!tracks) return [];
    const events: CameraEvent[] = [];
    if (tracks.reset) {
      this.#known.clear();
      events.push({ type: 'scene-changed', reason: tracks.reset });
    }
    for (const { id, box, ageMs } of tracks.ended) {
      const known = this.#known.get(id);
      this.#known.delete(id);
      if (!known?.told) continue;
      const [x, y] = middleOf(box);
      const distancePx = Math.round(Math.hypot(x - known.first[0], y - known.first[1]) * 10) / 10;
      const left = {
        type: 'object-left',
        track: id,
        bbox: rounded(box),
        ...edgeOf(box, segments),
        ageMs: Math.round(ageMs),
        distancePx,
      } as const;
      this.#tell(left, now, events);
    }
    for (const [index, id] of tracks.ids.entries()) {
      if (id === 0) continue;
      const box = boxOf(segments, index);
      const known = this.#known.get(id) ?? { first: middleOf(box), told: false };
      this.#known.set(id, known);
      if (known.told || !this.#isWanted(result, index)) continue;
      known.told = true;
      this.#tell({ type: 'object-entered', track: id, bbox: rounded(box), ...edgeOf(box, segments) }, now, events);
    }
    return events;
  }

  #isWanted({ answers, segments, tracks }: FrameResult, index: number): boolean {
    if (this.#which === 'all') return true;
    if (answers.some(({ follow, matches }) => follow?.state === 'locked' && matches[0]?.index === index)) return true;
    return this.#which === 'counted' && this.#zones.isCounted(segments, tracks!, answers, index);
  }

  #tell(event: CameraEvent, now: number, events: CameraEvent[]): void {
    if (this.#rate.take(now)) events.push(event);
    else this.#dropped += 1;
  }
}

/** Notices when the states of followed prompts change, for the message that is retained. */
export class FollowWatch {
  readonly #camera: string;
  readonly #bootId: string;
  #told: string | undefined;

  constructor(camera: string, bootId: string) {
    this.#camera = camera;
    this.#bootId = bootId;
  }

  /** The states as of this frame, where they differ from those told last. */
  observe({ answers, captured: { wallMs } }: Pick<FrameResult, 'answers' | 'captured'>): FollowMessage | undefined {
    const following = answers.filter(isFollowing);
    const key = following.map(({ id, follow }) => [id, follow.state, follow.track, follow.reason].join(' ')).join('\n');
    if (key === this.#told) return undefined;
    this.#told = key;
    const prompts = following.map(({ id, type, follow: { state, sinceMs = 0, track, reason, unseenMs = 0, lastBox } }) => ({
      id,
      type,
      state,
      since: toTimestamp(wallMs - sinceMs),
      ...(track ? { track } : {}),
      ...(reason ? { reason } : {}),
      ...(lastBox ? { lastSeen: { at: toTimestamp(wallMs - unseenMs), bbox: rounded(lastBox) } } : {}),
    }));
    return { v: 1, camera: this.#camera, bootId: this.#bootId, ts: toTimestamp(wallMs), prompts };
  }

  /** Before the first frame: nothing is followed. */
  start(nowMs: number): FollowMessage {
    this.#told = undefined;
    return { v: 1, camera: this.#camera, bootId: this.#bootId, ts: toTimestamp(nowMs), prompts: [] };
  }
}

function middleOf([x1, y1, x2, y2]: Readonly<Box>): readonly [number, number] {
  return [(x1 + x2) / 2, (y1 + y2) / 2];
}

function rounded([x1, y1, x2, y2]: readonly [number, number, number, number]): Mutable {
  const round = (value: number) => Math.round(value * 10) / 10;
  return [round(x1), round(y1), round(x2), round(y2)];
}

/** The edge of the frame that a box touches most, or reaches beyond. */
function edgeOf([x1, y1, x2, y2]: Readonly<Box>, { width, height }: Segments): { edge?: Edge } {
  const distances: [Edge, number][] = [
    ['left', x1 / width],
    ['right', (width - x2) / width],
    ['top', y1 / height],
    ['bottom', (height - y2) / height],
  ];
  const [edge, distance] = distances.reduce((best, each) => (each[1] < best[1] ? each : best));
  return distance <= AT_EDGE ? { edge } : {};
}
