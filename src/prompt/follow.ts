/**
 * Prompts that lock onto an object and follow it: arming → binding → locked → coasting → lost → gone. Pure but for what it
 * remembers: one state for each followed prompt in force.
 */
import type { Box } from '../domain/box.js';
import {
  FOLLOW_DEFAULTS,
  type FollowAnswer,
  type FollowedPrompt,
  type FollowTransition,
  followsObject,
  type Prompt,
  type PromptAnswer,
} from '../domain/prompt.js';
import type { Segments } from '../domain/segments.js';
import { boxOf } from '../domain/segments.js';
import type { Tracks } from '../domain/track.js';

export interface FollowFrame {
  readonly segments: Segments;
  readonly tracks: Tracks;
  /** Of the frame, on the tracker's clock. */
  readonly timeMs: number;
  /** The prompts come from an earlier run of the program: where a point was clicked, something else may stand now. */
  readonly restored?: boolean;
}

export interface Followed {
  readonly answers: PromptAnswer[];
  readonly transitions: readonly FollowTransition[];
  /** Tracks to keep and to carry masks for. */
  readonly tracks: readonly number[];
}

/** A sighting that differs from what is expected this much is a part of the object, or the object and another. */
const PART = 0.6;
const MERGED = 1.6;

interface Lock {
  state: FollowAnswer['state'];
  sinceMs: number;
  track: number;
  /** While binding: how often each track matched, and how often anything did. */
  readonly votes: Map<number, number>;
  seenMs: number;
  lastBox: Box | undefined;
  area: number;
  reason: FollowAnswer['reason'];
}

export class FollowBook {
  readonly #locks = new Map<Prompt, Lock>();

  /** Puts what followed prompts follow in place of what they match, frame after frame. */
  apply(prompts: readonly Prompt[], answers: readonly PromptAnswer[], frame: FollowFrame): Followed {
    const inForce = new Set(prompts);
    for (const prompt of this.#locks.keys()) if (!inForce.has(prompt)) this.#locks.delete(prompt);
    const transitions: FollowTransition[] = [];
    const followed = answers.map((answer, k) => {
      const prompt = prompts[k]!;
      return followsObject(prompt) ? this.#follow(prompt, answer, frame, transitions) : answer;
    });
    const tracks = [...this.#locks.values()].filter(({ state, track }) => track !== 0 && state !== 'gone').map(({ track }) => track);
    return { answers: followed, transitions, tracks };
  }

  #follow(prompt: FollowedPrompt, answer: PromptAnswer, frame: FollowFrame, transitions: FollowTransition[]): PromptAnswer {
    const { tracks, timeMs, restored } = frame;
    let lock = this.#locks.get(prompt);
    if (!lock) {
      // A text finds its object anywhere; a place is only what stands there now.
      const stale = restored === true && prompt.type !== 'text';
      lock = {
        state: stale ? 'lost' : prompt.type === 'track' ? 'locked' : 'arming',
        sinceMs: timeMs,
        track: prompt.type === 'track' && !stale ? prompt.track : 0,
        votes: new Map(),
        seenMs: timeMs,
        lastBox: undefined,
        area: 0,
        reason: stale ? 'restart' : undefined,
      };
      this.#locks.set(prompt, lock);
    }
    if (lock.state === 'arming' || lock.state === 'binding') return this.#bind(prompt, lock, answer, frame, transitions);
    const index = lock.track === 0 ? -1 : tracks.ids.indexOf(lock.track);
    if (index >= 0 && lock.state !== 'gone') return this.#see(prompt, lock, answer, index, frame, transitions);
    return this.#miss(prompt, lock, answer, frame, transitions);
  }

  #bind(prompt: FollowedPrompt, lock: Lock, answer: PromptAnswer, frame: FollowFrame, transitions: FollowTransition[]): PromptAnswer {
    const { tracks, timeMs } = frame;
    const [match] = answer.matches;
    if (lock.state === 'arming') {
      if (!match) return { ...answer, follow: { state: 'arming' } };
      this.#move(prompt, lock, 'binding', timeMs, transitions);
      lock.votes.clear();
    }
    if (match) {
      const track = tracks.ids[match.index]!;
      lock.votes.set(track, (lock.votes.get(track) ?? 0) + 1);
    }
    if (timeMs - lock.sinceMs >= (('bindMs' in prompt ? prompt.bindMs : undefined) ?? FOLLOW_DEFAULTS.bindMs)) {
      const total = [...lock.votes.values()].reduce((sum, count) => sum + count, 0);
      // Track 0 is an object that was not seen twice yet.
      const [track, most] = [...lock.votes].filter(([id]) => id !== 0).sort((a, b) => b[1] - a[1])[0] ?? [0, 0];
      if (track !== 0 && 2 * most >= total) {
        lock.track = track;
        const index = tracks.ids.indexOf(track);
        if (index >= 0) return this.#see(prompt, lock, answer, index, frame, transitions);
        this.#move(prompt, lock, 'locked', timeMs, transitions);
        lock.seenMs = timeMs;
        return this.#miss(prompt, lock, answer, frame, transitions);
      }
      this.#move(prompt, lock, 'arming', timeMs, transitions);
      return { ...answer, follow: { state: 'arming' } };
    }
    return { ...answer, matches: [], bestScore: match?.score ?? answer.bestScore ?? 0, follow: { state: 'binding' } };
  }

