/** State onto the disk; an alert while that fails, and another attempt until it succeeds. */
import type { SavedState } from '../saved-state.js';
import type { StatusBoard } from '../status/board.js';

const RETRY_MS = 10_000;

export interface StateKeeperDeps<T> {
  readonly store: SavedState<T>;
  /** Names the alert, as in `prompts-unsaved`, and says what a restart would lose. */
  readonly what: string;
  readonly status: Pick<StatusBoard, 'setAlert' | 'clearAlert'>;
}

export class StateKeeper<T> {
  readonly #deps: StateKeeperDeps<T>;
  /** The newest state that was to be saved. */
  #latest: T | undefined;
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(deps: StateKeeperDeps<T>) {
    this.#deps = deps;
  }

  load(): Promise<T | undefined> {
    return this.#deps.store.load();
  }

  /** Resolves to whether the state will survive a restart. */
  async save(state: T): Promise<boolean> {
    this.#latest = state;
    const { store, what, status } = this.#deps;
    const alert = `${what}-unsaved`;
    const saved = await store.save(state);
    clearTimeout(this.#retry);
    if (saved) status.clearAlert(alert);
    else {
      const message = `${what} cannot be saved in ${store.file}: a restart would lose them; expected a writable folder with space`;
      status.setAlert(alert, { severity: 'warning', message });
      if (!this.#stopped) this.#retry = setTimeout(() => void this.saveAgain(), RETRY_MS).unref();
    }
    return saved;
  }

  /** The state of the last `save` once more: the disk may have room again, or the folder was made again. */
  async saveAgain(): Promise<void> {
    if (this.#latest !== undefined) await this.save(this.#latest);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
  }
}
