/** Names of all MQTT topics of a node. Pure: builders, and the parser of what comes back through `request/#`. */

/** Levels of a request's verb: lower case, at most 4 deep, so that an answer can safely be published on the mirrored topic. */
const VERB = /^[a-z0-9-]{1,32}(\/[a-z0-9-]{1,32}){0,3}$/;

export interface Topics {
  /** `PREFIX/NODE`, without a trailing slash. */
  readonly base: string;
  readonly state: string;
  readonly availability: string;
  readonly info: string;
  readonly health: string;
  readonly telemetry: string;
  /** Subscription filter for everything this node may be asked. */
  readonly requests: string;
  cameraState(camera: string): string;
  result(camera: string): string;
  prompts(camera: string): string;
  event(camera: string): string;
  snapshot(camera: string): string;
  alert(id: string): string;
  request(verb: string): string;
  response(verb: string): string;
  /** The verb (`prompt/set`) of a request topic; undefined for any other topic and for verbs that are not well-formed. */
  verbOf(topic: string): string | undefined;
  /** A topic without the base, as it appears in counters: `cameras/belt/result`. */
  relative(topic: string): string;
}

/** `prefix` such as `fastsam/v1`, `node` an id. */
export function topicsOf(prefix: string, node: string): Topics {
  const base = `${prefix}/${node}`;
  const requestBase = `${base}/request/`;
  return {
    base,
    state: `${base}/state`,
    availability: `${base}/availability`,
    info: `${base}/info`,
    health: `${base}/health`,
    telemetry: `${base}/telemetry`,
    requests: `${requestBase}#`,
    cameraState: (camera) => `${base}/cameras/${camera}/state`,
    result: (camera) => `${base}/cameras/${camera}/result`,
    prompts: (camera) => `${base}/cameras/${camera}/prompts`,
    event: (camera) => `${base}/cameras/${camera}/event`,
    snapshot: (camera) => `${base}/cameras/${camera}/snapshot`,
    alert: (id) => `${base}/alert/${id}`,
    request: (verb) => `${requestBase}${verb}`,
    response: (verb) => `${base}/response/${verb}`,
    verbOf: (topic) => {
      if (!topic.startsWith(requestBase)) return undefined;
      const verb = topic.slice(requestBase.length);
      return VERB.test(verb) ? verb : undefined;
    },
    relative: (topic) => (topic.startsWith(`${base}/`) ? topic.slice(base.length + 1) : topic),
  };
}
