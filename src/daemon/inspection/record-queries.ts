/** What is asked of the record: recipes, verdicts, their pictures, and statistics of checks. */
import { toTimestamp } from '../../contract/common.js';
import type { CheckStatistics, RecipeData, RecipeIdentity } from '../../contract/messages.js';
import type { InspectionService, RecordedVerdict } from '../../control/services.js';
import { FastsamError } from '../../errors.js';
import { statisticsOf } from '../../inspect/statistics.js';
import type { EvidenceStore } from '../../record/evidence.js';
import type { StoredRecipe } from '../../record/protocol.js';
import type { SharedRecord } from './shared-record.js';
import { identityOf } from './verdict-message.js';

export interface RecordQueriesDeps {
  readonly record: Pick<SharedRecord, 'call' | 'isOpen'>;
  readonly pictures: Pick<EvidenceStore, 'read'>;
}

type Asked<K extends 'recipe' | 'recipes' | 'verdicts' | 'evidence'> = Parameters<InspectionService[K]>[0];

export class RecordQueries {
  readonly #deps: RecordQueriesDeps;

  constructor(deps: RecordQueriesDeps) {
    this.#deps = deps;
  }

  /** `recipe`: the active one when absent; `revision`: the newest. Errors: REQUEST_INVALID for one that there is not. */
  async stored({ camera, recipe, revision }: Pick<Asked<'recipe'>, 'camera' | 'recipe' | 'revision'>): Promise<StoredRecipe> {
    const found = await this.#deps.record.call('recipe', { camera, recipe, revision });
    if (!found) throw noRecipe(recipe ?? '(the active one)', revision);
    return found;
  }

  async recipe(request: Asked<'recipe'>): ReturnType<InspectionService['recipe']> {
    const found = await this.stored(request);
    return { ...dataOf(found), recipe: found.recipe };
  }

  async recipes({ camera }: Asked<'recipes'>): ReturnType<InspectionService['recipes']> {
    return (await this.#deps.record.call('recipes', { camera })).map(dataOf);
  }

  async verdicts(request: Asked<'verdicts'>): ReturnType<InspectionService['verdicts']> {
    const { record } = this.#deps;
    const rows = record.isOpen ? await record.call('verdicts', request) : [];
    return rows.map(({ camera, ts, verdict }): RecordedVerdict => ({ ...verdict, camera, ts }));
  }

  /** Errors: REQUEST_INVALID for a picture that is not kept. */
  async evidence({ camera, inspection, kind }: Asked<'evidence'>): ReturnType<InspectionService['evidence']> {
    const { record, pictures } = this.#deps;
    const [found] = await record.call('verdicts', { camera, before: inspection + 1, limit: 1 });
    const verdict = found?.verdict.inspection === inspection ? found.verdict : undefined;
    const jpeg = verdict?.evidence === undefined ? undefined : await pictures.read(camera, verdict.evidence, kind);
    if (!verdict?.frame || !jpeg) {
      const message = verdict
        ? `no ${kind} picture of inspection ${inspection} is kept`
        : `no inspection ${inspection} of camera "${camera}"`;
      throw new FastsamError('REQUEST_INVALID', message);
    }
    const { width, height, capturedAt } = verdict.frame;
    return { jpeg: Buffer.from(jpeg.buffer, jpeg.byteOffset, jpeg.byteLength), width, height, capturedAtMs: Date.parse(capturedAt) };
  }

  /** Of the newest `limit` values of each check of this revision. */
  async statistics(camera: string, { id: recipe, revision }: RecipeIdentity, limit: number): Promise<CheckStatistics[]> {
    const checks = await this.#deps.record.call('checkValues', { camera, recipe, revision, limit });
    return checks.map(({ id, unit, lsl, usl, values }) => {
      const { nelson, ...statistics } = statisticsOf(values, { lsl, usl });
      const limits = { ...(lsl === undefined ? {} : { lsl }), ...(usl === undefined ? {} : { usl }) };
      return { id, ...(unit === undefined ? {} : { unit }), ...limits, ...statistics, nelson: [...nelson] };
    });
  }
}

export function dataOf(stored: StoredRecipe): RecipeData {
  return { ...identityOf(stored), active: stored.active, at: toTimestamp(stored.atMs) };
}

export function noRecipe(recipe: string, revision: number | undefined): FastsamError {
  const which = revision === undefined ? '' : ` with revision ${revision}`;
  return new FastsamError('REQUEST_INVALID', `no recipe "${recipe}"${which}; recipe/list tells which there are`);
}
