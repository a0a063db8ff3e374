/** Prompts onto the disk; an alert while that fails, and another attempt until it succeeds. */
import type { PromptStore, SavedPrompts } from '../prompt/store.js';
import type { StatusBoard } from '../status/board.js';

const ALERT = 'prompts-unsaved';
const RETRY_MS = 10_000;

export interface PromptKeeperDeps {
  readonly store: PromptStore;
  readonly status: Pick<StatusBoard, 'setAlert' | 'clearAlert'>;
}

export class PromptKeeper {
  readonly #deps: PromptKeeperDeps;
  /** The newest state that was to be saved. */
  #latest: SavedPrompts | undefined;
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(deps: PromptKeeperDeps) {
    this.#deps = deps;
  }

  /** Resolves to whether the prompts will survive a restart. */
  async save(state: SavedPrompts): Promise<boolean> {
    this.#latest = state;
    const { store, status } = this.#deps;
    const saved = await store.save(state);
    clearTimeout(this.#retry);
    if (saved) status.clearAlert(ALERT);
    else {
      const message = `prompts cannot be saved in ${store.file}: a restart would lose them; expected a writable folder with space`;
      status.setAlert(ALERT, { severity: 'warning', message });
      if (!this.#stopped) this.#retry = setTimeout(() => void this.saveAgain(), RETRY_MS).unref();
    }
    return saved;
  }

  /** The state of the last `save` once more: the disk may have room again, or the folder was made again. */
  async saveAgain(): Promise<void> {
    if (this.#latest) await this.save(this.#latest);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
  }
}
