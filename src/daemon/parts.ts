/** Builds the parts of a daemon from its configuration, each from the parts above it. Nothing runs yet: daemon.ts starts and stops them. */
import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import { EmbeddedBroker } from '../broker/embedded-broker.js';
import { LiveConfig } from '../config/live-config.js';
import { reachable } from '../config/reachable.js';
import type { Config } from '../config/schema.js';
import type { CameraEvent } from '../contract/messages.js';
import type { ResultMessage } from '../contract/result.js';
import { Control } from '../control/control.js';
import { cpuLimit } from '../cores.js';
import { followsObject, withIds } from '../domain/prompt.js';
import { openTaughtNetwork, openTeachingNetwork } from '../engine/onnxruntime/features.js';
import { openEngine } from '../engine/open.js';
import { JobRunner } from '../jobs/runner.js';
import { createPublisher } from '../mqtt/publisher.js';
import { topicsOf } from '../mqtt/topics.js';
import { RecentResults } from '../pipeline/recent-results.js';
import { PromptRegister } from '../prompt/register.js';
import { PromptStore, type SavedPrompts } from '../prompt/store.js';
import { SavedState } from '../saved-state.js';
import { StatusBoard } from '../status/board.js';
import { Feed } from '../status/feed.js';
import { idleClock } from '../telemetry/idle-time.js';
import { TelemetryReporter } from '../telemetry/reporter.js';
import { SensorPoll } from '../telemetry/sensors/poll.js';
import { SensorProcess } from '../telemetry/sensors/process.js';
import { SystemSampler } from '../telemetry/system.js';
import { TextModel } from '../text/text-model.js';
import { configuredZones, ZoneRegister } from '../zone/register.js';
import { type SavedZones, savedZonesSchema } from '../zone/saved.js';
import { CameraFactory } from './camera-factory.js';
import { Cameras } from './cameras.js';
import { NodeGovernor } from './governor/node-governor.js';
import { HealthMonitor } from './health/monitor.js';
import { Progress } from './health/progress.js';
import { FASTSAMD_VERSION, NodeInfo } from './info.js';
import { Inspections } from './inspection/inspections.js';
import { MetricsServer, type ProbeDeps } from './metrics/server.js';
import { NodeEngine } from './node-engine.js';
import { Reloader } from './reloader.js';
import { ServiceManager } from './service.js';
import { StateDirectory, stateDirectoryOf, stateFilesIn } from './state-directory.js';
import { StateKeeper } from './state-keeper.js';
import { tryPrompts } from './try-prompts.js';

/** Far above what the lines and zones of all cameras take. */
const MAX_ZONES_BYTES = 16 * 1024 * 1024;

export interface DaemonDeps {
  readonly config: Config;
  readonly log: Logger;
  /** Called with every result, after it is handed to the transports; the camera's next one waits for it. */
  readonly onResult?: (message: ResultMessage) => void | Promise<void>;
  /** Called with every event of a camera. */
  readonly onEvent?: (camera: string, event: CameraEvent) => void;
  /** The service manager that is told how the service is; none by default. */
  readonly service?: ServiceManager;
  /** Default: openEngine of src/engine. */
  readonly openEngine?: typeof openEngine;
  /** Lines of the log that were lost since the start; none by default. */
  readonly lostLogLines?: () => number;
  /** Time without work of all cores together, milliseconds. Default: what the kernel counts. */
  readonly idleTime?: () => Promise<number | undefined>;
  /** The configuration as its file now is, for a reload by request; without it there is nothing to reload. */
  readonly readConfig?: () => Promise<Config>;
}

export type Parts = ReturnType<typeof buildParts>;

