/** Names of all MQTT topics of a node. Pure: builders, and the parser of what comes back through `request/#`. */

/** Levels of a request's verb: lower case, at most 4 deep, so that an answer can safely be published on the mirrored topic. */
const VERB = /^[a-z0-9-]{1,32}(\/[a-z0-9-]{1,32}){0,3}$/;

export interface Topics {
  readonly node: string;
  /** `PREFIX/NODE`, without a trailing slash. */
  readonly base: string;
  readonly state: string;
  readonly availability: string;
  readonly info: string;
  readonly health: string;
  readonly telemetry: string;
  /** Subscription filters for everything this node may be asked: by its own name, and by that of each of its groups. */
  readonly requests: readonly string[];
  cameraState(camera: string): string;
  result(camera: string): string;
  summary(camera: string): string;
  prompts(camera: string): string;
  inspection(camera: string): string;
  follow(camera: string): string;
  counts(camera: string): string;
  event(camera: string): string;
  snapshot(camera: string): string;
  evidence(camera: string): string;
  alert(id: string): string;
  request(verb: string): string;
  response(verb: string): string;
  /** The verb (`prompt/set`) of a request to this node or one of its groups; undefined for any other topic and for verbs that are not well-formed. */
  verbOf(topic: string): string | undefined;
  /** A topic without the base, as it appears in counters: `cameras/belt/result`. */
  relative(topic: string): string;
}

/** `prefix` such as `fastsam/v1`, `node` and `groups` ids. A group's level starts with "@", so that no node can be taken for one. */
export function topicsOf(prefix: string, node: string, groups: readonly string[] = []): Topics {
  const base = `${prefix}/${node}`;
  const requestBases = [`${base}/request/`, ...groups.map((group) => `${prefix}/@${group}/request/`)];
  return {
    node,
    base,
    state: `${base}/state`,
    availability: `${base}/availability`,
    info: `${base}/info`,
    health: `${base}/health`,
    telemetry: `${base}/telemetry`,
    requests: requestBases.map((requestBase) => `${requestBase}#`),
    cameraState: (camera) => `${base}/cameras/${camera}/state`,
    result: (camera) => `${base}/cameras/${camera}/result`,
    summary: (camera) => `${base}/cameras/${camera}/summary`,
    prompts: (camera) => `${base}/cameras/${camera}/prompts`,
    inspection: (camera) => `${base}/cameras/${camera}/inspection`,
    follow: (camera) => `${base}/cameras/${camera}/follow`,
    counts: (camera) => `${base}/cameras/${camera}/counts`,
    event: (camera) => `${base}/cameras/${camera}/event`,
    snapshot: (camera) => `${base}/cameras/${camera}/snapshot`,
    evidence: (camera) => `${base}/cameras/${camera}/evidence`,
    alert: (id) => `${base}/alert/${id}`,
    request: (verb) => `${base}/request/${verb}`,
    response: (verb) => `${base}/response/${verb}`,
    verbOf: (topic) => {
      const requestBase = requestBases.find((each) => topic.startsWith(each));
      if (requestBase === undefined) return undefined;
      const verb = topic.slice(requestBase.length);
      return VERB.test(verb) ? verb : undefined;
    },
    relative: (topic) => (topic.startsWith(`${base}/`) ? topic.slice(base.length + 1) : topic),
  };
}

/**
 * Whether a requester's response topic may be published on. Anybody may name one; without bounds this node would
 * publish anything anywhere for them. `prefix` ends with "/".
 */
export function mayRespondTo(topic: string, prefix: string): boolean {
  return topic.startsWith(prefix) && topic.length > prefix.length && topic.length <= 512 && !/[+#\0]/.test(topic);
}
