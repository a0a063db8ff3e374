/**
 * Several cameras before one engine: who is next, and how many are inside. Every camera that waits, that is, has a frame
 * for it, gets its turn in proportion to its priority (stride scheduling: each admission moves a camera back by
 * 1 / priority; the one furthest ahead is next). Equal priorities take turns round robin. One that did not wait has not
 * saved up turns for later. Who is next is decided as late as possible, just before the engine is free, so that a camera
 * whose newest frame comes a moment later is still in the running.
 */

import type { SegmentationEngine } from './engine.js';

export interface Turn {
  /** The engine has the frame: the next camera may take the entry. */
  pass(): void;
  /** The engine is done with the frame, or there was none after all; includes `pass`. */
  leave(): void;
}

/** The way in of one camera, which asks for one turn at a time. */
export interface Gate {
  /**
   * Resolves when a place is free, no camera holds the entry, the engine is free within `earlyMs`, and it is this camera's turn.
   * A live frame that enters earlier grows old inside; any other may enter at any time (default).
   */
  enter(earlyMs?: number): Promise<Turn>;
}

interface Queued {
  /** Virtual time at which the camera is due. */
  due: number;
  earlyMs: number;
  admit?: (turn: Turn) => void;
}

export class EngineScheduler {
  readonly #waiting = new Set<Queued>();
  #free: number;
  #doorTaken = false;
  #now = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `engine.depth` frames may be inside at once. */
  constructor(private readonly engine: Pick<SegmentationEngine, 'depth' | 'msUntilFree'>) {
    this.#free = engine.depth;
  }

  /** `priority`: turns it gets for each turn of a camera with priority 1, when both have frames waiting all the time. */
  gate(priority = 1): Gate {
    const queued: Queued = { due: this.#now, earlyMs: 0 };
    return {
      enter: (earlyMs = Number.POSITIVE_INFINITY) =>
        new Promise((resolve) => {
          queued.due = Math.max(queued.due, this.#now);
          queued.earlyMs = earlyMs;
          queued.admit = (turn) => {
            this.#now = queued.due;
            queued.due += 1 / priority;
            resolve(turn);
          };
          this.#waiting.add(queued);
          this.#admit();
        }),
    };
  }

  #admit(): void {
    clearTimeout(this.#timer);
    if (this.#doorTaken || this.#free === 0) return;
    let next: Queued | undefined;
    let earlyMs = 0;
    for (const queued of this.#waiting) {
      if (!next || queued.due < next.due) next = queued;
      earlyMs = Math.max(earlyMs, queued.earlyMs);
    }
    if (!next) return;
    const waitMs = this.engine.msUntilFree() - earlyMs;
    if (waitMs > 1) {
      this.#timer = setTimeout(() => this.#admit(), waitMs);
      return;
    }
    this.#waiting.delete(next);
    this.#doorTaken = true;
    this.#free -= 1;
    next.admit?.(this.#turn());
  }

  #turn(): Turn {
    let atDoor = true;
    let inside = true;
    const pass = () => {
      if (!atDoor) return;
      atDoor = false;
      this.#doorTaken = false;
      this.#admit();
    };
    return {
      pass,
      leave: () => {
        if (!inside) return;
        inside = false;
        this.#free += 1;
        pass();
        this.#admit();
      },
    };
  }
}
