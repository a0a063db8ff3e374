/** Nodes whose clock is set while they run, each by another step: events arrive, alerts come and go in their time. CLOCK_JUMPS=all. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { native } from '../../src/addon/addon.js';
import { startWith } from '../helpers/command.js';
import { figure } from '../helpers/figure.js';
import { MachineFaults } from '../helpers/machine-faults.js';
import { MjpegServer } from '../helpers/mjpeg-server.js';
import { Broker, hasMosquitto } from '../helpers/mosquitto.js';
import { writeTestModel } from '../helpers/onnx-model.js';

const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;
/** Milliseconds by which the clock is off before and after the step. */
const STEPS = [
  { name: 'from 2001 to now', node: 'then', before: Date.UTC(2001, 0, 1) - Date.now(), after: 0 },
  { name: 'by +1 h', node: 'hour-on', before: 0, after: HOUR },
  { name: 'by -1 h', node: 'hour-back', before: 0, after: -HOUR },
  { name: 'by +1 y', node: 'year-on', before: 0, after: YEAR },
  { name: 'by -1 y', node: 'year-back', before: 0, after: -YEAR },
] as const;
/** From losing a camera to its alert, and from its return to the end of the alert (daemon/health/record.ts). */
const ALERT_MS = 10_000;
const TOLERANCE_MS = 2000;

const canRun = process.env.CLOCK_JUMPS === 'all' && hasMosquitto && native().features.gstreamer;

it.skipIf(!canRun)('a step of the clock loses no event and moves no alert', { timeout: 300_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'fastsamd-clock-'));
  await using broker = await Broker.start();
  await using camera = await MjpegServer.start();
  const observer = await broker.observe('fastsam/v1/#', { keepalive: 0 });
  const model = await writeTestModel(join(directory, 'model.onnx'), { width: 64, height: 64, objects: [] });
  const running: { readonly kill: () => void }[] = [];
  try {
    const nodes = await Promise.all(
      STEPS.map(async (step) => {
        const folder = join(directory, step.node);
        await mkdir(folder);
        const machine = new MachineFaults(folder, join(folder, 'state'));
        machine.clockOffsetMs = step.before;
        machine.clockSynced = step.before === 0;
        const config = {
          node: step.node,
          model: { path: model, onnxruntime: { threads: 1 } },
          cameras: [{ id: 'belt', source: camera.url, maxFps: 2, stallTimeoutMs: 30_000 }],
          mqtt: { url: broker.url, reconnect: { minMs: 50, maxMs: 500 } },
          stateDir: join(folder, 'state'),
        };
        await writeFile(join(folder, 'config.yaml'), stringify(config));
        const daemon = startWith(machine.environment, 'run', '--config', join(folder, 'config.yaml'));
        const phases: { readonly phase: string; readonly at: number }[] = [];
        let rest = '';
        daemon.process.stderr!.on('data', (text: string) => {
          const lines = (rest + text).split('\n');
          rest = lines.pop()!;
          for (const line of lines) {
            const phase = /"msg":"camera belt: (lost|streaming)"/.exec(line)?.[1];
            if (phase !== undefined && phase !== phases.at(-1)?.phase) phases.push({ phase, at: performance.now() });
          }
        });
        running.push({ kill: () => daemon.process.kill('SIGKILL') }, { kill: () => machine[Symbol.dispose]() });
        return { step, machine, daemon, phases };
      }),
    );
    type Node = (typeof nodes)[number];
    /** When the camera of the node entered the phase for the nth time. */
    const entered = async ({ phases }: Node, phase: string, nth: number): Promise<number> => {
      for (;;) {
        const found = phases.filter((each) => each.phase === phase)[nth - 1];
        if (found) return found.at;
        await delay(20);
      }
    };
    const move = ({ machine, step }: Node, which: 'before' | 'after') => {
      machine.clockOffsetMs = step[which];
      machine.clockSynced = which === 'after' || step.before === 0;
    };
    const alertTime = async ({ step }: Node, isRaised: boolean, from: number) => {
      await observer.until(`fastsam/v1/${step.node}/alert/camera-belt`, (text) => (text !== '') === isRaised, from);
      return performance.now();
    };

    await Promise.all(nodes.map((node) => entered(node, 'streaming', 1)));
    // The clock is set while an alert is about to be raised, and set again while it is about to be cleared.
    camera.misbehave('close');
    await Promise.all(
      nodes.map(async (node) => {
        const lost = await entered(node, 'lost', 1);
        await delay(ALERT_MS / 2);
        move(node, 'after');
        const late = (await alertTime(node, true, 0)) - lost - ALERT_MS;
        figure({
          what: `alert of a lost camera, clock set ${node.step.name}: difference to its due time`,
          value: Math.abs(late),
          unit: 'ms',
          most: TOLERANCE_MS,
        });
      }),
    );
    const raised = observer.received.length;
    camera.misbehave();
    await Promise.all(
      nodes.map(async (node) => {
        const back = await entered(node, 'streaming', 2);
        await delay(ALERT_MS / 2);
        // Set back: to the other side of the step, but never again to 2001.
        if (node.step.before === 0) move(node, 'before');
        const late = (await alertTime(node, false, raised)) - back - ALERT_MS;
        figure({
          what: `end of that alert, clock set back ${node.step.name}: difference to its due time`,
          value: Math.abs(late),
          unit: 'ms',
          most: TOLERANCE_MS,
        });
      }),
    );
    // Events that wait for the broker while the clock is set.
    broker.pause();
    camera.misbehave('close');
    await Promise.all(nodes.map((node) => entered(node, 'lost', 2)));
    for (const node of nodes) move(node, 'after');
    camera.misbehave();
    await Promise.all(nodes.map((node) => entered(node, 'streaming', 3)));
    broker.resume();
    for (const { step, phases } of nodes) {
      // The first time that a camera streams is no event.
      const expected = phases.length - 1;
      const topic = `fastsam/v1/${step.node}/cameras/belt/event`;
      const arrived = () =>
        new Set(observer.received.filter((each) => each.topic === topic).map(({ text }) => JSON.parse(text).eventId as string)).size;
      for (const until = performance.now() + 60_000; arrived() < expected && performance.now() < until; ) await delay(100);
      figure({ what: `losses and returns of a camera, clock set ${step.name}`, value: expected });
      figure({ what: '… of which no event arrived', value: expected - arrived(), most: 0 });
      expect(expected).toBe(4);
      expect(arrived()).toBe(expected);
    }
  } finally {
    for (const each of running) each.kill();
    broker.resume();
    await rm(directory, { recursive: true, force: true });
  }
});
