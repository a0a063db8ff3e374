/** A node as the app would build it, for tests: publisher, prompt register, and what they logged. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { z } from 'zod';
import { eventsSchema } from '../../src/config/sections/events.js';
import { jobsSchema } from '../../src/config/sections/jobs.js';
import { mqttSchema } from '../../src/config/sections/mqtt.js';
import { Control } from '../../src/control/control.js';
import type { AdminService, CameraService } from '../../src/control/services.js';
import { FastsamError } from '../../src/errors.js';
import { createPublisher, type Publisher, type PublisherDeps } from '../../src/mqtt/publisher.js';
import { PromptRegister } from '../../src/prompt/register.js';
import { StatusBoard } from '../../src/status/board.js';
import { ZoneRegister } from '../../src/zone/register.js';
import { NO_INSPECTION } from '../helpers/inspection.js';

export const CAMERAS = ['belt', 'gate'] as const;

export interface TestNode extends AsyncDisposable {
  readonly publisher: Publisher;
  readonly status: StatusBoard;
  readonly control: Control;
  readonly register: PromptRegister;
  readonly zones: ZoneRegister;
  readonly bootId: string;
  readonly base: string;
  /** Messages of the log, `msg` with `reason`. */
  readonly logged: Record<string, unknown>[];
  /** What requests asked of the cameras and the node. */
  readonly asked: string[];
}

export interface TestNodeOptions {
  readonly stateDirectory?: string;
  readonly replayPerSecond?: number;
  readonly jobs?: z.input<typeof jobsSchema>;
  readonly runJob?: PublisherDeps['runJob'];
  readonly connect?: PublisherDeps['connect'];
}

export function testNode(mqtt: z.input<typeof mqttSchema>, options: TestNodeOptions = {}): TestNode {
  const logged: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug' }, { write: (line) => void logged.push(JSON.parse(line)) });
  const bootId = randomUUID();
  const config = mqttSchema.parse({ reconnect: { minMs: 10, maxMs: 100 }, connectTimeoutMs: 2000, ...mqtt });
  const status = new StatusBoard({ bootId });
  const register: PromptRegister = new PromptRegister({
    cameras: new Map(CAMERAS.map((camera) => [camera, []])),
    onApplied: (message) => status.setPrompts(message),
  });
  // The belt tracks, the gate does not.
  const zones: ZoneRegister = new ZoneRegister({
    cameras: new Map(CAMERAS.map((camera) => [camera, { lines: [], zones: [], tracking: camera === 'belt' }])),
    onApplied: (camera, message) => status.setZones(camera, message),
    onCounts: (camera, message) => status.setCounts(camera, message),
    onReset: (camera, ids) => publisher.publishEvent(camera, { type: 'counts-reset', ids: [...ids] }),
  });
  const asked: string[] = [];
  const cameras: CameraService = {
    snapshot: async (camera) => {
      asked.push(`snapshot ${camera}`);
      return { jpeg: Buffer.from([0xff, 0xd8, 0xff]), width: 4, height: 3, capturedAtMs: 0 };
    },
    pause: async (camera) => void asked.push(`pause ${camera}`),
    resume: async (camera) => void asked.push(`resume ${camera}`),
    restart: async (camera) => void asked.push(`restart ${camera}`),
    tracks: () => [],
  };
  const admin: AdminService = {
    reloadConfig: async () => {
      throw new FastsamError('CONFIG_INVALID', 'config.yaml:1:1 unknown key');
    },
    setLogLevel: (level) => void asked.push(`log ${level}`),
  };
  const { stateDirectory = mkdtempSync(join(tmpdir(), 'fastsamd-node-')), replayPerSecond } = options;
  const events = eventsSchema.parse({ replayPerSecond });
  const control = new Control({
    node: 'line-3',
    maxRequestBytes: config.maxRequestBytes,
    prompts: register,
    zones,
    cameras,
    frames: { try: async ({ camera }) => ({ seq: camera.length, capturedAt: new Date(0).toISOString(), answers: [], objects: [] }) },
    admin,
    inspection: NO_INSPECTION,
    ping: () => status.ping(),
    info: () => status.get('info'),
    health: () => status.health(),
    publishSnapshot: (camera, { jpeg }) => publisher.publishSnapshot(camera, jpeg),
    publishEvidence: (camera, { jpeg }) => publisher.publishEvidence(camera, jpeg),
    log,
  });
  const publisher: Publisher = createPublisher({
    events,
    eventsFile: join(stateDirectory, 'events.db'),
    retainedFile: join(stateDirectory, 'retained.json'),
    jobs: jobsSchema.parse(options.jobs ?? {}),
    runJob: options.runJob ?? (async () => Promise.reject(new Error('no jobs here'))),
    ...(options.connect && { connect: options.connect }),
    config,
    node: 'line-3',
    bootId,
    telemetryIntervalMs: () => 1000,
    tracking: (camera) => camera === 'belt',
    status,
    control,
    log,
  });
  register.start();
  zones.start();
  return {
    publisher,
    status,
    control,
    register,
    zones,
    bootId,
    base: `${config.prefix}/line-3`,
    logged,
    asked,
    [Symbol.asyncDispose]: async () => {
      await publisher.stop('test is over', 500);
      // A stop that ran into its limit leaves a write under way, which may add a file while the folder is emptied: rm looks again then,
      // rmSync does not.
      if (options.stateDirectory === undefined) await rm(stateDirectory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Resolves when `condition` holds; for state that has no event. */
export async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
