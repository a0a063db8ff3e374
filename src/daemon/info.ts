/** What a node tells about itself on `info`. */

import { createRequire } from 'node:module';
import os from 'node:os';
import type { LiveConfig } from '../config/live-config.js';
import { redactConfig } from '../config/redact.js';
import type { Config } from '../config/schema.js';
import { sourceName } from '../config/source-name.js';
import { type InfoMessage, VERBS } from '../contract/messages.js';
import { usableCores } from '../cores.js';
import { MASK_ENCODINGS } from '../domain/mask.js';
import { PROMPT_LIMITS } from '../domain/prompt.js';
import type { ModelIdentity } from '../domain/result.js';
import type { StatusBoard } from '../status/board.js';
import type { NodeEngine } from './node-engine.js';

const require = createRequire(import.meta.url);
/** Characters of a reason. */
const MAX_REASON = 1000;

/** The version of an installed package; fastsamd's own by its package.json. */
function versionOf(packageJson: string): string {
  return (require(packageJson) as { version: string }).version;
}

export const FASTSAMD_VERSION = versionOf('../../package.json');

export interface NodeInfoDeps {
  readonly live: LiveConfig;
  readonly engine: Pick<NodeEngine, 'opened'>;
  readonly bootId: string;
  readonly status: Pick<StatusBoard, 'setInfo'>;
}

export class NodeInfo {
  readonly #deps: NodeInfoDeps;
  readonly #startedAt = new Date();

  constructor(deps: NodeInfoDeps) {
    this.#deps = deps;
  }

  /** Puts what the node is now on the status board. */
  publish(): void {
    const { live, engine, bootId, status } = this.#deps;
    status.setInfo(infoMessage(live.current, engine.opened?.engine.model ?? null, bootId, this.#startedAt));
  }
}

function infoMessage(config: Config, model: ModelIdentity | null, bootId: string, startedAt: Date): InfoMessage {
  return {
    v: 1,
    node: config.node,
    bootId,
    startedAt: startedAt.toISOString(),
    versions: {
      fastsamd: FASTSAMD_VERSION,
      node: process.versions.node,
      onnxruntime: versionOf('onnxruntime-node/package.json'),
    },
    device: {
      hostname: os.hostname(),
      platform: process.platform,
      arch: process.arch,
      cpu: os.cpus()[0]?.model ?? 'unknown',
      cores: usableCores(),
      memoryBytes: os.totalmem(),
    },
    model: model && modelOf(model),
    cameras: config.cameras.map(({ id, source }) => ({ id, source: sourceName(source) })),
    limits: {
      maxPayloadBytes: config.mqtt.maxPayloadBytes,
      maxRequestBytes: config.mqtt.maxRequestBytes,
      prompts: PROMPT_LIMITS.prompts,
      points: PROMPT_LIMITS.points,
    },
    capabilities: [
      ...promptTypes(config, model).map((type) => `prompt:${type}`),
      ...MASK_ENCODINGS.map((encoding) => `mask:${encoding}`),
      ...VERBS.map((verb) => `request:${verb}`),
    ],
    config: redactConfig(config),
  };
}

/** The model as `info` tells it. */
function modelOf({ name, backend, inputHeight, inputWidth, labels, graph, fallback }: ModelIdentity): NonNullable<InfoMessage['model']> {
  return {
    name,
    backend,
    input: [inputHeight, inputWidth],
    labels: [...labels],
    ...(graph === undefined ? {} : { graph }),
    ...(fallback === undefined ? {} : { fallback: fallback.slice(0, MAX_REASON) }),
  };
}

/** The prompts that can be answered with this configuration and model. */
function promptTypes(config: Config, model: ModelIdentity | null): string[] {
  const optional = [...(config.text.model === undefined ? [] : ['text']), ...(model && model.labels.length > 0 ? ['label'] : [])];
  return ['everything', 'box', 'points', 'salient', ...optional];
}
