/**
 * How often viewers of a camera get frames. Segmentation comes first: while frames are missed and no core is idle, viewers get few of
 * them, and all of them again when there is time. Pure, except for its state.
 */

/** Frames a second for viewers while segmentation needs every core. */
export const SPARING_FPS = 2;
/** From one look at the machine to the next. */
export const LOOK_MS = 1000;

/** Below this no core is idle for long enough to encode a frame; cores. */
const BUSY_CORES = 0.25;
/** Twice the most that viewers at the full rate were seen to cost; cores. */
const IDLE_CORES = 0.5;
/** Looks in a row: one alone may be an accident. */
const STRAINED_LOOKS = 2;
const CALM_MS = 5000;
/** The full rate that did not last this long was too much, and is tried again half as often. */
const LASTING_MS = 60_000;
const LONGEST_CALM_MS = 80_000;

/** What has been counted until now. */
export interface Work {
  /** Milliseconds, monotonic. */
  readonly atMs: number;
  /** Time without work of all cores together, milliseconds; undefined where the system does not say. */
  readonly idleMs: number | undefined;
  /** Frames that came while the network was busy; undefined for a source that waits for the network, which is then never idle. */
  readonly missed: number | undefined;
}

export class ViewRate {
  #last: Work | undefined;
  #isSparing = false;
  #strainedLooks = 0;
  #calmFrom: number | undefined;
  #calmMs = CALM_MS;
  #restoredAt = Number.NEGATIVE_INFINITY;

  /** Viewers get SPARING_FPS at most. */
  get isSparing(): boolean {
    return this.#isSparing;
  }

  /** Where the system does not say how idle it is, viewers get all frames. */
  look(work: Work): void {
    const last = this.#last;
    this.#last = work;
    if (!last || last.idleMs === undefined || work.idleMs === undefined || work.atMs <= last.atMs) return;
    const idleCores = (work.idleMs - last.idleMs) / (work.atMs - last.atMs);
    const isShort = work.missed === undefined || work.missed > (last.missed ?? 0);
    if (this.#isSparing) this.#restore(work.atMs, idleCores >= IDLE_CORES || !isShort);
    else this.#spare(work.atMs, idleCores < BUSY_CORES && isShort);
  }

  #spare(now: number, isStrained: boolean): void {
    this.#strainedLooks = isStrained ? this.#strainedLooks + 1 : 0;
    if (this.#strainedLooks < STRAINED_LOOKS) return;
    this.#calmMs = now - this.#restoredAt < LASTING_MS ? Math.min(2 * this.#calmMs, LONGEST_CALM_MS) : CALM_MS;
    this.#isSparing = true;
    this.#calmFrom = undefined;
  }

  #restore(now: number, isCalm: boolean): void {
    if (!isCalm) this.#calmFrom = undefined;
    else this.#calmFrom ??= now;
    if (this.#calmFrom === undefined || now - this.#calmFrom < this.#calmMs) return;
    this.#isSparing = false;
    this.#strainedLooks = 0;
    this.#restoredAt = now;
  }
}
