import { existsSync } from 'node:fs';
import type { Logger } from 'pino';
import { loadRecipe } from '../../config/load.js';
import type { CameraConfig } from '../../config/schema.js';
import type { CameraEvent } from '../../contract/messages.js';
import type { InspectionService } from '../../control/services.js';
import type { Recipe } from '../../domain/recipe.js';
import { FastsamError } from '../../errors.js';
import { loadCalibration } from '../../inspect/calibration-file.js';
import { canonicalJson, sha256Of } from '../../inspect/identity.js';
import { withLimits } from '../../inspect/limits.js';
import { loadTaught, type OpenFeatures } from '../../inspect/taught.js';
import type { ResultSink } from '../../pipeline/sinks.js';
import { EvidenceStore } from '../../record/evidence.js';
import type { EvidenceSettings } from '../../record/evidence-ring.js';
import type { RecordCalls, StoredRecipe } from '../../record/protocol.js';
import type { StatusBoard } from '../../status/board.js';
import type { EventIdentity } from '../../status/feed.js';
import { EvidenceKeeper, tidyLeftovers } from './evidence.js';
import { FieldStation } from './field-station.js';
import { Inspector } from './inspector.js';
import { RecipeInForce } from './recipe-in-force.js';
import { dataOf, noRecipe, RecordQueries } from './record-queries.js';
import { SharedRecord } from './shared-record.js';
import { freeTaught, type Station, type StationConfig } from './station.js';
import { TaughtFiles } from './taught-files.js';
import { type OpenTeachingNetwork, Teaching } from './teaching.js';
import { identityOf } from './verdict-message.js';

/** An event reaches the spool's disk long before. */
const PUBLISHED_MS = 2000;
/** Newest values of a check that its statistics are of: when asked for, and in the retained state. */
const STATISTICS_VALUES = 10_000;
const RETAINED_VALUES = 1000;
const TIDY_MS = 3_600_000;

export interface InspectionsDeps {
  readonly file: string;
  readonly maxVerdicts: number;
  readonly evidence: EvidenceSettings;
  readonly status: Pick<StatusBoard, 'setInspection' | 'setAlert' | 'clearAlert' | 'delete'>;
  readonly publishEvent: (camera: string, event: CameraEvent, identity?: EventIdentity) => void;
  /** Results of the camera, from the next one on; returns how to end that. */
  readonly addSink: (camera: string, sink: ResultSink) => () => Promise<void>;
  /** Errors: PROMPT_INVALID for prompts that the model cannot answer. */
  readonly assertAnswerable: (recipe: Recipe) => void;
  /** The network that surfaces were taught with. */
  readonly openFeatures: OpenFeatures;
  /** The model in use, to teach surfaces with. */
  readonly openTeachingNetwork: OpenTeachingNetwork;
  /** Folder of what cameras were taught by requests. */
  readonly taught: string;
  readonly degraded: () => boolean;
  /** Whether the configuration wants the camera to inspect: it does so once the model is loaded. */
  readonly wanted: (camera: string) => boolean;
  /** Whether frames of the camera come. */
  readonly streaming: (camera: string) => boolean;
  /** Whether pictures of the camera may be asked for. */
  readonly showsPictures: (camera: string) => boolean;
  readonly log: Logger;
}

export class Inspections implements InspectionService {
  readonly #deps: InspectionsDeps;
  readonly #record: SharedRecord;
  readonly #queries: RecordQueries;
  readonly #pictures: EvidenceStore;
  readonly #taughtFiles: TaughtFiles;
  readonly #teaching: Teaching;
  readonly #inForce: RecipeInForce;
  /** Once a camera keeps pictures. */
  #evidence: EvidenceKeeper | undefined;
  #tidying: NodeJS.Timeout | undefined;
  readonly #stations = new Map<string, Station>();
  #marking: NodeJS.Timeout | undefined;
  #changed: Promise<unknown> = Promise.resolve();
  #isStopping = false;
  /** Cameras whose statistics are being read. */
  readonly #counting = new Set<string>();

