/** Lowers the degradation level by level under pressure and raises it when the pressure is over, with hysteresis. Pure except for its state. */
import type { GovernorConfig } from '../../config/schema.js';
import type { CameraEvent } from '../../contract/messages.js';
import type { DegradationLevel } from './levels.js';
import type { Pressure } from './pressure.js';

/** In multiples of `recoverS`: a step up that pressure undid within the first was too early, one that lasted the second was right. */
const TOO_EARLY = 15;
const LASTED = 60;
const MAX_PATIENCE = 64;

export interface Step {
  readonly direction: 'down' | 'up';
  readonly from: number;
  readonly to: number;
  readonly degradation: DegradationLevel;
  readonly reason: string;
}

export interface GovernorDeps {
  readonly levels: readonly DegradationLevel[];
  readonly limits: Pick<GovernorConfig, 'holdS' | 'recoverS'>;
}

export class Governor {
  readonly #deps: GovernorDeps;
  #level = 0;
  #reason = '';
  #steppedDown = Number.NEGATIVE_INFINITY;
  #steppedUp = Number.NEGATIVE_INFINITY;
  #calmSince: number | undefined;
  /** How many times `recoverS` has to pass before the next step up. */
  #patience = 1;

  constructor(deps: GovernorDeps) {
    this.#deps = deps;
  }

  get level(): number {
    return this.#level;
  }

  get degradation(): DegradationLevel {
    return this.#deps.levels[this.#level]!;
  }

  /** What is turned down and why; null when nothing is. */
  get summary(): string | null {
    return this.#level === 0 ? null : `${this.degradation.name} (${this.#reason})`;
  }

  /** `now`: milliseconds, monotonic. Returns the step that is taken, if any. */
  update({ level, reason }: Pressure, now: number): Step | undefined {
    const { limits } = this.#deps;
    const recoverMs = limits.recoverS * 1000;
    if (level === 'calm') this.#calmSince ??= now;
    else this.#calmSince = undefined;
    // A step up that has lasted was right.
    if (level !== 'high' && now - this.#steppedUp > recoverMs * LASTED && this.#steppedUp > this.#steppedDown) this.#patience = 1;

    if (level === 'high') return this.#down(reason, now, recoverMs);
    const calmMs = this.#calmSince === undefined ? 0 : now - this.#calmSince;
    const sinceStep = now - Math.max(this.#steppedDown, this.#steppedUp);
    if (this.#level > 0 && Math.min(calmMs, sinceStep) >= recoverMs * this.#patience) {
      this.#steppedUp = now;
      return this.#step(-1, 'the pressure is over');
    }
    return undefined;
  }

  #down(reason: string, now: number, recoverMs: number): Step | undefined {
    this.#reason = reason;
    if (this.#level === this.#deps.levels.length - 1) return undefined;
    if (now - this.#steppedDown < this.#deps.limits.holdS * 1000) return undefined;
    const undone = this.#steppedUp > this.#steppedDown && now - this.#steppedUp <= recoverMs * TOO_EARLY;
    if (undone) this.#patience = Math.min(this.#patience * 2, MAX_PATIENCE);
    this.#steppedDown = now;
    return this.#step(1, reason);
  }

  #step(by: 1 | -1, reason: string): Step {
    const from = this.#level;
    this.#level += by;
    return { direction: by === 1 ? 'down' : 'up', from, to: this.#level, degradation: this.degradation, reason };
  }
}

/** What the cameras' listeners are told of a step. */
export function stepEvent({ direction, to, degradation, reason }: Step): CameraEvent {
  return { type: 'governor-step', direction, level: to, setting: degradation.name, reason: reason.slice(0, 1000) };
}
