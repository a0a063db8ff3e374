/** What each request does. A verb per line: its payload is checked, its answer goes back. */
import { FastsamError } from '../errors.js';
import { toTimestamp } from '../wire/common.js';
import type { HealthData, InfoMessage, PingData, RequestOf, ResponseMessage, SnapshotData, Verb } from '../wire/messages.js';
import { jsonSchemaOf, SCHEMA_NAMES } from '../wire/schemas.js';
import type { AdminService, CameraService, PromptService, PromptsApplied, Snapshot } from './services.js';

export interface VerbDeps {
  readonly prompts: PromptService;
  readonly cameras: CameraService;
  /** Absent where admin requests are off. */
  readonly admin?: AdminService;
  readonly ping: () => PingData;
  /** Undefined before the node knows itself. */
  readonly info: () => InfoMessage | undefined;
  readonly health: () => HealthData;
  /** Publishes the picture and returns its topic. */
  readonly publishSnapshot: (camera: string, snapshot: Snapshot) => string;
}

export type Answer = Pick<ResponseMessage, 'revision' | 'data'>;

type Handlers = { readonly [V in Verb]: (request: Omit<RequestOf<V>, 'id'>) => Answer | Promise<Answer> };

/** Verbs that change something: the same request id twice is applied once. */
export function changesSomething(verb: Verb): boolean {
  return verb.startsWith('admin/') || (verb.startsWith('prompt/') && verb !== 'prompt/get');
}

export function handlersOf(deps: VerbDeps): Handlers {
  const { prompts, cameras, ping, info, health } = deps;
  const applied = async (change: Promise<PromptsApplied>): Promise<Answer> => {
    const { revision, saved } = await change;
    return { revision, ...(saved ? {} : { data: { saved } }) };
  };
  const admin = async (act: (service: AdminService) => unknown): Promise<Answer> => {
    if (!deps.admin) {
      throw new FastsamError('REQUEST_FORBIDDEN', 'admin requests are off on this node; expected mqtt.admin: true in its configuration');
    }
    return { data: (await act(deps.admin)) ?? null };
  };
  return {
    'prompt/set': (request) => applied(prompts.set(request)),
    'prompt/add': (request) => applied(prompts.add(request)),
    'prompt/remove': (request) => applied(prompts.remove(request)),
    'prompt/clear': (request) => applied(prompts.clear(request)),
    'prompt/get': (request) => ({ data: prompts.get(request) }),
    'read/ping': () => ({ data: ping() }),
    'read/info': () => ({ data: info() ?? null }),
    'read/health': () => ({ data: health() }),
    'read/snapshot': async ({ camera }) => ({ data: await snapshot(deps, camera) }),
    'read/schema': ({ name }) => ({ data: schema(name) }),
    'admin/camera-pause': ({ camera }) => admin(() => cameras.pause(camera)),
    'admin/camera-resume': ({ camera }) => admin(() => cameras.resume(camera)),
    'admin/camera-paused': ({ camera, paused }) => admin(() => (paused ? cameras.pause(camera) : cameras.resume(camera))),
    'admin/camera-restart': ({ camera }) => admin(() => cameras.restart(camera)),
    'admin/config-reload': () => admin((service) => service.reloadConfig()),
    'admin/log-level': ({ level }) => admin((service) => service.setLogLevel(level)),
  };
}

async function snapshot({ cameras, publishSnapshot }: VerbDeps, camera: string): Promise<SnapshotData> {
  const taken = await cameras.snapshot(camera);
  const { jpeg, width, height, capturedAtMs } = taken;
  const topic = publishSnapshot(camera, taken);
  return { topic, contentType: 'image/jpeg', bytes: jpeg.length, width, height, capturedAt: toTimestamp(capturedAtMs) };
}

function schema(name: string | undefined): unknown {
  if (name === undefined) return SCHEMA_NAMES;
  const found = jsonSchemaOf(name);
  if (found) return found;
  throw new FastsamError('REQUEST_INVALID', `no schema "${name}"; a request without a name lists them all`);
}
