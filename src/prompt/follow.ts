/**
 * Prompts that lock onto an object and follow it: arming → binding → locked → coasting → lost → gone. Pure but for what it
 * remembers: one state for each followed prompt in force.
 */

import type { FollowAnswer, FollowTransition, PromptAnswer } from '../domain/answer.js';
import type { Box } from '../domain/box.js';
import { FOLLOW_DEFAULTS, type FollowedPrompt, followsObject, type Prompt } from '../domain/prompt.js';
import type { Segments } from '../domain/segments.js';
import { boxOf } from '../domain/segments.js';
import type { Tracks } from '../domain/track.js';
import { distanceToMiddle, isPlace, type PlacePrompt } from './place.js';

export interface FollowFrame {
  readonly segments: Segments;
  readonly tracks: Tracks;
  /** Of the frame, on the tracker's clock. */
  readonly timeMs: number;
  /** Prompts of an earlier run of the program, or back in force: where a point was clicked, something else may stand now. */
  readonly restored?: ReadonlySet<Prompt> | undefined;
}

export interface Followed {
  readonly answers: PromptAnswer[];
  readonly transitions: readonly FollowTransition[];
  /** Tracks to carry masks for. */
  readonly tracks: readonly number[];
  /** Of these, the ones to keep and to find again by their looks. */
  readonly kept: readonly number[];
  /** How long these may stay unseen, as the most patient of their prompts asks for. */
  readonly keptMs: number;
  /** Objects that prompts have matched and would follow, but that have no track: too weak for one, until somebody asks. */
  readonly asked: readonly Box[];
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
  reason: FollowTransition['reason'];
  /** Lost: since when a text matches again. */
  matchingSinceMs?: number | undefined;
  /** Found again, and how; undefined: by its track. */
  by?: 'text' | undefined;
}

function vote({ votes }: Lock, track: number): void {
  votes.set(track, (votes.get(track) ?? 0) + 1);
}

/** The track that half of the votes are for; 0: none. Votes for 0 are for an object that was not seen twice yet. */
export function electedOf(votes: ReadonlyMap<number, number>): number {
  const total = [...votes.values()].reduce((sum, count) => sum + count, 0);
  const [track, most] = [...votes].filter(([id]) => id !== 0).sort((a, b) => b[1] - a[1])[0] ?? [0, 0];
  return 2 * most >= total ? track : 0;
}

/** A number that a timer holds: thirty years. */
const NEVER_MS = 1e12;

function forgetMsOf(prompt: Prompt): number {
  const forgetMs = ('forgetAfterMs' in prompt ? prompt.forgetAfterMs : undefined) ?? FOLLOW_DEFAULTS.forgetAfterMs;
  return forgetMs === 0 ? NEVER_MS : forgetMs;
}

function bindMsOf(prompt: FollowedPrompt): number {
  return ('bindMs' in prompt ? prompt.bindMs : undefined) ?? FOLLOW_DEFAULTS.bindMs;
}

export class FollowBook {
  readonly #locks = new Map<Prompt, Lock>();
  /** Objects of prompts that are not in force yet. */
  readonly #bindings = new WeakMap<Prompt, number>();

  /** The object of this prompt is known already: it is locked at once. */
  bind(prompt: Prompt, track: number): void {
    this.#bindings.set(prompt, track);
  }

