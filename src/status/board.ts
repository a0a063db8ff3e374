/**
 * The present truth about the node, by key: its state, what it is, its health, its cameras, its alerts. Parts of the node write
 * it; transports subscribe and pass it on, each in its own way.
 */
import { toTimestamp } from '../contract/common.js';
import type {
  Alert,
  AlertMessage,
  CameraStateMessage,
  CountsMessage,
  FollowMessage,
  HealthData,
  HealthMessage,
  InfoMessage,
  InspectionMessage,
  NodeState,
  PingData,
  PromptsMessage,
  StateMessage,
  ZonesMessage,
} from '../contract/messages.js';

/** What is retained under each key. */
export interface Retained {
  state: StateMessage;
  info: InfoMessage;
  health: HealthMessage;
  [camera: `cameras/${string}/state`]: CameraStateMessage;
  [camera: `cameras/${string}/prompts`]: PromptsMessage;
  [camera: `cameras/${string}/inspection`]: InspectionMessage;
  [camera: `cameras/${string}/follow`]: FollowMessage;
  [camera: `cameras/${string}/zones`]: ZonesMessage;
  [camera: `cameras/${string}/counts`]: CountsMessage;
  [id: `alert/${string}`]: AlertMessage;
}

export type StatusKey = keyof Retained;

/** Called with a new message, or with undefined for a key that is no more. It must not throw. */
export type StatusListener = (key: StatusKey, message: Retained[StatusKey] | undefined) => void;

export interface StatusBoardDeps {
  /** New at every start of the process. */
  readonly bootId: string;
  /** Milliseconds since the Unix epoch. */
  readonly now?: () => number;
}

const ALERT = 'alert/';
const MAX_REASON_CHARS = 1000;

export class StatusBoard {
  readonly #bootId: string;
  readonly #now: () => number;
  readonly #retained = new Map<StatusKey, Retained[StatusKey]>();
  readonly #listeners = new Set<StatusListener>();

  constructor({ bootId, now = Date.now }: StatusBoardDeps) {
    this.#bootId = bootId;
    this.#now = now;
    this.#retained.set('state', this.#stateMessage('init'));
  }

  get<K extends StatusKey>(key: K): Retained[K] | undefined {
    return this.#retained.get(key) as Retained[K] | undefined;
  }

  /** Keys and messages, in the order in which the keys were first set. */
  entries(): IterableIterator<[StatusKey, Retained[StatusKey]]> {
    return this.#retained.entries();
  }

  set<K extends StatusKey>(key: K, message: Retained[K]): void {
    this.#retained.set(key, message);
    for (const listener of this.#listeners) listener(key, message);
  }

  delete(key: StatusKey): void {
    if (this.#retained.delete(key)) for (const listener of this.#listeners) listener(key, undefined);
  }

  /** Tells `listener` everything there is, and from now on every change. Returns how to end that. */
  subscribe(listener: StatusListener): () => void {
    for (const [key, message] of this.#retained) listener(key, message);
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  setState(state: NodeState, reason?: string): void {
    this.set('state', this.#stateMessage(state, reason));
  }

  setInfo(info: InfoMessage): void {
    this.set('info', info);
  }

  setHealth(health: HealthMessage): void {
    this.set('health', health);
  }

  setCameraState(camera: string, message: CameraStateMessage): void {
    this.set(`cameras/${camera}/state`, message);
  }

  setPrompts(message: PromptsMessage): void {
    this.set(`cameras/${message.camera}/prompts`, message);
  }

  setInspection(message: InspectionMessage): void {
    this.set(`cameras/${message.camera}/inspection`, message);
  }

  setFollow(message: FollowMessage): void {
    this.set(`cameras/${message.camera}/follow`, message);
  }

  /** Undefined: the camera tracks no longer. */
  setZones(camera: string, message: ZonesMessage | undefined): void {
    if (message) this.set(`cameras/${camera}/zones`, message);
    else {
      this.delete(`cameras/${camera}/zones`);
      this.delete(`cameras/${camera}/follow`);
    }
  }

  /** Undefined: the camera tracks no longer. */
  setCounts(camera: string, message: CountsMessage | undefined): void {
    if (message) this.set(`cameras/${camera}/counts`, message);
    else this.delete(`cameras/${camera}/counts`);
  }

  /** The camera is no longer configured. */
  removeCamera(camera: string): void {
    for (const what of ['state', 'prompts', 'follow', 'zones', 'counts', 'inspection'] as const) this.delete(`cameras/${camera}/${what}`);
  }

  /** The node stops for `reason`: its cameras are stopped, and it is not well any more. */
  setStopped(reason: string): void {
    const ts = toTimestamp(this.#now());
    const why = reason.slice(0, MAX_REASON_CHARS);
    for (const [key, message] of this.#retained) {
      if (!/^cameras\/.*\/state$/.test(key)) continue;
      const { reconnects } = message as CameraStateMessage;
      this.set(key, { v: 1, state: 'stopped', since: ts, reconnects, lastFrameAgeMs: null, reason: why });
    }
    const node = this.get('info')?.node;
    if (node === undefined) return;
    this.setHealth({ v: 1, node, bootId: this.#bootId, ts, ok: false, subsystems: { node: { ok: false, reason: why, since: ts } } });
  }

  /** In force until cleared. An alert that is set again keeps the time since when; one that says the same is no change. */
  setAlert(id: string, { severity, message }: Alert): void {
    const known = this.get(`alert/${id}`);
    if (known?.severity === severity && known.message === message) return;
    this.set(`alert/${id}`, { severity, message, since: known?.since ?? toTimestamp(this.#now()) });
  }

  clearAlert(id: string): void {
    this.delete(`alert/${id}`);
  }

  /** Alerts in force, by id. */
  alerts(): Readonly<Record<string, AlertMessage>> {
    const alerts = [...this.#retained].filter(([key]) => key.startsWith(ALERT));
    return Object.fromEntries(alerts.map(([key, message]) => [key.slice(ALERT.length), message as AlertMessage]));
  }

  /** The answer to a ping. */
  ping(): PingData {
    return { v: 1, bootId: this.#bootId, ts: toTimestamp(this.#now()), state: this.get('state')!.state };
  }

  /** Health and alerts together. `health` is null before the first report. */
  health(): HealthData {
    return { health: this.get('health') ?? null, alerts: this.alerts() };
  }

  #stateMessage(state: NodeState, reason?: string): StateMessage {
    const why = reason === undefined ? {} : { reason: reason.slice(0, MAX_REASON_CHARS) };
    return { v: 1, state, bootId: this.#bootId, ts: toTimestamp(this.#now()), ...why };
  }
}
