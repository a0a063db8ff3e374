/** What each request does. A verb per line: its payload is checked, its answer goes back. */

import { toTimestamp } from '../contract/common.js';
import type {
  HealthData,
  InfoMessage,
  PingData,
  RecipeData,
  RequestOf,
  ResponseMessage,
  SnapshotData,
  Verb,
} from '../contract/messages.js';
import { jsonSchemaOf, SCHEMA_NAMES } from '../contract/schemas.js';
import { FastsamError } from '../errors.js';
import type {
  AdminService,
  CameraService,
  FrameService,
  InspectionService,
  PromptService,
  PromptsApplied,
  Snapshot,
  ZoneService,
} from './services.js';

export interface VerbDeps {
  readonly prompts: PromptService;
  readonly zones: ZoneService;
  readonly cameras: CameraService;
  readonly frames: FrameService;
  readonly admin: AdminService;
  readonly inspection: InspectionService;
  readonly ping: () => PingData;
  /** Undefined before the node knows itself. */
  readonly info: () => InfoMessage | undefined;
  readonly health: () => HealthData;
  /** Publishes the picture and returns its topic. */
  readonly publishSnapshot: (camera: string, snapshot: Snapshot) => string;
  readonly publishEvidence: (camera: string, picture: Snapshot) => string;
}

export type Answer = Pick<ResponseMessage, 'revision' | 'data'>;

/** Who asks, for names and records. */
export interface Asked {
  /** Id of the request. */
  readonly id: string | undefined;
  /** Transport and role. */
  readonly by: string;
}

type Handlers = { readonly [V in Verb]: (request: Omit<RequestOf<V>, 'id'>, asked: Asked) => Answer | Promise<Answer> };

/** What a caller may do. Each role includes the ones before it. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export function roleSuffices(role: Role, wanted: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(wanted);
}

/** Who may ask what, and whether it changes something: the same request id twice then is applied once. */
const VERB_RULES: Readonly<Record<Verb, { readonly role: Role; readonly changes: boolean }>> = {
  'prompt/set': { role: 'operator', changes: true },
  'prompt/add': { role: 'operator', changes: true },
  'prompt/remove': { role: 'operator', changes: true },
  'prompt/clear': { role: 'operator', changes: true },
  'prompt/get': { role: 'viewer', changes: false },
  'prompt/try': { role: 'viewer', changes: false },
  'zone/set': { role: 'operator', changes: true },
  'zone/add': { role: 'operator', changes: true },
  'zone/remove': { role: 'operator', changes: true },
  'zone/get': { role: 'viewer', changes: false },
  'count/reset': { role: 'operator', changes: true },
  'read/ping': { role: 'viewer', changes: false },
  'read/info': { role: 'viewer', changes: false },
  'read/health': { role: 'viewer', changes: false },
  'read/snapshot': { role: 'viewer', changes: false },
  'read/tracks': { role: 'viewer', changes: false },
  'read/schema': { role: 'viewer', changes: false },
  'inspect/trigger': { role: 'operator', changes: true },
  'inspect/cancel': { role: 'operator', changes: true },
  'recipe/set': { role: 'admin', changes: true },
  'recipe/activate': { role: 'admin', changes: true },
  'recipe/get': { role: 'viewer', changes: false },
  'recipe/list': { role: 'viewer', changes: false },
  'teach/start': { role: 'admin', changes: true },
  'teach/add': { role: 'admin', changes: true },
  'teach/commit': { role: 'admin', changes: true },
  'teach/abort': { role: 'admin', changes: true },
  'read/verdicts': { role: 'viewer', changes: false },
  'read/statistics': { role: 'viewer', changes: false },
  'read/evidence': { role: 'viewer', changes: false },
  'admin/camera-pause': { role: 'admin', changes: true },
  'admin/camera-resume': { role: 'admin', changes: true },
  'admin/camera-paused': { role: 'admin', changes: true },
  'admin/camera-restart': { role: 'admin', changes: true },
  'admin/config-reload': { role: 'admin', changes: true },
  'admin/log-level': { role: 'admin', changes: true },
};

export function roleFor(verb: Verb): Role {
  return VERB_RULES[verb].role;
}