  /** Puts what followed prompts follow in place of what they match, frame after frame. */
  apply(prompts: readonly Prompt[], answers: readonly PromptAnswer[], frame: FollowFrame): Followed {
    const inForce = new Set(prompts);
    for (const prompt of this.#locks.keys()) if (!inForce.has(prompt)) this.#locks.delete(prompt);
    const transitions: FollowTransition[] = [];
    const asked: Box[] = [];
    const followed = answers.map((answer, k) => {
      const prompt = prompts[k]!;
      if (!followsObject(prompt)) return answer;
      const followed = this.#follow(prompt, answer, frame, transitions);
      const [match] = answer.matches;
      const looks = followed.follow?.state === 'arming' || followed.follow?.state === 'binding';
      if (looks && match && frame.tracks.ids[match.index] === 0) asked.push(boxOf(frame.segments, match.index));
      return followed;
    });
    const alive = [...this.#locks].filter(([, { state, track }]) => track !== 0 && state !== 'gone');
    const kept = alive.filter(([prompt]) => !('reacquire' in prompt && prompt.reacquire === 'none'));
    const keptMs = kept.reduce((most, [prompt]) => Math.max(most, forgetMsOf(prompt)), 0);
    const [tracks, keep] = [alive, kept].map((locks) => locks.map(([, { track }]) => track));
    return { answers: followed, transitions, tracks: tracks!, kept: keep!, keptMs, asked };
  }

  #follow(prompt: FollowedPrompt, answer: PromptAnswer, frame: FollowFrame, transitions: FollowTransition[]): PromptAnswer {
    const { tracks, timeMs, restored } = frame;
    let lock = this.#locks.get(prompt);
    if (!lock) {
      const bound = prompt.type === 'track' ? prompt.track : this.#bindings.get(prompt);
      // A text finds its object anywhere; a place is only what stands there now.
      const stale = prompt.type !== 'text' && (restored?.has(prompt) || (prompt.type !== 'track' && prompt.at && !bound) || false);
      lock = {
        state: stale ? 'lost' : bound ? 'locked' : 'arming',
        sinceMs: timeMs,
        track: stale ? 0 : (bound ?? 0),
        votes: new Map(),
        seenMs: timeMs,
        lastBox: undefined,
        area: 0,
        reason: stale ? 'restart' : undefined,
      };
      this.#locks.set(prompt, lock);
      if (lock.state === 'locked') transitions.push({ prompt: prompt.id, from: 'arming', to: 'locked', track: lock.track });
    }
    if (lock.state === 'arming' || lock.state === 'binding') return this.#bind(prompt, lock, answer, frame, transitions);
    if (lock.state === 'lost' && prompt.type === 'text' && prompt.reacquire === 'text') this.#matchAgain(prompt, lock, answer, frame);
    const index = lock.track === 0 ? -1 : tracks.ids.indexOf(lock.track);
    if (index >= 0 && lock.state !== 'gone') return this.#see(prompt, lock, answer, index, frame, transitions);
    return this.#miss(prompt, lock, answer, frame, transitions);
  }

  #bind(prompt: FollowedPrompt, lock: Lock, answer: PromptAnswer, frame: FollowFrame, transitions: FollowTransition[]): PromptAnswer {
    const { tracks, timeMs } = frame;
    const [match] = answer.matches;
    if (lock.state === 'arming') {
      const sinceMs = Math.round(timeMs - lock.sinceMs);
      if (!match) return { ...answer, follow: { state: 'arming', sinceMs } };
      if (this.#isTaken(prompt, tracks.ids[match.index]!, frame)) {
        return { ...withoutBest(answer), matches: [], bestScore: match.score, follow: { state: 'arming', sinceMs, reason: 'taken' } };
      }
      this.#move(prompt, lock, 'binding', timeMs, transitions);
      lock.votes.clear();
    }
    if (match) vote(lock, tracks.ids[match.index]!);
    if (timeMs - lock.sinceMs >= bindMsOf(prompt)) {
      const track = electedOf(lock.votes);
      if (track !== 0 && !this.#isTaken(prompt, track, frame)) {
        lock.track = track;
        const index = tracks.ids.indexOf(track);
        if (index >= 0) return this.#see(prompt, lock, answer, index, frame, transitions);
        this.#move(prompt, lock, 'locked', timeMs, transitions);
        lock.seenMs = timeMs;
        return this.#miss(prompt, lock, answer, frame, transitions);
      }
      this.#move(prompt, lock, 'arming', timeMs, transitions);
      return { ...answer, matches: [], bestScore: match?.score ?? answer.bestScore ?? 0, follow: { state: 'arming', sinceMs: 0 } };
    }
    const follow = { state: 'binding', sinceMs: Math.round(timeMs - lock.sinceMs) } as const;
    return { ...answer, matches: [], bestScore: match?.score ?? answer.bestScore ?? 0, follow };
  }

  /**
   * Whether the object of a track is another prompt's already, so that this prompt waits: two places name two objects. Where these
   * are close, the network may have one mask for both of them, which the prompt of the hidden one would follow without a fault. Of
   * prompts that watch at the same time, the one whose place is nearer to the object's middle gets it. Prompts with `at` were given
   * by somebody who saw the mask, texts and tracks name no place: these share.
   */
  #isTaken(prompt: FollowedPrompt, track: number, { segments, tracks }: FollowFrame): boolean {
    if (track === 0 || !isPlace(prompt)) return false;
    const index = tracks.ids.indexOf(track);
    const distance = (place: PlacePrompt) => distanceToMiddle(place, boxOf(segments, index), segments);
    return [...this.#locks].some(([other, { state, track: held, votes }]) => {
      if (other === prompt || !isPlace(other)) return false;
      if (state === 'binding') return index >= 0 && electedOf(votes) === track && distance(other) < distance(prompt);
      return held === track && state !== 'gone';
    });
  }

  /** A lost object of a text may come back as another track: the one that the text matches for `bindMs`, as at first. */
  #matchAgain(prompt: FollowedPrompt, lock: Lock, { matches: [match] }: PromptAnswer, { tracks, timeMs }: FollowFrame): void {
    if (lock.votes.size === 0 || lock.matchingSinceMs === undefined) {
      if (!match) return;
      lock.matchingSinceMs = timeMs;
    }
    if (match) vote(lock, tracks.ids[match.index]!);
    if (timeMs - lock.matchingSinceMs < bindMsOf(prompt)) return;
    const track = electedOf(lock.votes);
    lock.votes.clear();
    lock.matchingSinceMs = undefined;
    if (track !== 0) Object.assign(lock, { track, by: 'text' });
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
      const awayMs = Math.round(timeMs - lock.seenMs);
      const by = lock.by ?? (frame.tracks.found?.includes(lock.track) ? 'appearance' : 'track');
      this.#move(prompt, lock, 'locked', timeMs, transitions, lock.state === 'lost' ? { awayMs, by } : {});
      lock.votes.clear();
    }
    Object.assign(lock, { seenMs: timeMs, lastBox: boxOf(segments, index), reason: undefined, by: undefined });
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
    if (lock.state === 'lost' && (ended || tracks.reset || unseenMs >= forgetMsOf(prompt))) {
      this.#move(prompt, lock, 'gone', timeMs, transitions, lock.reason ? { reason: lock.reason } : {});
    }
    const { state, track, lastBox, reason } = lock;
    const follow: FollowAnswer = {
      state,
      sinceMs: Math.round(timeMs - lock.sinceMs),
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
    more: Pick<FollowTransition, 'awayMs' | 'by' | 'reason'> = {},
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