  constructor(deps: InspectionsDeps) {
    this.#deps = deps;
    const { file, maxVerdicts, status, publishEvent, log } = deps;
    this.#record = new SharedRecord({ file, maxVerdicts, status, publishEvent, log });
    this.#pictures = new EvidenceStore(deps.evidence);
    this.#queries = new RecordQueries({ record: this.#record, pictures: this.#pictures });
    this.#taughtFiles = new TaughtFiles({ folder: deps.taught, openFeatures: deps.openFeatures });
    this.#inForce = new RecipeInForce({
      ...{ record: this.#record, taughtFiles: this.#taughtFiles, status, publishEvent, log },
      station: (camera) => this.#station(camera),
    });
    this.#teaching = new Teaching({
      addSink: deps.addSink,
      openNetwork: deps.openTeachingNetwork,
      degraded: deps.degraded,
      streaming: deps.streaming,
      onLesson: (camera, lesson) => this.#stations.get(camera)?.inspector.setTeaching(lesson),
      log: deps.log,
    });
  }

  /**
   * Checks all that may be refused of making these the cameras that inspect, and returns what does it. Errors: CONFIG_INVALID,
   * PROMPT_INVALID and TRACKING_OFF of a recipe, OUTPUT_UNWRITABLE of the record; nothing has changed then.
   */
  async prepare(cameras: readonly CameraConfig[]): Promise<() => Promise<void>> {
    return (await this.#change(() => this.#prepare(cameras))) ?? (() => Promise.resolve());
  }

  async #prepare(cameras: readonly CameraConfig[]): Promise<() => Promise<void>> {
    const wanted = new Map<string, StationConfig>();
    const recipes = new Map<string, Recipe>();
    for (const { id, inspection, tracking } of cameras) {
      if (!inspection) continue;
      const calibration = inspection.calibration === undefined ? undefined : await loadCalibration(inspection.calibration);
      const taught = inspection.taught === undefined ? undefined : await loadTaught(inspection.taught, this.#deps.openFeatures);
      const station = { ...inspection, calibration, taught, tracking: tracking.enabled };
      wanted.set(id, station);
      recipes.set(id, await this.#load(inspection.recipe, station));
    }
    if (wanted.size > 0) {
      await this.#record.open();
      this.#marking ??= setInterval(() => this.#mark(), PUBLISHED_MS).unref();
    }
    return async () => void (await this.#change(() => this.#apply(wanted, recipes)));
  }

  /** One change at a time, and none once `stop` was called: a change would open again what `stop` closes. */
  #change<T>(change: () => Promise<T>): Promise<T | undefined> {
    const changed = this.#changed.then(() => (this.#isStopping ? undefined : change()));
    this.#changed = changed.catch(() => undefined);
    return changed;
  }

  async #apply(wanted: ReadonlyMap<string, StationConfig>, recipes: ReadonlyMap<string, Recipe>): Promise<void> {
    for (const [id, station] of this.#stations) {
      if (JSON.stringify(wanted.get(id)) === JSON.stringify(station.config)) continue;
      await this.#teaching.drop(id, 'its configuration has changed');
      this.#stations.delete(id);
      await station.field.stop();
      await station.end();
      await freeTaught(station);
      if (!wanted.has(id)) this.#deps.status.delete(`cameras/${id}/inspection`);
    }
    for (const [id, config] of wanted) {
      if (!this.#stations.has(id)) await this.#begin(id, config);
      else await config.taught?.[Symbol.asyncDispose]();
      await this.#inForce.takeOver(id, recipes.get(id)!);
    }
    this.#tidy();
  }

  /** Now and every hour: pictures grow too old also while no part comes, and where no camera keeps any now. */
  #tidy(): void {
    const { evidence, log } = this.#deps;
    if (this.#tidying || !(this.#evidence || existsSync(evidence.folder))) return;
    const tidy = () => void (this.#evidence ? this.#evidence.tidy() : tidyLeftovers(this.#pictures, log));
    tidy();
    this.#tidying = setInterval(tidy, TIDY_MS).unref();
  }

  /** Waits for a change under way, decides what waits, and closes the record. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#changed;
    await this.#teaching.stop();
    clearInterval(this.#marking);
    clearInterval(this.#tidying);
    const stations = [...this.#stations.values()];
    await Promise.all(stations.map(({ field }) => field.stop()));
    await Promise.all(stations.map(({ inspector }) => inspector.close()));
    await this.#evidence?.settled();
    await this.#pictures.close();
    await this.#record.close();
    await Promise.all(stations.map(freeTaught));
  }

  async trigger(
    { camera, part, meas, wait }: Parameters<InspectionService['trigger']>[0],
    name: string | undefined,
  ): ReturnType<InspectionService['trigger']> {
    return this.#station(camera).inspector.trigger({ name, part, meas, wait });
  }

  async cancel({ camera, trigger }: Parameters<InspectionService['cancel']>[0]): ReturnType<InspectionService['cancel']> {
    return this.#station(camera).inspector.cancel(trigger);
  }

  async setRecipe(
    { camera, recipe, ifRevision, activate }: Parameters<InspectionService['setRecipe']>[0],
    by: string,
  ): ReturnType<InspectionService['setRecipe']> {
    return dataOf(await this.#setRecipe({ camera, recipe, ifRevision, activate, by }));
  }

  /** `lesson`: what the limits of the recipe come from, for the audit trail. */
  async #setRecipe(
    change: Pick<RecordCalls['setRecipe']['ask'], 'camera' | 'recipe' | 'ifRevision' | 'activate' | 'by' | 'lesson'>,
  ): Promise<StoredRecipe> {
    const { camera, recipe, ifRevision, activate, by } = change;
    const station = this.#station(camera);
    this.#assertUsable(recipe, station.config);
    const set = async () => {
      const sha256 = sha256Of(canonicalJson(recipe));
      const answer = await this.#record.call('setRecipe', { ...change, sha256, atMs: Date.now() });
      if ('stored' in answer) return answer.stored;
      const message = `recipe "${recipe.recipe}": the newest revision is ${answer.conflict}, not ${ifRevision}`;
      throw new FastsamError('REVISION_CONFLICT', message);
    };
    const tell = (stored: StoredRecipe) =>
      this.#deps.publishEvent(camera, { type: 'recipe-changed', change: 'set', recipe: identityOf(stored), by });
    if (activate) return this.#inForce.put(camera, recipe, by, set, tell);
    if (recipe.taught !== undefined && recipe.taught !== station.config.taught?.sha256) {
      await this.#taughtFiles.demand(camera, recipe.taught);
    }
    const stored = await set();
    tell(stored);
    return stored;
  }

  async activateRecipe(
    { camera, recipe, revision }: Parameters<InspectionService['activateRecipe']>[0],
    by: string,
  ): ReturnType<InspectionService['activateRecipe']> {
    const { config } = this.#station(camera);
    const found = await this.#queries.stored({ camera, recipe, revision });
    this.#assertUsable(found.recipe, config);
    const activated = this.#inForce.put(camera, found.recipe, by, async () => {
      const stored = await this.#record.call('activateRecipe', { camera, recipe, revision: found.revision, by, atMs: Date.now() });
      if (!stored) throw noRecipe(recipe, revision);
      return stored;
    });
    return dataOf(await activated);
  }

  async startTeaching({
    camera,
    recipe,
    sigma,
  }: Parameters<InspectionService['startTeaching']>[0]): ReturnType<InspectionService['startTeaching']> {
    const { config } = this.#station(camera);
    const found = await this.#queries.stored({ camera, recipe });
    const newest = await this.#queries.stored({ camera, recipe: found.recipe.recipe });
    return this.#teaching.start({
      ...{ camera, recipe: found.recipe, identity: identityOf(found), newest: newest.revision, sigma },
      judging: { scale: config.scale, calibration: config.calibration?.calibration },
    });
  }

  async addGoodPart({ camera }: Parameters<InspectionService['addGoodPart']>[0]): ReturnType<InspectionService['addGoodPart']> {
    this.#station(camera);
    return this.#teaching.add(camera);
  }

  async commitTeaching(
    { camera, ifRevision, activate }: Parameters<InspectionService['commitTeaching']>[0],
    by: string,
  ): ReturnType<InspectionService['commitTeaching']> {
    this.#station(camera);
    return this.#teaching.commit(camera, async ({ limits, file }, { recipe, newest, sigma }, parts) => {
      const taught = file && (await this.#taughtFiles.save(camera, file));
      const change = { camera, activate, by, ifRevision: ifRevision ?? newest, lesson: { parts, sigma } };
      let stored: StoredRecipe | undefined;
      try {
        stored = await this.#setRecipe({ ...change, recipe: { ...withLimits(recipe, limits), ...(taught ? { taught } : {}) } });
        return { ...dataOf(stored), parts, limits: [...limits], ...(taught ? { taught } : {}) };
      } finally {
        const active = await this.#record.call('recipe', { camera }).catch(() => undefined);
        const remove = stored ? undefined : taught;
        if (taught) await this.#taughtFiles.tidy(camera, { remove, keep: new Set([active?.recipe.taught, taught]) });
      }
    });
  }

  async abortTeaching({ camera }: Parameters<InspectionService['abortTeaching']>[0]): ReturnType<InspectionService['abortTeaching']> {
    this.#station(camera);
    return this.#teaching.abort(camera);
  }

  async recipe(request: Parameters<InspectionService['recipe']>[0]): ReturnType<InspectionService['recipe']> {
    this.#station(request.camera);
    return this.#queries.recipe(request);
  }

  async recipes(request: Parameters<InspectionService['recipes']>[0]): ReturnType<InspectionService['recipes']> {
    this.#station(request.camera);
    return this.#queries.recipes(request);
  }

  async verdicts(request: Parameters<InspectionService['verdicts']>[0]): ReturnType<InspectionService['verdicts']> {
    if (request.camera !== undefined) this.#station(request.camera);
    return this.#queries.verdicts(request);
  }

  async evidence(request: Parameters<InspectionService['evidence']>[0]): ReturnType<InspectionService['evidence']> {
    const { camera } = request;
    this.#station(camera);
    if (this.#deps.showsPictures(camera)) return this.#queries.evidence(request);
    const message = `pictures of camera "${camera}" are off; expected publish.snapshots: true in its configuration`;
    throw new FastsamError('REQUEST_FORBIDDEN', message);
  }

  async statistics({ camera }: Parameters<InspectionService['statistics']>[0]): ReturnType<InspectionService['statistics']> {
    const { identity } = this.#station(camera).inspector;
    return identity ? this.#queries.statistics(camera, identity, STATISTICS_VALUES) : [];
  }

  #station(camera: string): Station {
    const station = this.#stations.get(camera);
    if (station) return station;
    const why = this.#deps.wanted(camera)
      ? 'does not inspect yet: the node is starting; try again once its inspection state is published'
      : 'does not inspect; expected one with "inspection" in its configuration';
    throw new FastsamError('REQUEST_INVALID', `camera "${camera}" ${why}`);
  }

  #assertUsable(recipe: Recipe, { tracking }: StationConfig): void {
    this.#deps.assertAnswerable(recipe);
    if (recipe.trigger.type !== 'crossing' || tracking) return;
    const message = `recipe "${recipe.recipe}": parts that cross a line need tracks; expected tracking.enabled: true of the camera`;
    throw new FastsamError('TRACKING_OFF', message);
  }

  async #load(file: string, config: StationConfig): Promise<Recipe> {
    const recipe = await loadRecipe(file);
    this.#assertUsable(recipe, config);
    return recipe;
  }

  async #begin(camera: string, config: StationConfig): Promise<void> {
    const { status, degraded, streaming, addSink, log } = this.#deps;
    // The field asks for the inspector once it triggers.
    const field = new FieldStation({
      ...{ camera, config, status, log },
      trigger: (trigger) => this.#station(camera).inspector.trigger({ name: undefined, wait: false, ...trigger }),
      recipe: (recipe) => this.#record.call('recipe', { camera, recipe }),
      activate: (recipe) => this.activateRecipe({ camera, recipe }, 'modbus'),
    });
    const inspector = new Inspector({
      camera,
      record: this.#record,
      scale: config.scale,
      calibration: config.calibration,
      output: field.output,
      evidence: config.evidence && this.#keeper().of(config.evidence),
      onVerdict: (verdict, seq) => this.#record.publish(verdict, seq),
      onState: (message) => status.setInspection(message),
      onRecord: (problem) => this.#record.tell(problem),
      degraded,
      streaming: () => streaming(camera),
      log,
    });
    this.#stations.set(camera, { config, inspector, field, end: addSink(camera, inspector), taught: undefined });
    field.start();
    config.taught?.surfaces?.warmUp();
  }

  #keeper(): EvidenceKeeper {
    if (this.#evidence) return this.#evidence;
    const { status, log } = this.#deps;
    const keeper = new EvidenceKeeper({ store: this.#pictures, record: this.#record, status, log });
    this.#evidence = keeper;
    return keeper;
  }

  #mark(): void {
    this.#record.mark();
    for (const [camera, station] of this.#stations) {
      if (!station.inspector.statisticsDue || this.#counting.has(camera)) continue;
      this.#counting.add(camera);
      void this.#refreshStatistics(camera, station).finally(() => this.#counting.delete(camera));
    }
  }

  async #refreshStatistics(camera: string, { inspector }: Station): Promise<void> {
    const { identity } = inspector;
    try {
      inspector.setStatistics(identity, identity ? await this.#queries.statistics(camera, identity, RETAINED_VALUES) : []);
    } catch {
      // The writer of verdicts reports a record that fails.
    }
  }
}