export function changesSomething(verb: Verb): boolean {
  return VERB_RULES[verb].changes;
}

export function handlersOf(deps: VerbDeps): Handlers {
  const { prompts, zones, cameras, admin, inspection, ping, info, health } = deps;
  const applied = async (change: Promise<PromptsApplied>): Promise<Answer> => {
    const { revision, saved, bound } = await change;
    const data = { ...(bound && { bound }), ...(saved ? {} : { saved }) };
    return { revision, ...(Object.keys(data).length > 0 ? { data } : {}) };
  };
  const revised = async (change: Promise<RecipeData>): Promise<Answer> => {
    const data = await change;
    return { revision: data.revision, data };
  };
  const done = async (act: unknown): Promise<Answer> => ({ data: (await act) ?? null });
  return {
    'prompt/set': (request) => applied(prompts.set(request)),
    'prompt/add': (request) => applied(prompts.add(request)),
    'prompt/remove': (request) => applied(prompts.remove(request)),
    'prompt/clear': (request) => applied(prompts.clear(request)),
    'prompt/get': (request) => ({ data: prompts.get(request) }),
    'prompt/try': (request) => done(deps.frames.try(request)),
    'zone/set': (request) => applied(zones.set(request)),
    'zone/add': (request) => applied(zones.add(request)),
    'zone/remove': (request) => applied(zones.remove(request)),
    'zone/get': (request) => ({ data: zones.get(request) }),
    'count/reset': async (request) => {
      const { until, saved } = await zones.resetCounts(request);
      return { data: { until, ...(saved ? {} : { saved }) } };
    },
    'read/ping': () => ({ data: ping() }),
    'read/info': () => ({ data: info() ?? null }),
    'read/health': () => ({ data: health() }),
    'read/snapshot': async ({ camera }) => ({ data: published(camera, await cameras.snapshot(camera), deps.publishSnapshot) }),
    'read/tracks': ({ camera }) => ({ data: cameras.tracks(camera) }),
    'read/schema': ({ name }) => ({ data: schema(name) }),
    'inspect/trigger': (request, { id }) => done(inspection.trigger(request, request.trigger ?? id)),
    'inspect/cancel': (request) => done(inspection.cancel(request)),
    'recipe/set': (request, { by }) => revised(inspection.setRecipe(request, by)),
    'recipe/activate': (request, { by }) => revised(inspection.activateRecipe(request, by)),
    'recipe/get': (request) => done(inspection.recipe(request)),
    'recipe/list': (request) => done(inspection.recipes(request)),
    'teach/start': (request) => done(inspection.startTeaching(request)),
    'teach/add': (request) => done(inspection.addGoodPart(request)),
    'teach/commit': (request, { by }) => revised(inspection.commitTeaching(request, by)),
    'teach/abort': (request) => done(inspection.abortTeaching(request)),
    'read/verdicts': (request) => done(inspection.verdicts(request)),
    'read/statistics': (request) => done(inspection.statistics(request)),
    'read/evidence': async (request) => ({
      data: published(request.camera, await inspection.evidence(request), deps.publishEvidence),
    }),
    'admin/camera-pause': ({ camera }) => done(cameras.pause(camera)),
    'admin/camera-resume': ({ camera }) => done(cameras.resume(camera)),
    'admin/camera-paused': ({ camera, paused }) => done(paused ? cameras.pause(camera) : cameras.resume(camera)),
    'admin/camera-restart': ({ camera }) => done(cameras.restart(camera)),
    'admin/config-reload': () => done(admin.reloadConfig()),
    'admin/log-level': ({ level }) => done(admin.setLogLevel(level)),
  };
}

function published(camera: string, picture: Snapshot, publish: VerbDeps['publishSnapshot']): SnapshotData {
  const { jpeg, width, height, capturedAtMs } = picture;
  const topic = publish(camera, picture);
  return { topic, contentType: 'image/jpeg', bytes: jpeg.length, width, height, capturedAt: toTimestamp(capturedAtMs) };
}

function schema(name: string | undefined): unknown {
  if (name === undefined) return SCHEMA_NAMES;
  const found = jsonSchemaOf(name);
  if (found) return found;
  throw new FastsamError('REQUEST_INVALID', `no schema "${name}"; a request without a name lists them all`);
}
