/** The node of `make chaos` and the world around it, each part of which can be made to fail; what it saw, and what of that must not be. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rename } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { MqttClient } from 'mqtt';
import type { MachineFaults } from '../helpers/machine-faults.js';
import type { MjpegServer } from '../helpers/mjpeg-server.js';
import type { Broker } from '../helpers/mosquitto.js';
import type { Relay } from '../mqtt/network.js';
import type { ChaosFault, ChaosKind } from './chaos.js';
import { holdingsOf } from './faults.js';

const BIN = fileURLToPath(new URL('../../bin/fastsamd', import.meta.url));
export const NODE = 'chaos';
export const BASE = `fastsam/v1/${NODE}`;
const CAMERAS = ['scene', 'clip', 'http'] as const;
/** All faults are over: everything is well again within this time. */
const RECOVERY_MS = 120_000;
/** What happened so shortly before a kill may not have reached the disk. */
export const IN_FLIGHT_MS = 1500;
/** A fault is told in health at the latest so long after its end, and only one that has lasted this long must be. */
export const TELL_MS = 45_000;
export const TELL_FROM_MS = 10_000;
const HOUR = 3_600_000;
const CLOCKS = [HOUR, -HOUR, 365 * 24 * HOUR, -365 * 24 * HOUR, Date.UTC(2001, 0, 1) - Date.now()];

interface Boot {
  readonly process: ChildProcess;
  readonly startedAt: number;
  bootId?: string;
  endedAt?: number;
  /** Lost and came back, as the log says. */
  readonly said: { readonly camera: string; readonly event: 'camera-lost' | 'camera-back'; readonly at: number }[];
  readonly away: Set<string>;
  /** Since when events and prompts may be in memory only, because the disk fails. */
  unsafeSince?: number | undefined;
  /** Stalls that last, and since when: what was in memory then is in memory still. */
  stalls: number;
  stalledSince?: number | undefined;
}

export class Chaos {
  readonly violations: string[] = [];
  readonly boots: Boot[] = [];
  readonly times: Record<string, number[]> = {};
  readonly memory: { readonly rssMiB: number; readonly upMs: number; readonly boot: number }[] = [];
  readonly events = new Map<string, { readonly bootId: string; readonly camera: string; readonly type: string; copies: number }>();
  readonly results: Record<string, number> = Object.fromEntries(CAMERAS.map((camera) => [camera, 0]));
  readonly told: { readonly at: number; readonly what: string }[] = [];
  readonly prompts = { sent: 0, acknowledged: 0, durable: 0, looked: 0 };
  readonly alerts = new Set<string>();
  health: { ok?: boolean; subsystems?: Record<string, { ok: boolean; last?: { since: string } }> } = {};
  spooled = Number.POSITIVE_INFINITY;
  #expected = new Set<Boot>();
  #disk = { full: 0, hangs: 0 };
  #brokerFaults: Promise<void> = Promise.resolve();
  #running = true;
  #looks = new Map<string, number>();
  #lastSeen = new Map<string, string>();
  #marker: ((text: string) => void) | undefined;

