/**
 * A node that is killed at random moments: KILLS times, with the broker working or silent. What was in events.db at the kill, and what
 * the log had said a second before, arrives; prompts are never older than what was acknowledged.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { native } from '../../src/addon/addon.js';
import { figure } from '../helpers/figure.js';
import { MjpegServer } from '../helpers/mjpeg-server.js';
import { Broker, hasMosquitto } from '../helpers/mosquitto.js';
import { writeTestModel } from '../helpers/onnx-model.js';
import { random } from './faults.js';

const KILLS = Number(process.env.KILLS ?? 3);
const BIN = fileURLToPath(new URL('../../bin/fastsamd', import.meta.url));
const NODE = 'killed';
const BASE = `fastsam/v1/${NODE}`;
/** What the log said so shortly before a kill may not have reached the disk. */
const IN_FLIGHT_MS = 1000;

/** Ids of the events that are on the disk, looked at in a copy. */
function eventsOnDisk(folder: string, copy: string): string[] {
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy);
  for (const name of ['events.db', 'events.db-wal']) if (existsSync(join(folder, name))) cpSync(join(folder, name), join(copy, name));
  if (!existsSync(join(copy, 'events.db'))) return [];
  const database = new Database(join(copy, 'events.db'));
  try {
    const has = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'events'").get();
    const rows = has ? (database.prepare('SELECT event FROM events').all() as { event: string }[]) : [];
    return rows.map(({ event }) => JSON.parse(event).eventId as string);
  } finally {
    database.close();
  }
}

const canRun = hasMosquitto && native().features.gstreamer;

it.skipIf(!canRun)(`${KILLS} kills lose no event and no acknowledged prompt`, { timeout: 60_000 + KILLS * 20_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'fastsamd-kills-'));
  const next = random(Number(process.env.KILLS_SEED ?? 22));
  await using broker = await Broker.start();
  await using camera = await MjpegServer.start();
  // Without keepalive: a broker that is silent for long must not end what looks at the node.
  const observer = await broker.observe(`${BASE}/#`, { keepalive: 0 });
  const config = join(directory, 'config.yaml');
  await writeFile(
    config,
    stringify({
      node: NODE,
      model: { path: await writeTestModel(join(directory, 'model.onnx'), { width: 64, height: 64 }) },
      cameras: [{ id: 'belt', source: camera.url }],
      mqtt: { url: broker.url, reconnect: { minMs: 50, maxMs: 300 } },
      events: { debounceMs: 0, replayPerSecond: 1000 },
      telemetry: { intervalMs: 500 },
      stateDir: join(directory, 'state'),
    }),
  );
  const onDisk = new Set<string>();
  const said: { readonly run: number; readonly at: number }[] = [];
  const endedAt: number[] = [];
  let acknowledged = 0;
  let stalePrompts = 0;
  let looked = 0;
  let sent = 0;

  const launch = (run: number) => {
    const from = observer.received.length;
    const child = spawn(process.execPath, [BIN, 'run', '--config', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    let away = false;
    let sees = () => {};
    const streaming = new Promise<void>((resolve) => {
      sees = resolve;
    });
    createInterface({ input: child.stderr! }).on('line', (line) => {
      const phase = /"msg":"camera belt: (lost|streaming)"/.exec(line)?.[1];
      if (phase === 'streaming') sees();
      if (phase === undefined || away === (phase === 'lost')) return;
      away = phase === 'lost';
      said.push({ run, at: performance.now() });
    });
    return { child, from, streaming };
  };
  /** Cuts the camera and changes prompts until the process ends. */
  const trouble = async (isOver: () => boolean) => {
    while (!isOver()) {
      camera.cut();
      sent += 1;
      const prompts = [{ type: 'box', box: [5, 5, 40, 40], id: `p${sent}` }];
      void observer.publish(`${BASE}/request/prompt/set`, JSON.stringify({ id: `${sent}`, prompts })).catch(() => undefined);
      await delay(100 + next() * 300);
    }
  };
  const latestAcknowledged = () =>
    observer.received.reduce((most, { topic, text }) => {
      if (topic !== `${BASE}/response/prompt/set`) return most;
      const { id, status } = JSON.parse(text);
      return status === 'ok' ? Math.max(most, Number(id)) : most;
    }, 0);

  try {
    for (let run = 0; run < KILLS; run += 1) {
      // A silent broker: events collect on the disk.
      const isSilent = next() < 0.4;
      const waits = next() < 0.75;
      if (isSilent) broker.pause();
      else broker.resume();
      const { child, from, streaming } = launch(run);
      const ended = once(child, 'exit');
      let isOver = false;
      void ended.then(() => {
        isOver = true;
      });
      const troubled = trouble(() => isOver);
      if (waits) await streaming;
      if (waits && !isSilent) {
        const { text } = await observer.until(`${BASE}/cameras/belt/prompts`, (each) => each !== '', from);
        const shown = Number(/"id":"p(\d+)"/.exec(text)?.[1] ?? 0);
        looked += 1;
        if (shown < acknowledged) stalePrompts += 1;
        if (next() < 0.5) broker.pause();
      }
      await delay(next() * 3000);
      child.kill('SIGKILL');
      endedAt[run] = performance.now();
      await ended;
      await troubled;
      for (const id of eventsOnDisk(join(directory, 'state', NODE), join(directory, 'copy'))) onDisk.add(id);
      acknowledged = latestAcknowledged();
      // What an answer that is still on its way acknowledges is newer: nothing is missed by not waiting for it.
    }
    broker.resume();
    const { child, from } = launch(KILLS);
    await observer.untilJson<{ mqtt: { spool: { depth: number } } }>(`${BASE}/telemetry`, ({ mqtt }) => mqtt.spool.depth === 0, from);
    child.kill('SIGTERM');
    await once(child, 'exit');
  } finally {
    broker.resume();
    await rm(directory, { recursive: true, force: true });
  }
  const events = observer.received
    .filter(({ topic, text }) => topic === `${BASE}/cameras/belt/event` && text !== '')
    .map(({ text }) => JSON.parse(text) as { eventId: string; type: string });
  const arrived = new Set(events.map(({ eventId }) => eventId));
  const lostFromDisk = [...onDisk].filter((id) => !arrived.has(id));
  const safe = said.filter(({ run, at }) => at < (endedAt[run] ?? Number.POSITIVE_INFINITY) - IN_FLIGHT_MS);
  const cameraEvents = new Set(events.filter(({ type }) => type.startsWith('camera-')).map(({ eventId }) => eventId)).size;
  figure({ what: 'kills', value: KILLS });
  figure({ what: 'events on the disk at a kill', value: onDisk.size });
  figure({ what: '… that never arrived', value: lostFromDisk.length, most: 0 });
  figure({ what: `losses and returns of the camera that the log said ${IN_FLIGHT_MS / 1000} s or more before a kill`, value: safe.length });
  figure({
    what: '… of which no event arrived, at least',
    value: Math.max(0, safe.length - cameraEvents),
    most: 0,
  });
  figure({ what: 'changes of prompts that were acknowledged', value: acknowledged });
  figure({ what: 'restarts after which the prompts were compared', value: looked });
  figure({ what: '… with older prompts than were acknowledged', value: stalePrompts, most: 0 });
  expect(lostFromDisk).toEqual([]);
  expect(stalePrompts).toBe(0);
  expect(cameraEvents).toBeGreaterThanOrEqual(safe.length);
});
