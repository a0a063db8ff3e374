/** A daemon that inspects one camera, asked through a real broker. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { stringify } from 'yaml';
import { type EventMessage, type InspectionMessage, type ResponseMessage, responseMessageSchema } from '../../src/contract/messages.js';
import { type RunningCommand, startWith } from './command.js';
import { Broker, type Observer } from './mosquitto.js';
import { testModel, withPooledTaps } from './onnx-model.js';

const NODE = 'station';
export const BASE = `fastsam/v1/${NODE}`;
export const EVENT = `${BASE}/cameras/belt/event`;
export const INSPECTION = `${BASE}/cameras/belt/inspection`;

export type VerdictEvent = Extract<EventMessage, { type: 'verdict' }>;

/** Three things that are always there, judged at a request. */
export const recipe = (more: object = {}) => ({
  recipe: 'three',
  product: '4711-B',
  edge: 'mask',
  trigger: { type: 'mqtt', timeoutMs: 60_000, queue: 2 },
  objects: { parts: {} },
  checks: [{ id: 'some', count: 'parts', min: 1 }],
  ...more,
});

/** Each test has a broker and a state of its own; its daemon is killed when it ends. */
export class InspectingNode {
  /** Of the model, the configuration and the states. */
  directory = '';
  /** With feature maps. */
  model = '';
  broker!: Broker;
  observer!: Observer;
  daemon: RunningCommand | undefined;

  /** For the tests of the describe that calls this. */
  static forTests(): InspectingNode {
    const node = new InspectingNode();
    beforeAll(async () => {
      node.directory = await mkdtemp(join(tmpdir(), 'fastsamd-station-'));
      node.model = join(node.directory, 'three.onnx');
      await writeFile(node.model, withPooledTaps(testModel()));
    });
    afterAll(() => rm(node.directory, { recursive: true }));
    beforeEach(async () => {
      node.broker = await Broker.start();
      node.observer = await node.broker.observe(`${BASE}/#`);
    });
    afterEach(async () => {
      await node.end('SIGKILL');
      await node.broker[Symbol.asyncDispose]();
    });
    return node;
  }

  get configFile(): string {
    return join(this.directory, 'config.yaml');
  }

  /** Where the daemon of this test keeps its state. */
  get state(): string {
    return join(this.directory, `state-${this.broker.port}`, NODE);
  }

  /** Starts the daemon with this recipe, and returns its inspection once it is ready. */
  async run(
    rules: object,
    from = 0,
    more: { inspection?: object; publish?: object; environment?: Record<string, string>; model?: string } = {},
  ): Promise<InspectionMessage> {
    await writeFile(join(this.directory, 'recipe.yaml'), stringify(rules));
    const config = {
      node: NODE,
      model: { path: more.model ?? this.model },
      cameras: [
        {
          id: 'belt',
          source: 'test:shapes?width=320&height=320&fps=20',
          inspection: { recipe: 'recipe.yaml', ...more.inspection },
          publish: more.publish,
        },
      ],
      mqtt: { url: this.broker.url, admin: true },
      stateDir: join(this.directory, `state-${this.broker.port}`),
    };
    await writeFile(this.configFile, stringify(config));
    this.daemon = startWith(more.environment ?? {}, 'run', '--config', this.configFile);
    return this.observer.untilJson<InspectionMessage>(INSPECTION, ({ state }) => state === 'ready', from);
  }

  async end(signal: 'SIGKILL' | 'SIGTERM') {
    this.daemon?.process.kill(signal);
    return this.daemon?.outcome;
  }

  async ask(verb: string, request: object): Promise<ResponseMessage> {
    const from = this.observer.received.length;
    await this.observer.publish(`${BASE}/request/${verb}`, JSON.stringify(request));
    return responseMessageSchema.parse(await this.observer.untilJson(`${BASE}/response/${verb}`, () => true, from));
  }

  verdictOf(inspection: number, from = 0): Promise<VerdictEvent> {
    return this.observer.untilJson<VerdictEvent>(EVENT, (event) => event.type === 'verdict' && event.inspection === inspection, from);
  }
}