  constructor(
    readonly world: {
      readonly config: string;
      readonly clip: string;
      readonly machine: MachineFaults;
      readonly broker: Broker;
      readonly relay: Relay;
      readonly server: MjpegServer;
      readonly client: MqttClient;
    },
  ) {
    world.client.on('message', (topic, payload) => this.#receive(topic, payload.toString()));
  }

  get boot(): Boot {
    return this.boots.at(-1)!;
  }

  launch(): void {
    const child = spawn(process.execPath, [BIN, 'run', '--config', this.world.config], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...this.world.machine.environment },
    });
    const boot: Boot = { process: child, startedAt: performance.now(), said: [], away: new Set(), stalls: 0 };
    this.boots.push(boot);
    if (this.#disk.full + this.#disk.hangs > 0) boot.unsafeSince = boot.startedAt;
    const tail: string[] = [];
    createInterface({ input: child.stderr! }).on('line', (line) => {
      tail.push(line);
      if (tail.length > 20) tail.shift();
      const [, camera, phase] = /"msg":"camera (\w+): (lost|streaming)"/.exec(line) ?? [];
      if (camera === undefined || boot.away.has(camera) === (phase === 'lost')) return;
      if (phase === 'lost') boot.away.add(camera);
      else boot.away.delete(camera);
      boot.said.push({ camera, event: phase === 'lost' ? 'camera-lost' : 'camera-back', at: performance.now() });
    });
    child.once('exit', (code, signal) => {
      if (this.#expected.has(boot)) return;
      this.violations.push(`the daemon ended by itself with ${code ?? signal}: ${tail.slice(-5).join(' / ')}`);
      if (this.#running) this.launch();
    });
  }

  /** Ends the daemon and starts it again after `awayMs`. */
  async restart(signal: NodeJS.Signals, awayMs: number): Promise<void> {
    const { boot } = this;
    if (boot.endedAt !== undefined) return;
    boot.endedAt = performance.now();
    this.#expected.add(boot);
    const ended = once(boot.process, 'exit');
    if (signal === 'SIGTERM') {
      boot.stalledSince = undefined;
      boot.process.kill('SIGCONT');
    }
    const begin = performance.now();
    boot.process.kill(signal);
    if (signal === 'SIGTERM') {
      await ended;
      this.#took('SIGTERM to exit', performance.now() - begin, 5000);
    }
    await ended;
    await sleep(awayMs);
    this.launch();
  }

  async happen({ kind, lastsMs, form }: ChaosFault): Promise<void> {
    const { machine, broker, relay, server, clip } = this.world;
    switch (kind) {
      case 'node killed':
        return this.restart('SIGKILL', lastsMs);
      case 'node stopped':
        return this.restart('SIGTERM', lastsMs);
      case 'node stalled': {
        const { boot } = this;
        boot.stalls += 1;
        boot.stalledSince ??= performance.now();
        boot.process.kill('SIGSTOP');
        await sleep(lastsMs);
        boot.stalls -= 1;
        if (boot.stalls > 0) return;
        boot.process.kill('SIGCONT');
        if (boot.endedAt === undefined) boot.stalledSince = undefined;
        return;
      }
      case 'disk full':
      case 'disk hangs': {
        const key = kind === 'disk full' ? 'full' : 'hangs';
        this.#disk[key] += 1;
        this.boot.unsafeSince ??= performance.now();
        this.#setDisk();
        await sleep(lastsMs);
        this.#disk[key] -= 1;
        this.#setDisk();
        return;
      }
      case 'clock jumps':
        machine.clockOffsetMs = CLOCKS[Math.floor(form * CLOCKS.length)]!;
        machine.clockSynced = form < 0.8;
        await sleep(lastsMs);
        machine.clockOffsetMs = 0;
        machine.clockSynced = true;
        return;
      case 'broker killed':
        return this.#brokerFault(async () => {
          relay.open = false;
          for (const socket of relay.sockets) socket.destroy();
          // What the broker has acknowledged is with the observer before the broker forgets it.
          await this.#drained();
          await broker.kill();
          await sleep(lastsMs);
          await broker.restart();
          await this.#drained();
          relay.open = true;
        });
      case 'broker silent':
        return this.#brokerFault(async () => {
          broker.pause();
          await sleep(lastsMs);
          broker.resume();
        });
      case 'link cut':
        for (const socket of relay.sockets) socket.destroy();
        return;
      case 'camera away':
        await rename(clip, `${clip}.away`);
        await sleep(lastsMs);
        await rename(`${clip}.away`, clip);
        return;
      case 'camera cut':
        if (form < 0.5) return server.cut();
        server.misbehave(form < 0.7 ? 'half' : form < 0.85 ? 'stall' : 'response-headers');
        await sleep(6000);
        return server.misbehave();
      case 'log blocked': {
        const { stderr } = this.boot.process;
        stderr!.pause();
        await sleep(lastsMs);
        stderr!.resume();
        return;
      }
    }
  }

  #setDisk(): void {
    this.world.machine.disk = this.#disk.hangs > 0 ? 'hangs' : this.#disk.full > 0 ? 'full' : 'works';
  }

  #brokerFault(fault: () => Promise<void>): Promise<void> {
    this.#brokerFaults = this.#brokerFaults.then(fault);
    return this.#brokerFaults;
  }

  /** Everything that was sent to the observer before has arrived. */
  async #drained(): Promise<void> {
    const { client } = this.world;
    for (let attempt = 1; ; attempt += 1) {
      const text = `${Math.random()}`;
      const arrived = new Promise<boolean>((resolve) => {
        this.#marker = (each) => resolve(each === text);
      });
      if (client.connected) {
        client.subscribe('chaos/marker', { qos: 1 });
        client.publish('chaos/marker', text, { qos: 1 });
      }
      // A connection to a broker that was killed answers nothing.
      if (await Promise.race([arrived, sleep(500 * attempt, false)])) return;
    }
  }

  /** Once a second: memory, another change of prompts, and now and then a look at those in force. */
  second(round: number): void {
    const { boot } = this;
    if (boot.endedAt === undefined && boot.process.exitCode === null) {
      try {
        const { rssMiB } = holdingsOf(boot.process.pid!);
        this.memory.push({ rssMiB, upMs: performance.now() - boot.startedAt, boot: this.boots.length });
      } catch {
        // It has just ended.
      }
    }
    if (this.#disk.full + this.#disk.hangs === 0 && this.alerts.size === 0 && boot.unsafeSince !== undefined) this.#settle(boot);
    const { client } = this.world;
    if (!client.connected || !this.#running) return;
    if (round % 3 === 0) {
      const id = `look-${round}`;
      this.#looks.set(id, this.prompts.durable);
      client.publish(`${BASE}/request/prompt/get`, JSON.stringify({ id, camera: 'scene' }), { qos: 1 });
    } else {
      this.prompts.sent += 1;
      const prompts = [{ type: 'box', box: [5, 5, 40, 40], id: `p${this.prompts.sent}` }];
      client.publish(`${BASE}/request/prompt/set`, JSON.stringify({ id: `s${this.prompts.sent}`, camera: 'scene', prompts }), { qos: 1 });
    }
  }

  /** The disk works, and has worked for long enough for everything to be on it. */
  #settle(boot: Boot): void {
    this.#quiet ??= performance.now();
    if (performance.now() - this.#quiet < 15_000) return;
    boot.unsafeSince = undefined;
    this.#quiet = undefined;
  }
  #quiet: number | undefined;

  #receive(topic: string, text: string): void {
    if (topic === 'chaos/marker') {
      this.#marker?.(text);
      return;
    }
    if (text === '' && !topic.includes('/alert/')) return;
    const rest = topic.slice(BASE.length + 1);
    const camera = /^cameras\/(\w+)\/result$/.exec(rest)?.[1];
    if (camera !== undefined) this.results[camera]! += 1;
    else if (rest.endsWith('/event')) {
      const event = JSON.parse(text);
      const known = this.events.get(event.eventId);
      if (known) known.copies += 1;
      else this.events.set(event.eventId, { bootId: event.bootId, camera: event.camera, type: event.type, copies: 1 });
    } else if (rest === 'state') {
      const { bootId, state } = JSON.parse(text);
      if (state === 'ready' && this.boots.every((each) => each.bootId !== bootId)) this.boot.bootId = bootId;
    } else if (rest.startsWith('alert/')) {
      const name = rest.slice('alert/'.length);
      if (text === '') this.alerts.delete(name);
      else {
        this.alerts.add(name);
        this.told.push({ at: performance.now(), what: name });
      }
    } else if (rest === 'health') this.#hear(JSON.parse(text));
    else if (rest === 'telemetry') this.spooled = JSON.parse(text).mqtt.spool.depth;
    else if (rest.startsWith('response/')) this.#answered(JSON.parse(text));
  }

  #hear(health: Chaos['health']): void {
    this.health = health;
    for (const [name, { ok, last }] of Object.entries(health.subsystems ?? {})) {
      const news = last !== undefined && this.#lastSeen.get(name) !== last.since;
      if (last) this.#lastSeen.set(name, last.since);
      if (!ok || news) this.told.push({ at: performance.now(), what: name });
    }
  }

  #answered(answer: { id: string | null; status: string; data?: { prompts: { id: string }[] }[] }): void {
    const [, kind, number] = /^(s|look-)(\d+)$/.exec(answer.id ?? '') ?? [];
    if (answer.status !== 'ok' || number === undefined) return;
    const { prompts } = this;
    if (kind === 's') {
      prompts.acknowledged = Math.max(prompts.acknowledged, Number(number));
      if (this.boot.unsafeSince === undefined && this.boot.endedAt === undefined) prompts.durable = prompts.acknowledged;
      return;
    }
    const least = this.#looks.get(answer.id!);
    this.#looks.delete(answer.id!);
    const inForce = Number(answer.data?.[0]?.prompts[0]?.id.slice(1) ?? 0);
    prompts.looked += 1;
    if (least !== undefined && !(inForce >= least)) this.violations.push(`prompts ${inForce} in force after ${least} was acknowledged`);
  }

  #took(what: string, ms: number, limit: number): void {
    this.times[what] = [...(this.times[what] ?? []), ms];
    if (ms > limit) this.violations.push(`${what} took ${(ms / 1000).toFixed(1)} s`);
  }

  /** All faults are over: everything is well again. */
  async recover(): Promise<void> {
    const begin = performance.now();
    const before = { ...this.results };
    const isWell = () =>
      CAMERAS.every((camera) => this.results[camera]! > before[camera]! + 5) && this.health.ok === true && this.spooled === 0;
    while (!isWell()) {
      if (performance.now() - begin > RECOVERY_MS) {
        const { results, health, spooled } = this;
        this.violations.push(
          `not well ${RECOVERY_MS / 1000} s after the last fault: ${JSON.stringify({ before, results, health, spooled })}`,
        );
        break;
      }
      await sleep(200);
    }
    this.#took('the end of all faults to everything well', performance.now() - begin, RECOVERY_MS);
    await this.#drained();
  }

  async end(): Promise<void> {
    this.#running = false;
    const { boot } = this;
    this.#expected.add(boot);
    boot.endedAt = performance.now();
    boot.process.kill('SIGTERM');
    const [code] = await once(boot.process, 'exit');
    if (code !== 0) this.violations.push(`the last SIGTERM: exit ${code}`);
  }

  /** Of what the log says happened to cameras, what no event has said. */
  lostEvents(): { readonly said: number; readonly excused: number; readonly lost: string[] } {
    const lost: string[] = [];
    let [said, excused] = [0, 0];
    for (const [index, boot] of this.boots.entries()) {
      for (const camera of CAMERAS) {
        const told = boot.said.filter((each) => each.camera === camera);
        const arrived = [...this.events.values()].filter((event) => event.bootId === boot.bootId && event.camera === camera);
        said += told.length;
        const missing = told.slice(arrived.filter(({ type }) => type.startsWith('camera-')).length);
        for (const { event, at } of missing) {
          // A process that was stopped when it was killed had done nothing since.
          const ranUntil = boot.stalledSince ?? boot.endedAt;
          const last = ranUntil !== undefined && at > ranUntil - IN_FLIGHT_MS;
          const onlyInMemory = boot.unsafeSince !== undefined && boot.endedAt !== undefined && at > boot.unsafeSince - IN_FLIGHT_MS;
          if (last || onlyInMemory || boot.bootId === undefined) excused += 1;
          else
            lost.push(`run ${index + 1}: ${event} of ${camera}, ${Math.round((boot.endedAt ?? performance.now()) - at)} ms before its end`);
        }
      }
    }
    return { said, excused, lost };
  }

  /** Faults that must be told in health or as an alert, and whether they were. */
  telling(faults: readonly { readonly kind: ChaosKind; readonly begin: number; readonly end: number }[]) {
    const names: Partial<Record<ChaosKind, RegExp>> = {
      'camera away': /^camera[/-]clip$/,
      'disk full': /^(prompts|events)-unsaved$/,
      'broker killed': /^mqtt$/,
      'broker silent': /^mqtt$/,
    };
    const counts: Record<string, { told: number; excused: number; untold: number }> = {};
    for (const { kind, begin, end } of faults) {
      const name = names[kind];
      if (!name || end - begin < TELL_FROM_MS) continue;
      counts[kind] ??= { told: 0, excused: 0, untold: 0 };
      if (this.told.some(({ at, what }) => name.test(what) && at >= begin && at <= end + TELL_MS)) counts[kind].told += 1;
      // A node that was restarted meanwhile has forgotten it.
      else if (this.boots.some(({ startedAt }) => startedAt > begin && startedAt < end + TELL_MS)) counts[kind].excused += 1;
      else counts[kind].untold += 1;
    }
    return counts;
  }
}
