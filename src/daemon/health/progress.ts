/** Work of one kind as seen from outside: whether some is under way, and since when none of it has finished. */
export class Progress {
  readonly #now: () => number;
  #underWay = 0;
  /** When something last finished, or began after a rest. */
  #since = 0;

  /** `now`: milliseconds, monotonic. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Milliseconds for which there was work and none of it finished; 0 while there is nothing to do. */
  get stalledMs(): number {
    return this.#underWay === 0 ? 0 : this.#now() - this.#since;
  }

  async watch<T>(work: () => Promise<T>): Promise<T> {
    if (this.#underWay === 0) this.#since = this.#now();
    this.#underWay += 1;
    try {
      return await work();
    } finally {
      this.#underWay -= 1;
      this.#since = this.#now();
    }
  }
}