export function buildParts(deps: DaemonDeps) {
  const { config, log, service = new ServiceManager({ environment: {}, log }) } = deps;
  const { node, mqtt } = config;
  const bootId = randomUUID();
  const stopping = new AbortController();
  const live = new LiveConfig(config);
  const folder = stateDirectoryOf(config);
  const files = stateFilesIn(folder);

  // What the node says: kept until it changes, or once.
  const status = new StatusBoard({ bootId });
  const feed = new Feed();
  if (deps.onEvent) feed.subscribe({ event: deps.onEvent });

  // What is changed by requests and survives a restart.
  const cameras = new Cameras();
  const text = new TextModel({ options: config.text, onnxruntime: config.model.onnxruntime, log });
  const governor = new NodeGovernor({
    config: config.governor,
    textPrompts: config.text.model !== undefined,
    meters: () => cameras.tasks.map((task) => task.meter),
    onStep: (event) => {
      for (const { id } of cameras.tasks) feed.event(id, event);
    },
    log,
  });
  const engine = new NodeEngine({
    config,
    open: deps.openEngine ?? openEngine,
    useSmall: () => governor.degradation.smallModel,
    service,
    status,
    log,
  });
  const savedPrompts = new StateKeeper<SavedPrompts>({ store: new PromptStore(files.prompts, log), what: 'prompts', status });
  const register = new PromptRegister({
    cameras: new Map(config.cameras.map(({ id, prompts }) => [id, withIds(prompts)])),
    onApplied: (message) => status.setPrompts(message),
    save: (state) => savedPrompts.save(state),
    prepare: (prompts) => {
      engine.assertLabels(prompts);
      return prompts.some(({ type }) => type === 'text') ? text.prepare(prompts) : undefined;
    },
    bind: (camera, prompts) => cameras.bind(camera, isTracking(live.current, camera), prompts.filter(followsObject)),
  });
  const zoneStore = new SavedState<SavedZones>({
    file: files.zones,
    what: 'zones',
    schema: savedZonesSchema,
    maxBytes: MAX_ZONES_BYTES,
    log,
  });
  const savedZones = new StateKeeper<SavedZones>({ store: zoneStore, what: 'zones', status });
  const zones = new ZoneRegister({
    cameras: configuredZones(config.cameras),
    onApplied: (camera, message) => status.setZones(camera, message),
    onCounts: (camera, message) => status.setCounts(camera, message),
    onReset: (camera, ids) => feed.event(camera, { type: 'counts-reset', ids: [...ids] }),
    save: (state) => savedZones.save(state),
  });

  // Work on frames.
  const recent = new RecentResults();
  const delivering = new Progress();
  const cameraFactory = new CameraFactory({
    live,
    bootId,
    engine,
    register,
    zones,
    text,
    governor,
    delivering,
    recent,
    status,
    feed,
    onResult: deps.onResult,
    stopping: stopping.signal,
    log,
  });
  const jobs = new JobRunner({
    segmentation: () => live.current.segmentation,
    identity: { node, bootId, maxPayloadBytes: mqtt.maxPayloadBytes },
  });
  const inspections = new Inspections({
    file: files.verdicts,
    maxVerdicts: config.record.maxVerdicts,
    evidence: { folder: files.evidence, ...config.record.evidence },
    status,
    publishEvent: (camera, event, identity) => feed.event(camera, event, identity),
    addSink: (camera, sink) => cameras.addSink(camera, sink),
    assertAnswerable: ({ prompts }) => engine.assertLabels(withIds(prompts)),
    openFeatures: (taught) => openTaughtNetwork(config.model.path, taught, { threads: config.model.onnxruntime.threads }),
    openTeachingNetwork: () => openTeachingNetwork(config.model.path, { threads: config.model.onnxruntime.threads }),
    taught: files.taught,
    degraded: () => governor.degradation.smallModel,
    wanted: (camera) => live.current.cameras.some(({ id, inspection }) => id === camera && inspection !== undefined),
    streaming: (camera) => cameras.tasks.some(({ id, status: { phase } }) => id === camera && phase === 'streaming'),
    showsPictures: (camera) => live.current.cameras.some(({ id, publish }) => id === camera && publish.snapshots),
    log,
  });

  // What the node can be asked.
  const info = new NodeInfo({ live, engine, bootId, status });
  const reloader = new Reloader({ live, readConfig: deps.readConfig, register, zones, cameras, inspections, info, service, log });
  const topics = topicsOf(mqtt.prefix, node, mqtt.groups);
  const control = new Control({
    node,
    maxRequestBytes: mqtt.maxRequestBytes,
    prompts: register,
    zones,
    cameras,
    frames: { try: (request) => tryPrompts(recent, live.current.cameras, request) },
    admin: {
      reloadConfig: () => reloader.reloadFile(),
      setLogLevel: (level) => {
        log.level = level;
      },
    },
    inspection: inspections,
    ping: () => status.ping(),
    info: () => status.get('info'),
    health: () => status.health(),
    publishSnapshot: (camera, { jpeg }) => {
      feed.snapshot(camera, jpeg);
      return topics.snapshot(camera);
    },
    publishEvidence: (camera, { jpeg }) => {
      feed.evidence(camera, jpeg);
      return topics.evidence(camera);
    },
    log,
  });

  // MQTT.
  const broker = mqtt.broker === 'embedded' ? new EmbeddedBroker({ config: mqtt, log }) : undefined;
  const publisher = createPublisher({
    config: reachable(mqtt),
    connect: broker && (() => broker.link()),
    jobs: config.jobs,
    runJob: (job, queue) => jobs.run(job, queue),
    node,
    bootId,
    telemetryIntervalMs: () => live.current.telemetry.intervalMs,
    events: config.events,
    eventsFile: files.events,
    retainedFile: files.retained,
    status,
    tracking: (camera) => isTracking(live.current, camera),
    control,
    log,
  });

  // How the node is.
  // The state directory may still have to be made; its parent is on the same disk.
  const sensorProcess = new SensorProcess({ folders: [dirname(folder)], log });
  const sensors = new SensorPoll({ sensors: sensorProcess });
  const health = new HealthMonitor({
    node,
    bootId,
    inference: engine.inference,
    delivering,
    cameras: () =>
      cameras.tasks.map(({ id, status: { phase, enteredAt, reason } }) => ({ id, phase, phaseMs: performance.now() - enteredAt, reason })),
    mqttLink: () => publisher.link(),
    lostLogLines: deps.lostLogLines ?? (() => 0),
    governed: () => governor.summary,
    publish: status,
    service,
    log,
  });
  const reporter = new TelemetryReporter({
    node,
    bootId,
    intervalMs: config.telemetry.intervalMs,
    meters: () => cameras.tasks.map((task) => task.meter),
    system: new SystemSampler({ sensors }),
    mqtt: () => publisher.stats(),
    governor: () => governor.telemetry,
    publish: (message) => feed.telemetry(message),
    log,
  });
  const probes: ProbeDeps = {
    version: FASTSAMD_VERSION,
    // Before the model is loaded there is nothing to measure.
    telemetry: async () => (health.report.ready ? reporter.collect() : undefined),
    counts: () => zones.counts,
    inspections: () => live.current.cameras.flatMap(({ id }) => status.get(`cameras/${id}/inspection`) ?? []),
    health: () => health.report,
  };
  const metrics = new MetricsServer({ ...probes, config: config.metrics, log });
  const stateDirectory = new StateDirectory({
    path: folder,
    node,
    status,
    onMadeAgain: () => {
      void savedPrompts.saveAgain();
      void savedZones.saveAgain();
      publisher.reopenEvents();
    },
    log,
  });

  return {
    ...{ bootId, stopping, live, files, service, status, feed, log },
    ...{ cameras, text, governor, engine, savedPrompts, register, savedZones, zones, recent, cameraFactory, jobs, inspections },
    ...{ info, reloader, control, broker, publisher, sensorProcess, sensors, health, reporter, probes, metrics, stateDirectory },
    idleTime: deps.idleTime ?? idleClock(cpuLimit()),
  };
}

function isTracking({ cameras }: Config, camera: string): boolean {
  return cameras.some(({ id, tracking }) => id === camera && tracking.enabled);
}