  #see(
    prompt: FollowedPrompt,
    lock: Lock,
    answer: PromptAnswer,
    index: number,
    frame: FollowFrame,
    transitions: FollowTransition[],
  ): PromptAnswer {
    const { segments, timeMs } = frame;
    const area = segments.areas[index]!;
    const ratio = lock.area > 0 ? area / lock.area : 1;
    const fit = ratio < PART ? 'part' : ratio > MERGED ? 'merged' : 'exact';
    if (fit === 'exact') lock.area = area;
    if (lock.state !== 'locked') {
      const awayMs = lock.state === 'lost' ? Math.round(timeMs - lock.seenMs) : undefined;
      this.#move(prompt, lock, 'locked', timeMs, transitions, awayMs === undefined ? {} : { awayMs });
    }
    Object.assign(lock, { seenMs: timeMs, lastBox: boxOf(segments, index), reason: undefined });
    const score = segments.scores[index]!;
    const follow = { state: 'locked', track: lock.track, sinceMs: Math.round(timeMs - lock.sinceMs), fit } as const;
    return { ...withoutBest(answer), matches: [{ index, score }], follow };
  }

  #miss(prompt: FollowedPrompt, lock: Lock, answer: PromptAnswer, frame: FollowFrame, transitions: FollowTransition[]): PromptAnswer {
    const { tracks, timeMs } = frame;
    const unseenMs = Math.round(timeMs - lock.seenMs);
    const ended = tracks.ended.find(({ id }) => id === lock.track);
    const expected = tracks.lost.find(({ id }) => id === lock.track)?.box;
    if (lock.state === 'locked') this.#move(prompt, lock, 'coasting', timeMs, transitions);
    const outside = expected && !reaches(expected, frame.segments);
    if (
      lock.state === 'coasting' &&
      (outside || ended || tracks.reset || unseenMs >= (prompt.lostAfterMs ?? FOLLOW_DEFAULTS.lostAfterMs))
    ) {
      lock.reason = outside || ended?.left ? 'left' : tracks.reset ? 'scene-changed' : 'occluded';
      this.#move(prompt, lock, 'lost', timeMs, transitions, { reason: lock.reason });
    }
    const forgetMs = prompt.forgetAfterMs ?? FOLLOW_DEFAULTS.forgetAfterMs;
    if (lock.state === 'lost' && (ended || tracks.reset || (forgetMs > 0 && unseenMs >= forgetMs))) {
      this.#move(prompt, lock, 'gone', timeMs, transitions, lock.reason ? { reason: lock.reason } : {});
    }
    const { state, track, lastBox, reason } = lock;
    const follow: FollowAnswer = {
      state,
      ...(track ? { track } : {}),
      unseenMs,
      ...(state === 'coasting' && expected ? { predicted: expected } : {}),
      ...(state !== 'coasting' && lastBox ? { lastBox } : {}),
      ...(state !== 'coasting' && reason ? { reason } : {}),
    };
    return { ...withoutBest(answer), matches: [], bestScore: 0, follow };
  }

  #move(
    prompt: FollowedPrompt,
    lock: Lock,
    state: FollowAnswer['state'],
    timeMs: number,
    transitions: FollowTransition[],
    more: Pick<FollowTransition, 'awayMs' | 'reason'> = {},
  ): void {
    transitions.push({
      prompt: prompt.id,
      from: lock.state,
      to: state,
      track: lock.track,
      ...(lock.lastBox ? { box: lock.lastBox } : {}),
      ...more,
    });
    lock.state = state;
    lock.sinceMs = timeMs;
  }
}

function withoutBest({ bestScore: _, merged: __, unscored: ___, reason: ____, ...answer }: PromptAnswer): PromptAnswer {
  return answer;
}

function reaches([x1, y1, x2, y2]: Box, { width, height }: Segments): boolean {
  return x2 > 0 && y2 > 0 && x1 < width && y1 < height;
}
