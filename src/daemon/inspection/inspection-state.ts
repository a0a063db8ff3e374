/** The state of the inspection of one camera as it is published: its recipe, what it has counted, its last verdict. */
import { toTimestamp } from '../../contract/common.js';
import type { InspectionMessage, LessonData, RecipeIdentity } from '../../contract/messages.js';
import type { StoredRecipe, StoredVerdict } from '../../record/protocol.js';
import { identityOf } from './verdict-message.js';

const NO_COUNTS = { triggers: 0, ok: 0, nok: 0, unsure: 0, missed: 0 };

export class InspectionState {
  teaching: LessonData | undefined;
  readonly #camera: string;
  #recipe: StoredRecipe | undefined;
  #counts = { ...NO_COUNTS };
  #last: InspectionMessage['last'] = null;
  #statistics: InspectionMessage['statistics'];
  /** Verdicts when the statistics were last asked for. */
  #statisticsAt = 0;
  #since = Date.now();
  #state: InspectionMessage['state'] | undefined;

  constructor(camera: string) {
    this.#camera = camera;
  }

  get identity(): RecipeIdentity | null {
    return this.#recipe ? identityOf(this.#recipe) : null;
  }

  /** Whether there are verdicts, or another recipe, since the statistics were last asked for. */
  get statisticsDue(): boolean {
    return this.#recipe !== undefined && this.#decided !== this.#statisticsAt;
  }

  get #decided(): number {
    const { ok, nok, unsure } = this.#counts;
    return ok + nok + unsure;
  }

  /** Whether these are statistics of the recipe in force; they are kept then. */
  keepStatistics(of: RecipeIdentity | null, statistics: NonNullable<InspectionMessage['statistics']>): boolean {
    const { identity } = this;
    if (!identity || of?.sha256 !== identity.sha256 || of.revision !== identity.revision) return false;
    this.#statisticsAt = this.#decided;
    this.#statistics = statistics;
    return true;
  }

  /** Counts from 0 under this recipe. */
  activate(recipe: StoredRecipe): void {
    this.#recipe = recipe;
    this.#counts = { ...NO_COUNTS };
    this.#statistics = undefined;
    this.#statisticsAt = -1;
  }

  countTrigger(): void {
    this.#counts.triggers += 1;
  }

  countMissed(): void {
    this.#counts.missed += 1;
  }

  countVerdict({ ts, verdict: { inspection, verdict, part } }: Pick<StoredVerdict, 'ts' | 'verdict'>): void {
    const key = verdict === 'OK' ? 'ok' : verdict === 'NOK' ? 'nok' : 'unsure';
    this.#counts[key] += 1;
    this.#last = { inspection, verdict, ts, ...(part === undefined ? {} : { part }) };
  }

  /** `unseen`: of a recipe whose parts cross a line, those that were not seen well enough. */
  message(now: { readonly isClosed: boolean; readonly isWaiting: boolean; readonly unseen: number | undefined }): InspectionMessage {
    const recipe = this.#recipe;
    const state = now.isClosed ? 'halted' : !recipe ? 'not-ready' : now.isWaiting ? 'inspecting' : 'ready';
    if (state !== this.#state) this.#since = Date.now();
    this.#state = state;
    return {
      v: 1,
      camera: this.#camera,
      state,
      ...(recipe ? {} : { reason: 'no recipe is active' }),
      since: toTimestamp(this.#since),
      recipe: this.identity,
      trigger: recipe?.recipe.trigger.type ?? null,
      counts: { ...this.#counts, ...(now.unseen === undefined ? {} : { unseen: now.unseen }) },
      last: this.#last,
      ...(this.#statistics ? { statistics: this.#statistics } : {}),
      ...(this.teaching ? { teaching: this.teaching } : {}),
    };
  }
}
