/** What requests act on. The app provides it; nothing here knows how a camera or a configuration works. */
import type {
  BoundData,
  CheckStatistics,
  CountsMessage,
  LessonData,
  PromptsMessage,
  RecipeData,
  RequestOf,
  TaughtData,
  TeachData,
  TracksData,
  TriggerData,
  TryData,
  VerdictMessage,
  ZonesMessage,
} from '../contract/messages.js';

type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** The prompts of all cameras. Changes resolve once results carry them; `saved` is false when a restart would lose them. */
export interface PromptService {
  /** Errors: REQUEST_INVALID, PROMPT_INVALID, REVISION_CONFLICT; the old prompts then stay. */
  set(request: Without<RequestOf<'prompt/set'>, 'id'>): Promise<PromptsApplied>;
  add(request: Without<RequestOf<'prompt/add'>, 'id'>): Promise<PromptsApplied>;
  remove(request: Without<RequestOf<'prompt/remove'>, 'id'>): Promise<PromptsApplied>;
  clear(request: Without<RequestOf<'prompt/clear'>, 'id'>): Promise<PromptsApplied>;
  get(request: Pick<RequestOf<'prompt/get'>, 'camera'>): PromptsMessage[];
}

export interface PromptsApplied {
  readonly revision: number;
  readonly saved: boolean;
  /** With new prompts that follow an object: those whose object is known already. */
  readonly bound?: readonly BoundData['bound'][number][];
}

/** The lines and zones of all cameras that track, and their counts. In force from the next frame on. */
export interface ZoneService {
  /** Errors: REQUEST_INVALID, PROMPT_INVALID, REVISION_CONFLICT, TRACKING_OFF; the old ones then stay. */
  set(request: Without<RequestOf<'zone/set'>, 'id'>): Promise<ZonesApplied>;
  add(request: Without<RequestOf<'zone/add'>, 'id'>): Promise<ZonesApplied>;
  remove(request: Without<RequestOf<'zone/remove'>, 'id'>): Promise<ZonesApplied>;
  get(request: Pick<RequestOf<'zone/get'>, 'camera'>): ZonesMessage[];
  /** What had been counted until now. Errors: REQUEST_INVALID, PROMPT_INVALID, TRACKING_OFF. */
  resetCounts(
    request: Pick<RequestOf<'count/reset'>, 'camera' | 'ids'>,
  ): Promise<{ readonly until: readonly CountsMessage[]; readonly saved: boolean }>;
}

export interface ZonesApplied {
  readonly revision: number;
  readonly saved: boolean;
}

/** Questions about frames that were segmented already. */
export interface FrameService {
  /**
   * What these prompts would have answered on a frame. Errors: REQUEST_INVALID for a camera that is none and a frame that is
   * kept no more; PROMPT_INVALID.
   */
  try(request: Without<RequestOf<'prompt/try'>, 'id'>): Promise<TryData>;
}

/** One frame as a JPEG file. */
export interface Snapshot {
  readonly jpeg: Buffer;
  readonly width: number;
  readonly height: number;
  /** Milliseconds since the Unix epoch. */
  readonly capturedAtMs: number;
}

/** Cameras by configured id. Errors: REQUEST_INVALID for an id that is none. */
export interface CameraService {
  /** The next frame. Errors: REQUEST_FORBIDDEN where snapshots are off, SOURCE_TIMEOUT when no frame comes. */
  snapshot(camera: string): Promise<Snapshot>;
  pause(camera: string): Promise<void>;
  resume(camera: string): Promise<void>;
  restart(camera: string): Promise<void>;
  /** Tracks of the latest frame, of one camera or of all that track. Errors: TRACKING_OFF. */
  tracks(camera: string | undefined): TracksData;
}

/** The node itself; for callers with the role admin. */
export interface AdminService {
  /** Reads the configuration file again. Errors: CONFIG_INVALID. */
  reloadConfig(): Promise<{ readonly applied: readonly string[]; readonly restart: readonly string[] }>;
  setLogLevel(level: RequestOf<'admin/log-level'>['level']): void;
}

/** A verdict as it is kept. */
export type RecordedVerdict = VerdictMessage & { readonly camera: string; readonly ts: string };

/** Inspection of the cameras. Errors of all: REQUEST_INVALID for a camera that does not inspect. */
export interface InspectionService {
  /** Resolves once the trigger is on the disk; with `wait`, once it is decided. `name`: of the request, where it has one. */
  trigger(request: Without<RequestOf<'inspect/trigger'>, 'id'>, name: string | undefined): Promise<TriggerData>;
  /** Decides a trigger that waits: UNSURE, CANCELLED. Errors: REQUEST_INVALID for one that does not wait. */
  cancel(request: Without<RequestOf<'inspect/cancel'>, 'id'>): Promise<TriggerData>;
  /** Resolves once the revision is on the disk and, with `activate`, in force. Errors: REVISION_CONFLICT. */
  setRecipe(request: Without<RequestOf<'recipe/set'>, 'id'>, by: string): Promise<RecipeData>;
  /** Errors: REQUEST_INVALID for a recipe or revision that there is not. */
  activateRecipe(request: Without<RequestOf<'recipe/activate'>, 'id'>, by: string): Promise<RecipeData>;
  /** Errors: REQUEST_INVALID for a recipe or revision that there is not. */
  recipe(request: Without<RequestOf<'recipe/get'>, 'id'>): Promise<RecipeData>;
  recipes(request: Without<RequestOf<'recipe/list'>, 'id'>): Promise<readonly RecipeData[]>;
  /** Begins a lesson. Errors: TEACH_RUNNING; REQUEST_INVALID for a recipe without measures; MODEL_UNSUPPORTED where surfaces cannot be seen. */
  startTeaching(request: Without<RequestOf<'teach/start'>, 'id'>): Promise<TeachData>;
  /** Measures the parts in the next frame. Errors: TEACH_NOT_RUNNING, TEACH_RUNNING, TEACH_NO_PART, TAUGHT_STALE, SOURCE_TIMEOUT, SOURCE_LOST. */
  addGoodPart(request: Without<RequestOf<'teach/add'>, 'id'>): Promise<TeachData>;
  /** Writes what was learnt as a new revision. Errors: TEACH_NOT_RUNNING, TEACH_RUNNING, TEACH_INCOMPLETE, REVISION_CONFLICT; the lesson then goes on. */
  commitTeaching(request: Without<RequestOf<'teach/commit'>, 'id'>, by: string): Promise<TaughtData>;
  /** Ends the lesson; nothing has changed. Errors: TEACH_NOT_RUNNING. */
  abortTeaching(request: Without<RequestOf<'teach/abort'>, 'id'>): Promise<LessonData>;
  verdicts(request: Without<RequestOf<'read/verdicts'>, 'id'>): Promise<readonly RecordedVerdict[]>;
  /** Errors: REQUEST_FORBIDDEN where snapshots are off, REQUEST_INVALID for a picture that is not kept. */
  evidence(request: Without<RequestOf<'read/evidence'>, 'id'>): Promise<Snapshot>;
  statistics(request: Without<RequestOf<'read/statistics'>, 'id'>): Promise<readonly CheckStatistics[]>;
}
