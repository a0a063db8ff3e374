/** A running node: starts its parts in order and stops them in reverse. How the parts are connected is in parts.ts. */
import type { Config } from '../config/schema.js';
import type { ConsoleServer } from '../console/server.js';
import type { Control } from '../control/control.js';
import { withIds } from '../domain/prompt.js';
import { messageOf } from '../errors.js';
import { within } from '../time/within.js';
import type { Cameras } from './cameras.js';
import { FASTSAMD_VERSION } from './info.js';
import { probe } from './metrics/server.js';
import { lastStateAfter } from './node-engine.js';
import { buildParts, type DaemonDeps, type Parts } from './parts.js';
import { pictureSegmenter } from './picture-segmenter.js';
import type { Reloaded } from './reloader.js';

/** SIGTERM to exit takes less than 5 s: this much for frames in flight, this much for the broker, the rest for the engine. */
const DRAIN_MS = 2000;
const GOODBYE_MS = 1000;
const BROKER_STOP_MS = 300;
const ENGINE_STOP_MS = 700;
/** For the counts of the last second. */
const COUNTS_MS = 200;

export class Daemon {
  readonly #parts: Parts;
  #console: ConsoleServer | undefined;
  #stopping: Promise<void> | undefined;
  #stopped: () => void = () => {};
  readonly #end = new Promise<void>((resolve) => {
    this.#stopped = resolve;
  });

  constructor(deps: DaemonDeps) {
    this.#parts = buildParts(deps);
  }

  get bootId(): string {
    return this.#parts.bootId;
  }

  /** What the node can be asked, for transports beside MQTT. */
  get control(): Control {
    return this.#parts.control;
  }

  /** The cameras at work, for consumers of results and for transports. */
  get cameras(): Pick<Cameras, 'get' | 'tasks' | 'addSink'> {
    return this.#parts.cameras;
  }

  /** The web console's server; undefined where it is off, and before the start. */
  get console(): Pick<ConsoleServer, 'port' | 'encoded'> | undefined {
    return this.#console;
  }

  get config(): Config {
    return this.#parts.live.current;
  }

  /**
   * Takes the state directory, connects in the background, loads the model and starts the cameras. Errors: STATE_LOCKED
   * before anything else is done; those of openEngine, after the node has published its last state.
   */
  async start(): Promise<void> {
    const { live, info, stateDirectory, broker, publisher, register, savedPrompts, zones, savedZones, metrics, jobs, engine, log } =
      this.#parts;
    await stateDirectory.start();
    await broker?.start();
    this.#connect();
    publisher.start();
    info.publish();
    register.start(await savedPrompts.load());
    zones.start(await savedZones.load());
    try {
      // What loads for long is not ready, but alive.
      await metrics.start();
      if (live.current.console.enabled) await this.#startConsole();
      const opened = await engine.open();
      // A stop does not wait for a first inference that hangs.
      if (!this.#stopping) await Promise.race([opened.engine.measureNetwork(1), this.#end]);
      for (const { prompts } of live.current.cameras) engine.assertLabels(withIds(prompts));
      if (this.#stopping) return await engine.stop();
      const { name, backend, inputHeight, inputWidth } = opened.engine.model;
      log.info(
        { model: name, backend, input: [inputHeight, inputWidth] },
        `model ${name} on ${backend}, input ${inputHeight}×${inputWidth}`,
      );
      info.publish();
      jobs.open(opened.engine, opened.scheduler.gate());
      await this.#startCameras();
    } catch (error) {
      await this.stop(messageOf(error), lastStateAfter(error));
      throw error;
    }
    // The last frame a caller waits for may come before the cameras have all started.
    if (this.#stopping) return;
    this.#startHealth();
    publisher.takeJobs();
  }

  /**
   * Settles when the daemon has stopped; cameras that have ended do not end it. Errors: a failure that concerns all
   * cameras and jobs, after the daemon has stopped itself.
   */
  async finished(): Promise<void> {
    const { cameras, jobs } = this.#parts;
    try {
      await Promise.race([this.#end, cameras.lost, jobs.lost]);
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

  /** As Reloader.reload. */
  reload(config: Config): Promise<Reloaded> {
    return this.#parts.reloader.reload(config);
  }

  /** What the parts say reaches MQTT, and what has changed reaches those that depend on it. */
  #connect(): void {
    const { live, feed, status, publisher, health, reporter, sensors } = this.#parts;
    feed.subscribe({
      result: (camera, json) => publisher.publishResult(camera, json),
      summary: (camera, message) => publisher.publishSummary(camera, message),
      event: (camera, event, identity) => publisher.publishEvent(camera, event, identity),
      telemetry: (message) => publisher.publishTelemetry(message),
      snapshot: (camera, jpeg) => publisher.publishSnapshot(camera, jpeg),
      evidence: (camera, jpeg) => publisher.publishEvidence(camera, jpeg),
    });
    publisher.onLinkChange(() => health.assess());
    status.subscribe((key) => {
      if (key.startsWith('cameras/') && key.endsWith('/state')) health.assess();
    });
    live.subscribe(({ telemetry }) => {
      reporter.every(telemetry.intervalMs);
      sensors.every(telemetry.intervalMs);
    });
  }

  async #startCameras(): Promise<void> {
    const { live, cameras, cameraFactory, inspections } = this.#parts;
    cameras.open(cameraFactory);
    await cameras.apply(live.current.cameras);
    const inspect = await inspections.prepare(live.current.cameras);
    await inspect();
  }

  #startHealth(): void {
    const { live, health, governor, sensors, reporter } = this.#parts;
    health.start();
    sensors.start(live.current.telemetry.intervalMs, (readings) => {
      health.take(readings);
      if (governor.update(readings)) health.assess();
    });
    reporter.start();
  }

  /** Loaded here: its libraries take half a second and 15 MB, which a node without a console does not pay. */
  async #startConsole(): Promise<void> {
    const { bootId, live, files, status, feed, control, cameras, recent, jobs, text, governor, probes, idleTime, log } = this.#parts;
    const { ConsoleServer } = await import('../console/server.js');
    const server = new ConsoleServer({
      config: () => live.current,
      bootId,
      version: FASTSAMD_VERSION,
      status,
      control,
      addSink: (camera, sink) => cameras.addSink(camera, sink),
      recent,
      work: async (camera) => ({ missed: cameras.missed(camera), idleMs: await idleTime(), atMs: performance.now() }),
      pictures: pictureSegmenter(jobs, text, { node: live.current.node, bootId }),
      probe: (path) => probe(path, probes),
      governed: () => governor.degradation.name !== '',
      usersFile: files.users,
      invitesFile: files.invites,
      clipsFolder: files.clips,
      log,
    });
    this.#console = server;
    feed.subscribe({
      event: (camera, event) => server.cameraEvent(camera, event),
      telemetry: (message) => server.telemetry(message),
    });
    await server.start();
  }

  async #stop(reason: string, last: 'stopping' | 'degraded'): Promise<void> {
    const { stopping, service, metrics, health, sensors, sensorProcess, reporter, cameras, inspections, register, zones } = this.#parts;
    const { savedPrompts, savedZones, status, publisher, broker, engine, text, stateDirectory } = this.#parts;
    stopping.abort();
    service.stopping(`stopping: ${reason}`);
    metrics.stop();
    health.stop();
    sensors.stop();
    sensorProcess.stop();
    void reporter.stop();
    await within(DRAIN_MS, Promise.all([cameras.stop(), inspections.stop()]));
    register.stop();
    await within(COUNTS_MS, zones.stop());
    savedPrompts.stop();
    savedZones.stop();
    status.setStopped(reason);
    if (this.#console) await within(GOODBYE_MS, this.#console.stop());
    await publisher.stop(reason, GOODBYE_MS, last);
    if (broker) await within(BROKER_STOP_MS, broker.stop());
    await within(ENGINE_STOP_MS, Promise.all([engine.stop(), text.stop()]));
    stateDirectory.stop();
    this.#stopped();
  }
}
