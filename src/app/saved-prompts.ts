/** Prompts onto the disk, and an alert while that fails. */
import type { PromptStore, SavedPrompts } from '../prompt/store.js';
import type { Publisher } from '../publish/publisher.js';

const ALERT = 'prompts-unsaved';

/** Resolves to whether they will survive a restart. */
export async function savePrompts(state: SavedPrompts, store: PromptStore, publisher: Publisher): Promise<boolean> {
  const saved = await store.save(state);
  if (saved) publisher.clearAlert(ALERT);
  else {
    const message = `prompts cannot be saved in ${store.file}: a restart would lose them; expected a writable folder with space`;
    publisher.setAlert(ALERT, { severity: 'warning', message });
  }
  return saved;
}
