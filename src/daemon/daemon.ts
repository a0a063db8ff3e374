/** The composition root: builds the parts from the configuration, starts them in order and stops them in reverse. */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { EmbeddedBroker, reachable } from '../broker/embedded-broker.js';
import { diffConfig } from '../config/diff.js';
import type { CameraConfig, Config } from '../config/schema.js';
import type { ConsoleServer } from '../console/server.js';
import type { CameraEvent } from '../contract/event.js';
import type { ResultMessage } from '../contract/result.js';
import { Control } from '../control/control.js';
import { followsObject, type Prompt, withIds } from '../domain/prompt.js';
import type { SegmentationEngine } from '../engine/engine.js';
import { openEngine } from '../engine/open.js';
import { EngineScheduler } from '../engine/scheduler.js';
import { FastsamError, messageOf } from '../errors.js';
import { JobRunner } from '../jobs/runner.js';
import type { EventIdentity } from '../mqtt/interface.js';
import { createPublisher, type Publisher } from '../mqtt/publisher.js';
import { RecentResults } from '../pipeline/recent-results.js';
import type { ResultSink } from '../pipeline/sinks.js';
import { assertLabels } from '../prompt/label-check.js';
import { PromptRegister } from '../prompt/register.js';
import { PromptStore, type SavedPrompts } from '../prompt/store.js';
import { SavedState } from '../saved-state.js';
import type { CameraStatus } from '../source/camera.js';
import { StatusBoard } from '../status/board.js';
import { TelemetryReporter } from '../telemetry/reporter.js';
import { TextStage } from '../text/stage.js';
import { TextModel } from '../text/text-model.js';
import { within } from '../time/within.js';
import { type ConfiguredZones, type SavedZones, savedZonesSchema, ZoneRegister } from '../zone/register.js';
import { CameraTask, trackingOff } from './camera-task.js';
import { Cameras } from './cameras.js';
import { lastStateAfter } from './engine-news.js';
import { engineOpener } from './engine-opener.js';
import { stepEvent } from './governor/governor.js';
import { NodeHealth } from './health/node-health.js';
import { FASTSAMD_VERSION, infoMessage } from './info.js';
import { Inspections } from './inspection/inspections.js';
import { ServiceManager } from './service.js';
import { StateDirectory, stateDirectoryOf } from './state-directory.js';
import { StateKeeper } from './state-keeper.js';
import { tryPrompts } from './try-prompts.js';

/** SIGTERM to exit takes less than 5 s: this much for frames in flight, this much for the broker, the rest for the engine. */
const DRAIN_MS = 2000;
const GOODBYE_MS = 1000;
const BROKER_STOP_MS = 300;
const ENGINE_STOP_MS = 700;
/** For the counts of the last second. */
const COUNTS_MS = 200;
/** Far above what the lines and zones of all cameras take. */
const MAX_ZONES_BYTES = 16 * 1024 * 1024;

/** Changed keys of a configuration that was read again. */
export interface Reloaded {
  readonly applied: readonly string[];
  readonly restart: readonly string[];
}

export interface DaemonDeps {
  readonly config: Config;
  readonly log: Logger;
  /** Called with every result, after it is handed to the publisher; the camera's next one waits for it. */
  readonly onResult?: (message: ResultMessage) => void | Promise<void>;
  /** Who is told how the service is doing; nobody by default. */
  readonly service?: ServiceManager;
  /** Default: openEngine of src/engine. */
  readonly openEngine?: typeof openEngine;
  /** Lines of the log that were lost since the start; none by default. */
  readonly lostLogLines?: () => number;
  /** The configuration as its file now is, for a reload by request; without it there is nothing to reload. */
  readonly readConfig?: () => Promise<Config>;
}

