/** Which recipe a camera judges by, with what that recipe was taught. */
import type { Logger } from 'pino';
import type { CameraEvent } from '../../contract/messages.js';
import type { Recipe } from '../../domain/recipe.js';
import { messageOf } from '../../errors.js';
import { canonicalJson, sha256Of } from '../../inspect/identity.js';
import type { Taught } from '../../inspect/taught.js';
import type { StoredRecipe } from '../../record/protocol.js';
import type { StatusBoard } from '../../status/board.js';
import type { SharedRecord } from './shared-record.js';
import type { Station } from './station.js';
import type { TaughtFiles } from './taught-files.js';
import { identityOf } from './verdict-message.js';

export interface RecipeInForceDeps {
  readonly record: Pick<SharedRecord, 'call'>;
  readonly taughtFiles: Pick<TaughtFiles, 'load'>;
  /** Errors: REQUEST_INVALID for a camera that does not inspect. */
  readonly station: (camera: string) => Station;
  readonly status: Pick<StatusBoard, 'setAlert' | 'clearAlert'>;
  readonly publishEvent: (camera: string, event: CameraEvent) => void;
  readonly log: Logger;
}

export class RecipeInForce {
  readonly #deps: RecipeInForceDeps;

  constructor(deps: RecipeInForceDeps) {
    this.#deps = deps;
  }

  /** The recipe of the configuration counts when its file has changed; else the one that was active last. */
  async takeOver(camera: string, recipe: Recipe): Promise<void> {
    const station = this.#deps.station(camera);
    const { identity } = station.inspector;
    const record = this.#deps.record;
    const sha256 = sha256Of(canonicalJson(recipe));
    const active = await record.call('recipe', { camera });
    const isTaken = (await record.call('fileHash', { camera })) === sha256;
    if (active && isTaken) {
      if (identity?.sha256 === active.sha256 && identity.revision === active.revision) return;
      this.#use(station, active, await this.#taughtAtStart(camera, active.recipe));
      return;
    }
    const by = 'configuration file';
    const answer = await record.call('setRecipe', { camera, recipe, sha256, activate: true, by, atMs: Date.now() });
    await record.call('fileHash', { camera, set: sha256 });
    if (!('stored' in answer)) return;
    this.#use(station, answer.stored, await this.#taughtAtStart(camera, recipe));
    this.#deps.publishEvent(camera, { type: 'recipe-changed', change: 'activated', recipe: identityOf(answer.stored), by });
  }

  /** Loads what the recipe was taught, makes the change that puts it in force, and judges by it. `tell`: between the two. */
  async put(
    camera: string,
    recipe: Recipe,
    by: string,
    change: () => Promise<StoredRecipe>,
    tell: (stored: StoredRecipe) => void = () => undefined,
  ): Promise<StoredRecipe> {
    const taught = await this.#taughtOf(camera, recipe);
    try {
      const stored = await change();
      tell(stored);
      this.#use(this.#deps.station(camera), stored, taught);
      this.#deps.publishEvent(camera, { type: 'recipe-changed', change: 'activated', recipe: identityOf(stored), by });
      return stored;
    } catch (error) {
      await taught?.[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What the recipe itself names, for the station to dispose of; undefined for that of the configuration. Errors: those of TaughtFiles.load. */
  async #taughtOf(camera: string, { taught }: Recipe): Promise<Taught | undefined> {
    if (taught === undefined || taught === this.#deps.station(camera).config.taught?.sha256) return undefined;
    return this.#deps.taughtFiles.load(camera, taught);
  }

  /** A file that is gone, or of another model, keeps no node from starting: its checks are TEACH_MISSING then. */
  async #taughtAtStart(camera: string, recipe: Recipe): Promise<Taught | undefined> {
    const { status, log } = this.#deps;
    const alert = `taught-missing-${camera}`;
    try {
      const taught = await this.#taughtOf(camera, recipe);
      status.clearAlert(alert);
      return taught;
    } catch (error) {
      const message = `camera ${camera}: ${messageOf(error)}`;
      log.error({ camera }, message);
      status.setAlert(alert, { severity: 'critical', message: message.slice(0, 1000) });
      return undefined;
    }
  }

  /** Judges by this from the next frame on. `taught`: the recipe's own. */
  #use(station: Station, stored: StoredRecipe, taught: Taught | undefined): void {
    const { inspector, config, taught: former } = station;
    const names = stored.recipe.taught;
    const isConfigured = names === undefined || names === config.taught?.sha256;
    station.taught = taught;
    inspector.activate(stored, taught ?? (isConfigured ? config.taught : undefined));
    taught?.surfaces?.warmUp();
    void inspector.settled().then(() => former?.[Symbol.asyncDispose]());
  }
}
