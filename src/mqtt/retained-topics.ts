/**
 * The retained topics of a node: what is on the status board, under its keys, and the announcement to Home Assistant. Topics that
 * earlier runs have left are cleared: of cameras that are no longer configured, of alerts that are over, of announcements that
 * are off.
 */
import type { Logger } from 'pino';
import type { MqttConfig } from '../config/schema.js';
import type { SchemaName } from '../contract/messages.js';
import { followsObject } from '../domain/prompt.js';
import type { StatusBoard, StatusKey } from '../status/board.js';
import type { InboundMessage } from './connection.js';
import { discoveryMessage } from './home-assistant.js';
import type { Outbox } from './outbox.js';
import { RetainedRecord } from './retained-record.js';
import type { Topics } from './topics.js';

/** Topics of a camera that tracks: of one that does so no longer they are cleared. */
const OF_TRACKING = /\/(follow|zones|counts)$/;

export interface RetainedTopicsDeps {
  readonly config: Pick<MqttConfig, 'homeAssistant' | 'admin'>;
  readonly topics: Topics;
  readonly status: StatusBoard;
  readonly outbox: Outbox;
  /** Where retained topics are remembered; it may not exist yet. */
  readonly file: string;
  /** Whether a configured camera tracks. */
  readonly tracking: (camera: string) => boolean;
  readonly log: Logger;
}

export class RetainedTopics {
  readonly #deps: RetainedTopicsDeps;
  readonly #record: RetainedRecord;
  #unsubscribe: (() => void) | undefined;
  /** What Home Assistant was told last. */
  #announced: string | undefined;

  constructor(deps: RetainedTopicsDeps) {
    this.#deps = deps;
    this.#record = new RetainedRecord({ file: deps.file, log: deps.log });
  }

  /** From here on the topics follow the status board. */
  start(): void {
    // Read before this run adds to the record.
    void this.#clearForgotten();
    this.#unsubscribe ??= this.#deps.status.subscribe((key, message) => this.#retain(key, message));
  }

  /** Remembers the topics that the broker still has. Settles when that is on the disk; never rejects. */
  keepRecord(): Promise<void> {
    return this.#record.keepOnly((topic) => this.#deps.outbox.keeps(topic));
  }

  /** The topics stay as they are. */
  stop(): void {
    this.#unsubscribe?.();
  }

  /** A retained alert of an earlier run of this node ended with that run, and no other client would clear it. */
  clearOldAlert({ topic, payload, retain }: InboundMessage): void {
    const { outbox } = this.#deps;
    if (retain && payload.length > 0 && !outbox.holds(topic)) outbox.clearState(topic);
  }

  #retain(key: StatusKey, message: object | undefined): void {
    const { topics, outbox } = this.#deps;
    const topic = `${topics.base}/${key}`;
    if (message) outbox.putState({ topic, payload: JSON.stringify(message), qos: 1, retain: true, schema: schemaOf(key) });
    else outbox.clearState(topic);
    if (message && key.startsWith('cameras/')) this.#record.add(topic);
    if (key === 'info' || key.endsWith('/prompts') || key.endsWith('/zones')) this.#announce();
  }

  async #clearForgotten(): Promise<void> {
    const remembered = await this.#record.load();
    const { config, topics, status, tracking, outbox } = this.#deps;
    const isCamera = (topic: string, camera: string) => topic.startsWith(`${topics.base}/cameras/${camera}/`);
    const isOfCamera = (topic: string) => {
      const camera = (status.get('info')?.cameras ?? []).find(({ id }) => isCamera(topic, id))?.id;
      return camera !== undefined && (!OF_TRACKING.test(topic) || tracking(camera));
    };
    const announcement = config.homeAssistant.enabled ? this.#discoveryTopic : undefined;
    for (const topic of remembered) {
      const isCurrent = topic === announcement || isOfCamera(topic);
      if (!isCurrent && !outbox.holds(topic)) outbox.clearState(topic);
    }
  }

  get #discoveryTopic(): string {
    const { config, topics } = this.#deps;
    return `${config.homeAssistant.prefix}/device/${topics.node}/config`;
  }

  /** Home Assistant's discovery message, sent whenever the entities have changed. */
  #announce(): void {
    const { config, topics, status, outbox } = this.#deps;
    const info = status.get('info');
    if (!config.homeAssistant.enabled || !info) return;
    const ofCamera = (id: string) => {
      const prompts = status.get(`cameras/${id}/prompts`)?.prompts ?? [];
      const zones = status.get(`cameras/${id}/zones`);
      return {
        prompts: prompts.map((prompt) => prompt.id),
        // Without tracking there is no object to follow.
        followed: zones ? prompts.filter(followsObject).map((prompt) => prompt.id) : [],
        lines: zones?.lines.map((line) => line.id) ?? [],
        zones: zones?.zones.map((zone) => zone.id) ?? [],
      };
    };
    const payload = JSON.stringify(discoveryMessage(topics, { info, ofCamera, admin: config.admin }));
    if (payload === this.#announced) return;
    this.#announced = payload;
    const topic = this.#discoveryTopic;
    this.#record.add(topic);
    outbox.putState({ topic, payload, qos: 1, retain: true });
  }
}

function schemaOf(key: StatusKey): SchemaName {
  if (key === 'state' || key === 'info' || key === 'health') return `fastsam.v1.${key}`;
  if (key.startsWith('alert/')) return 'fastsam.v1.alert';
  if (key.endsWith('/state')) return 'fastsam.v1.camera-state';
  return `fastsam.v1.${key.slice(key.lastIndexOf('/') + 1) as 'prompts' | 'inspection' | 'follow' | 'zones' | 'counts'}`;
}