export class Daemon {
  readonly bootId = randomUUID();
  /** What the node can be asked, for transports beside MQTT. */
  readonly control: Control;
  readonly #log: Logger;
  readonly #status = new StatusBoard({ bootId: this.bootId });
  readonly #register: PromptRegister;
  readonly #state: StateDirectory;
  readonly #keeper: StateKeeper<SavedPrompts>;
  readonly #zones: ZoneRegister;
  readonly #zoneKeeper: StateKeeper<SavedZones>;
  /** By camera: the track ids of a camera that starts again go on. */
  readonly #nextTrackIds = new Map<string, number>();
  readonly #text: TextModel;
  readonly #publisher: Publisher;
  readonly #jobs: JobRunner;
  #broker: EmbeddedBroker | undefined;
  readonly #health: NodeHealth;
  readonly #startedAt = new Date();
  #config: Config;
  #engine: SegmentationEngine | undefined;
  readonly #cameras: Cameras;
  readonly #inspections: Inspections;
  readonly #recent = new RecentResults();
  #console: ConsoleServer | undefined;
  #scheduler: EngineScheduler | undefined;
  /** One reload at a time. */
  #reloading: Promise<unknown> = Promise.resolve();
  #reporter: TelemetryReporter | undefined;
  #stopping: Promise<void> | undefined;
  #stopped: () => void = () => {};
  readonly #end = new Promise<void>((resolve) => {
    this.#stopped = resolve;
  });

  constructor(private readonly deps: DaemonDeps) {
    const { config, log } = deps;
    this.#config = config;
    this.#log = log;
    this.#text = new TextModel({ options: config.text, onnxruntime: config.model.onnxruntime, log });
    this.#cameras = new Cameras({
      create: (camera, sinks) => this.#task(camera, sinks),
      onRemoved: (id) => {
        this.#register.forget(id);
        this.#recent.forget(id);
        this.#zones.forget(id);
        this.#nextTrackIds.delete(id);
        this.#status.removeCamera(id);
      },
    });
    this.#register = new PromptRegister({
      cameras: new Map(config.cameras.map(({ id, prompts }) => [id, withIds(prompts)])),
      onApplied: (message) => this.#status.setPrompts(message),
      save: (state) => this.#keeper.save(state),
      prepare: (prompts) => this.#prepare(prompts),
      bind: (camera, prompts) => this.#bind(camera, prompts),
    });
    this.#zones = new ZoneRegister({
      cameras: configuredZones(config),
      onApplied: (camera, message) => this.#status.setZones(camera, message),
      onCounts: (camera, message) => this.#status.setCounts(camera, message),
      onReset: (camera, ids) => this.#publisher.publishEvent(camera, { type: 'counts-reset', ids: [...ids] }),
      save: (state) => this.#zoneKeeper.save(state),
    });
    const stateDirectory = stateDirectoryOf(config);
    this.#state = new StateDirectory({
      path: stateDirectory,
      node: config.node,
      status: this.#status,
      onMadeAgain: () => {
        void this.#keeper.saveAgain();
        void this.#zoneKeeper.saveAgain();
        this.#publisher.reopenEvents();
      },
      log,
    });
    this.#keeper = new StateKeeper({ store: new PromptStore(this.#state.prompts, log), what: 'prompts', status: this.#status });
    const savedZones = { file: this.#state.zones, what: 'zones', schema: savedZonesSchema, maxBytes: MAX_ZONES_BYTES, log };
    this.#zoneKeeper = new StateKeeper({ store: new SavedState<SavedZones>(savedZones), what: 'zones', status: this.#status });
    if (config.mqtt.broker === 'embedded') this.#broker = new EmbeddedBroker({ config: config.mqtt, log });
    const { node, mqtt } = config;
    this.#jobs = new JobRunner({
      segmentation: () => this.#config.segmentation,
      identity: { node, bootId: this.bootId, maxPayloadBytes: mqtt.maxPayloadBytes },
    });
    this.#inspections = new Inspections({
      file: this.#state.verdicts,
      maxVerdicts: config.record.maxVerdicts,
      status: this.#status,
      publishEvent: (camera, event, identity) => this.#happened(camera, event, identity),
      addSink: (camera, sink) => this.#cameras.addSink(camera, sink),
      assertAnswerable: ({ prompts }) => assertLabels(withIds(prompts), this.#engine!.model),
      degraded: () => this.#health.degradation.smallModel,
      log,
    });
    this.control = new Control({
      node,
      maxRequestBytes: mqtt.maxRequestBytes,
      prompts: this.#register,
      zones: this.#zones,
      cameras: this.#cameras,
      frames: { try: (request) => tryPrompts(this.#recent, this.#config.cameras, request) },
      admin: {
        reloadConfig: async () => this.reload((await deps.readConfig?.()) ?? this.#config),
        setLogLevel: (level) => {
          log.level = level;
        },
      },
      inspection: this.#inspections,
      ping: () => this.#status.ping(),
      info: () => this.#status.get('info'),
      health: () => this.#status.health(),
      publishSnapshot: (camera, { jpeg }) => this.#publisher.publishSnapshot(camera, jpeg),
      log,
    });
    this.#publisher = createPublisher({
      config: reachable(mqtt),
      connect: this.#broker && (() => this.#broker!.link()),
      jobs: config.jobs,
      runJob: (job, queue) => this.#jobs.run(job, queue),
      onLink: () => this.#health.assess(),
      node: config.node,
      bootId: this.bootId,
      telemetryIntervalMs: config.telemetry.intervalMs,
      events: config.events,
      eventsFile: this.#state.events,
      retainedFile: this.#state.retained,
      status: this.#status,
      tracking: (id) => this.#isTracking(id),
      control: this.control,
      log,
    });
    this.#health = new NodeHealth({
      node: config.node,
      bootId: this.bootId,
      cameras: () =>
        this.#cameras.tasks.map(({ id, status: { phase, enteredAt, reason } }) => ({
          id,
          phase,
          phaseMs: performance.now() - enteredAt,
          reason,
        })),
      mqttLink: () => this.#publisher.link(),
      publish: this.#status,
      governor: config.governor,
      textPrompts: config.text.model !== undefined,
      metrics: config.metrics,
      stateDirectory,
      meters: () => this.#cameras.tasks.map((task) => task.meter),
      counts: () => this.#zones.counts,
      onStep: (step) => {
        for (const { id } of this.#cameras.tasks) this.#happened(id, stepEvent(step));
      },
      service: deps.service ?? new ServiceManager({ environment: {}, log }),
      lostLogLines: deps.lostLogLines ?? (() => 0),
      log,
    });
  }

  /** The cameras at work, for consumers of results and for transports. */
  get cameras(): Pick<Cameras, 'get' | 'tasks' | 'addSink'> {
    return this.#cameras;
  }

  /** The web console's server; undefined where it is off, and before the start. */
  get console(): Pick<ConsoleServer, 'port' | 'encoded'> | undefined {
    return this.#console;
  }

  get config(): Config {
    return this.#config;
  }

  /**
   * Takes the state directory, connects in the background, loads the model and starts the cameras. Errors: STATE_LOCKED
   * before anything else is done; those of openEngine, after the node has said goodbye.
   */
  async start(): Promise<void> {
    const { model } = this.#config;
    await this.#state.start();
    await this.#broker?.start();
    this.#publisher.start();
    this.#status.setInfo(infoMessage(this.#config, null, this.bootId, this.#startedAt));
    this.#register.start(await this.#keeper.load());
    this.#zones.start(await this.#zoneKeeper.load());
    try {
      await this.#health.listen();
      if (this.#config.console.enabled) await this.#startConsole();
      const open = this.deps.openEngine ?? openEngine;
      this.#engine = await this.#health.open(engineOpener({ model, status: this.#status, open, log: this.#log }));
      // A stop does not wait for a first inference that hangs.
      if (!this.#stopping) await Promise.race([this.#engine.measureNetwork(1), this.#end]);
      for (const { prompts } of this.#config.cameras) assertLabels(withIds(prompts), this.#engine.model);
    } catch (error) {
      await this.stop(messageOf(error), lastStateAfter(error));
      throw error;
    }
    if (this.#stopping) return this.#engine.stop();
    const { name, backend, inputHeight, inputWidth } = this.#engine.model;
    this.#log.info(
      { model: name, backend, input: [inputHeight, inputWidth] },
      `model ${name} on ${backend}, input ${inputHeight}×${inputWidth}`,
    );
    this.#status.setInfo(infoMessage(this.#config, this.#engine.model, this.bootId, this.#startedAt));
    this.#scheduler = new EngineScheduler(this.#engine);
    this.#jobs.open(this.#engine, this.#scheduler.gate());
    await this.#cameras.apply(this.#config.cameras);
    try {
      await this.#inspections.apply(this.#config.cameras);
    } catch (error) {
      await this.stop(messageOf(error));
      throw error;
    }
    this.#health.start();
    this.#publisher.takeJobs();
    this.#report(this.#config.telemetry.intervalMs);
  }

  /**
   * Settles when the daemon has stopped; cameras that have ended do not end it. Errors: a failure that concerns all
   * cameras and jobs, after the daemon has stopped itself.
   */
  async finished(): Promise<void> {
    try {
      await Promise.race([this.#end, this.#cameras.lost, this.#jobs.lost]);
    } catch (error) {
      await this.stop(messageOf(error), lastStateAfter(error));
      throw error;
    }
  }

  /**
   * Takes no more frames, finishes those in flight, says `stopping` (or `last`), disconnects and frees the engine, all within 5 s.
   * May be called twice.
   */
  stop(reason: string, last: 'stopping' | 'degraded' = 'stopping'): Promise<void> {
    this.#stopping ??= this.#stop(reason, last);
    return this.#stopping;
  }

  /**
   * Applies what a changed configuration can change while running, and returns what needs a restart. On an error nothing has
   * changed. Errors: PROMPT_INVALID and those of loading a text model, for prompts that cannot be answered.
   */
  reload(config: Config): Promise<Reloaded> {
    const reloaded = this.#reloading.then(() => this.#health.reloading(() => this.#reload(config)));
    this.#reloading = reloaded.catch(() => undefined);
    return reloaded;
  }

  async #reload(config: Config): Promise<Reloaded> {
    const { live, restart } = diffConfig(this.#config, config);
    const { cameras, segmentation, log, telemetry } = config;
    // The prompts are the only part that can be refused, and no frame sees them with the old options.
    await this.#register.reconfigure(new Map(cameras.map(({ id, prompts }) => [id, prompts])), () => {
      this.#config = { ...this.#config, cameras, segmentation, log, telemetry };
      this.#zones.reconfigure(configuredZones(config));
      this.#log.level = log.level;
    });
    // Before the engine is loaded there are no cameras yet; they start with the configuration of that moment.
    if (this.#scheduler) {
      await this.#cameras.apply(cameras);
      await this.#inspections.apply(cameras);
    }
    if (this.#reporter && live.includes('telemetry.intervalMs')) {
      await this.#reporter.stop();
      this.#report(telemetry.intervalMs);
    }
    this.#status.setInfo(infoMessage(this.#config, this.#engine?.model ?? null, this.bootId, this.#startedAt));
    return { applied: live, restart };
  }

  #prepare(prompts: readonly Prompt[]): Promise<void> | undefined {
    if (this.#engine) assertLabels(prompts, this.#engine.model);
    return prompts.some(({ type }) => type === 'text') ? this.#text.prepare(prompts) : undefined;
  }

  #isTracking(camera: string): boolean {
    return this.#config.cameras.some(({ id, tracking }) => id === camera && tracking.enabled);
  }

  /** The objects that new prompts follow, as far as they are known at once. Errors: TRACKING_OFF, PROMPT_INVALID. */
  #bind(camera: string, prompts: readonly Prompt[]): ReturnType<CameraTask['bind']> {
    const following = prompts.filter(followsObject);
    if (!this.#isTracking(camera)) throw trackingOff(camera);
    const task = this.#cameras.tasks.find(({ id }) => id === camera);
    if (task) return task.bind(following);
    const early = following.find((prompt) => prompt.type === 'track' || ('at' in prompt && prompt.at !== undefined));
    if (early) throw new FastsamError('PROMPT_INVALID', `prompt "${early.id}": camera "${camera}" has shown no frame yet`);
    return [];
  }

  async #stop(reason: string, last: 'stopping' | 'degraded'): Promise<void> {
    this.#health.stop(reason);
    void this.#reporter?.stop();
    await within(DRAIN_MS, Promise.all([this.#cameras.stop(), this.#inspections.stop()]));
    this.#register.stop();
    await within(COUNTS_MS, this.#zones.stop());
    this.#keeper.stop();
    this.#zoneKeeper.stop();
    this.#status.setStopped(reason);
    if (this.#console) await within(GOODBYE_MS, this.#console.stop());
    await this.#publisher.stop(reason, GOODBYE_MS, last);
    if (this.#broker) await within(BROKER_STOP_MS, this.#broker.stop());
    await within(ENGINE_STOP_MS, Promise.all([this.#engine?.stop(), this.#text.stop()]));
    this.#state.stop();
    this.#stopped();
  }

  /** Loaded here: its libraries take half a second and 15 MB, which a node without a console does not pay. */
  async #startConsole(): Promise<void> {
    const { ConsoleServer } = await import('../console/server.js');
    this.#console = new ConsoleServer({
      config: () => this.#config,
      bootId: this.bootId,
      version: FASTSAMD_VERSION,
      status: this.#status,
      control: this.control,
      addSink: (camera, sink) => this.#cameras.addSink(camera, sink),
      recent: this.#recent,
      pictures: {
        segment: (frame, options) => this.#jobs.segment(frame, options),
        identity: { node: this.#config.node, bootId: this.bootId },
      },
      probe: (path) => this.#health.probe(path),
      governed: () => this.#health.degradation.name !== '',
      usersFile: this.#state.users,
      invitesFile: this.#state.invites,
      log: this.#log,
    });
    await this.#console.start();
  }

  #happened(camera: string, event: CameraEvent, identity?: EventIdentity): void {
    this.#publisher.publishEvent(camera, event, identity);
    this.#console?.cameraEvent(camera, event);
  }

  #task(config: CameraConfig, sinks: ResultSink): CameraTask {
    const { id } = config;
    const { node, mqtt } = this.#config;
    // Of a camera that has just been removed the last frame is still delivered as before.
    const publish = () => (this.#config.cameras.find((camera) => camera.id === id) ?? config).publish;
    return new CameraTask({
      config,
      engine: this.#engine!,
      sinks,
      scheduler: this.#scheduler!,
      settings: () => ({
        publish: publish(),
        // A side that was moved onto the border of the frame is no side of the part.
        segmentation: config.inspection ? { ...this.#config.segmentation, snapToBorder: 0 } : this.#config.segmentation,
      }),
      prompts: (width, height) => this.#register.take(id, width, height),
      text: new TextStage({ model: this.#text, share: () => this.#health.degradation.textShare }),
      identity: { node, bootId: this.bootId, maxPayloadBytes: mqtt.maxPayloadBytes },
      onStatus: (status) => this.#cameraChanged(id, status),
      eventDebounceMs: this.#config.events.debounceMs,
      onEvent: (event) => this.#happened(id, event),
      onSegmented: (result) => this.#recent.add(id, result),
      onResult: (message, json) => {
        this.#publisher.publishResult(id, json);
        return this.deps.onResult?.(message);
      },
      onSummary: (message) => this.#publisher.publishSummary(id, message),
      zones: this.#zones.zonesOf(id),
      firstTrackId: this.#nextTrackIds.get(id) ?? 1,
      onTrackId: (last) => this.#nextTrackIds.set(id, last + 1),
      onFollow: (message) => this.#status.setFollow(message),
      onCounted: (frame, changed) => this.#zones.counted(id, frame, changed),
      delivering: this.#health.delivering,
      degradation: () => this.#health.degradation,
      log: this.#log,
    });
  }

  #cameraChanged(id: string, { phase, since, reconnects, reason }: CameraStatus): void {
    if (this.#stopping) return;
    const task = this.#cameras.tasks.find((each) => each.id === id);
    this.#status.setCameraState(id, {
      v: 1,
      state: phase,
      since: new Date(since).toISOString(),
      reconnects,
      lastFrameAgeMs: task?.lastFrameAgeMs ?? null,
      ...(reason === undefined ? {} : { reason: reason.slice(0, 1000) }),
    });
    this.#health.assess();
  }

  #report(intervalMs: number): void {
    this.#reporter = new TelemetryReporter({
      node: this.#config.node,
      bootId: this.bootId,
      intervalMs,
      meters: () => this.#cameras.tasks.map((task) => task.meter),
      system: this.#health.system,
      mqtt: () => this.#publisher.stats(),
      governor: () => this.#health.governorTelemetry,
      publish: (message) => {
        this.#publisher.publishTelemetry(message);
        this.#console?.telemetry(message);
      },
      log: this.#log,
    });
    const reporter = this.#reporter;
    this.#health.telemetry = () => reporter.collect();
    reporter.start();
  }
}

function configuredZones({ cameras }: Config): ReadonlyMap<string, ConfiguredZones> {
  return new Map(
    cameras.map(({ id, lines, zones, scale, plane, tracking }) => [id, { lines, zones, scale, plane, tracking: tracking.enabled }]),
  );
}
