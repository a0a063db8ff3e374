/** How often each prompt was matched, minute by minute of the last day: kept here, so that a page that is reloaded has lost nothing. */
import type { PromptTimeline } from '../contract/console.js';
import type { PromptsMessage } from '../contract/messages.js';
import { isPending, type PromptAnswer } from '../domain/answer.js';
import { isFastsamError } from '../errors.js';
import type { ResultSink } from '../pipeline/sinks.js';
import type { StatusBoard } from '../status/board.js';

const MINUTE_MS = 60_000;
const MINUTES = 1440;
/** Of a timeline: a page draws a day as so many bars. */
const BARS = 96;
const UNKNOWN = 255;

interface Kept {
  /** The prompt as it is set; another one under the same id begins with an empty history. */
  readonly definition: string;
  /** [MINUTES] percent of the frames in which it was matched; UNKNOWN without frames that tell. By minute since 1970, modulo. */
  readonly percents: Uint8Array;
  minute: number;
  frames: number;
  matched: number;
}

export class PromptHistory {
  readonly #byCamera = new Map<string, Map<string, Kept>>();

  /** The prompts in force: histories of all others are forgotten. */
  follow(camera: string, prompts: PromptsMessage['prompts']): void {
    const before = this.#byCamera.get(camera);
    const kept = new Map<string, Kept>();
    for (const prompt of prompts) {
      const definition = JSON.stringify(prompt);
      const known = before?.get(prompt.id);
      const fresh = { definition, percents: new Uint8Array(MINUTES).fill(UNKNOWN), minute: 0, frames: 0, matched: 0 };
      kept.set(prompt.id, known?.definition === definition ? known : fresh);
    }
    this.#byCamera.set(camera, kept);
  }

  forget(camera: string): void {
    this.#byCamera.delete(camera);
  }

  /** The answers of a frame. `now`: milliseconds since 1970. Texts that are not looked at yet tell nothing. */
  add(camera: string, answers: readonly PromptAnswer[], now = Date.now()): void {
    const kept = this.#byCamera.get(camera);
    if (!kept) return;
    const minute = Math.floor(now / MINUTE_MS);
    for (const answer of answers) {
      const one = kept.get(answer.id);
      if (!one || isPending(answer)) continue;
      if (one.minute !== minute) begin(one, minute);
      one.frames += 1;
      if (answer.matches.length > 0) one.matched += 1;
      one.percents[minute % MINUTES] = Math.round((100 * one.matched) / one.frames);
    }
  }

  /** The last day of every prompt of a camera, by id. */
  list(camera: string, now = Date.now()): Record<string, PromptTimeline> {
    const minute = Math.floor(now / MINUTE_MS);
    return Object.fromEntries([...(this.#byCamera.get(camera) ?? [])].map(([id, kept]) => [id, timelineOf(kept, minute)]));
  }
}

/** Minutes without a frame since the last one are unknown; a clock that was set back begins with an empty history. */
function begin(kept: Kept, minute: number): void {
  const silent = minute - kept.minute - 1;
  if (silent < 0 || silent >= MINUTES) kept.percents.fill(UNKNOWN);
  else for (let k = 1; k <= silent; k += 1) kept.percents[(kept.minute + k) % MINUTES] = UNKNOWN;
  kept.minute = minute;
  kept.frames = 0;
  kept.matched = 0;
}

function timelineOf(kept: Kept, minute: number): PromptTimeline {
  const perBar = MINUTES / BARS;
  let sum = 0;
  let known = 0;
  const bars = Array.from({ length: BARS }, (_, bar) => {
    let barSum = 0;
    let barKnown = 0;
    for (let k = 0; k < perBar; k += 1) {
      // The last bar ends with this minute.
      const at = minute - MINUTES + 1 + bar * perBar + k;
      const percent = at > kept.minute || at <= kept.minute - MINUTES ? UNKNOWN : kept.percents[((at % MINUTES) + MINUTES) % MINUTES]!;
      if (percent === UNKNOWN) continue;
      barSum += percent;
      barKnown += 1;
    }
    sum += barSum;
    known += barKnown;
    return barKnown === 0 ? null : Math.round(barSum / barKnown);
  });
  return { stepMinutes: perBar, bars, percent: known === 0 ? null : Math.round(sum / known) };
}

export interface PromptFeed {
  readonly status: StatusBoard;
  /** Hands the results of a camera to the sink. Errors: REQUEST_INVALID for a camera that is not there (yet). */
  readonly addSink: (camera: string, sink: ResultSink) => () => Promise<void>;
}

/** Fills the history from the results of all cameras. Returns how to end that. */
export function followPrompts(history: PromptHistory, { status, addSink }: PromptFeed): () => void {
  const removals = new Map<string, () => Promise<void>>();
  const listen = (camera: string) => {
    if (removals.has(camera)) return;
    try {
      removals.set(
        camera,
        addSink(camera, {
          take: ({ answers }) => history.add(camera, answers),
          // The camera was taken out of the configuration.
          close: async () => {
            removals.delete(camera);
            history.forget(camera);
          },
        }),
      );
    } catch (error) {
      // It says so again when it has started.
      if (!isFastsamError(error, 'REQUEST_INVALID')) throw error;
    }
  };
  const end = status.subscribe((key, message) => {
    const [, camera, what] = /^cameras\/([^/]+)\/(prompts|state)$/.exec(key) ?? [];
    if (camera === undefined || !message) return;
    if (what === 'prompts') history.follow(camera, (message as PromptsMessage).prompts);
    listen(camera);
  });
  return () => {
    end();
    for (const remove of [...removals.values()]) void remove();
  };
}
