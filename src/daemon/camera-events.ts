/** From what is seen of a camera to events about it. Pure. */

import type { CameraEvent, CameraState } from '../contract/messages.js';
import { isPending, type PromptAnswer } from '../domain/answer.js';

/** Tells when a camera is lost and when it is back, once each. */
export class CameraWatch {
  #lostAtMs: number | undefined;

  /** `now`: milliseconds, monotonic: an absence is as long as it is, whatever the clock does. */
  observe(phase: CameraState, reason: string | undefined, now: number): CameraEvent | undefined {
    if ((phase === 'lost' || phase === 'wedged') && this.#lostAtMs === undefined) {
      this.#lostAtMs = now;
      return { type: 'camera-lost', ...(reason !== undefined && { reason: reason.slice(0, 1000) }) };
    }
    if (phase !== 'streaming' || this.#lostAtMs === undefined) return undefined;
    const awayMs = Math.max(0, now - this.#lostAtMs);
    this.#lostAtMs = undefined;
    return { type: 'camera-back', awayMs };
  }
}

interface Watched {
  /** As it was last settled; undefined before the first time. */
  settled: boolean | undefined;
  /** As it is now, and since when. */
  matched: boolean;
  since: number;
}

/**
 * Tells when a prompt matches and when it no longer does, once it has been so for `debounceMs`: an object at the
 * threshold of detection comes and goes with every frame. That a new prompt matches nothing yet is not told.
 */
export class PromptWatch {
  readonly #prompts = new Map<string, Watched>();

  /** The answers of a frame. `now`: milliseconds, monotonic. */
  observe(answers: readonly PromptAnswer[], revision: number, debounceMs: number, now: number): CameraEvent[] {
    const gone = new Set(this.#prompts.keys());
    const events: CameraEvent[] = [];
    for (const answer of answers) {
      const { id, matches } = answer;
      gone.delete(id);
      // Whether a text matches is not known in this frame: that is no news.
      if (isPending(answer)) continue;
      const matched = matches.length > 0;
      const watched = this.#prompts.get(id) ?? { settled: undefined, matched, since: now };
      this.#prompts.set(id, watched);
      if (matched !== watched.matched) {
        watched.matched = matched;
        watched.since = now;
      }
      if (matched === watched.settled || now - watched.since < debounceMs) continue;
      const isNews = matched || watched.settled !== undefined;
      watched.settled = matched;
      if (!isNews) continue;
      const score = Math.max(...matches.map((match) => match.score));
      events.push(
        matched
          ? { type: 'prompt-matched', prompt: id, revision, score: Math.round(score * 1e4) / 1e4, objects: matches.length }
          : { type: 'prompt-unmatched', prompt: id, revision },
      );
    }
    for (const id of gone) this.#prompts.delete(id);
    return events;
  }
}
