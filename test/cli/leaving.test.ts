/**
 * Commands that end before their work is done: never an abort, and every file complete. LEAVING_MOMENTS moments are drawn
 * for each command and each way to leave: one in four before its first result, the others between that and its end.
 * LEAVING_SEED makes them repeatable.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSource } from '../../src/source/open.js';
import { fastsamd, type RunningCommand, start } from '../helpers/command.js';
import { writeTestModel } from '../helpers/onnx-model.js';

const MOMENTS = Number(process.env.LEAVING_MOMENTS ?? 1);
/** Runs at a time, for more moments than one: starting Node is half of a run. */
const TOGETHER = Math.min(2, MOMENTS);
const CLIP_FRAMES = 120;
const PICTURES = 40;
/** A live source has no end; its frames come 30 times a second. */
const LIVE_FRAMES = 45;

let directory = '';
let model = '';
const at = (name: string) => join(directory, name);

let state = Number(process.env.LEAVING_SEED ?? 20261127);
/** From 0 to 1 (mulberry32). */
function random(): number {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-leaving-'));
  model = await writeTestModel(at('three.onnx'));
  await mkdir(at('photos'));
  const picture = await sharp({ create: { width: 320, height: 320, channels: 3, background: '#446688' } })
    .jpeg()
    .toBuffer();
  for (let k = 0; k < PICTURES; k += 1) await sharp(picture).toFile(at(`photos/${k}.jpg`));
  const made = await fastsamd(
    'segment',
    `test:shapes?width=320&height=192&frames=${CLIP_FRAMES}&realtime=false`,
    '--model',
    model,
    '--out',
    at('clip.mp4'),
  );
  expect(made.code).toBe(0);
}, 400_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Frames of a video that can be played from start to end. */
async function framesOf(path: string): Promise<number> {
  const source = await openSource(path);
  let count = 0;
  try {
    for await (const frame of source) {
      frame[Symbol.dispose]();
      count += 1;
    }
  } finally {
    await source.stop();
  }
  return count;
}

interface Work {
  /** The arguments of a run that writes to `out`; `ends` for a run that is left alone. */
  readonly args: (out: string, ends: boolean) => string[];
  /** Of what is known to be written. Its path is that of `out` with this ending. */
  readonly output?: { readonly ending: string; readonly count: (path: string) => Promise<number> };
}

/** Pictures of a folder, each of which is whole. */
async function picturesOf(path: string): Promise<number> {
  const names = await readdir(path);
  for (const name of names) await sharp(await readFile(join(path, name)), { failOn: 'warning' }).stats();
  return names.length;
}

const works: Readonly<Record<string, Work>> = {
  'segment of a clip': {
    args: (out) => ['segment', at('clip.mp4'), '--model', model, '--out', `${out}.mp4`],
    output: { ending: '.mp4', count: framesOf },
  },
  'segment of a folder': {
    args: (out) => ['segment', at('photos'), '--model', model, '--out', out],
    output: { ending: '', count: picturesOf },
  },
  'segment of a live source': {
    args: (out, ends) => [
      'segment',
      'test:conveyor?width=320&height=192',
      '--model',
      model,
      '--out',
      `${out}.mkv`,
      ...(ends ? ['--frames', `${LIVE_FRAMES}`] : []),
    ],
    output: { ending: '.mkv', count: framesOf },
  },
  bench: {
    args: () => ['bench', at('clip.mp4'), '--model', model, '--frames', '200'],
  },
};

const ways: Readonly<Record<string, { readonly leave: (command: RunningCommand) => void; readonly code: number }>> = {
  SIGINT: { leave: ({ process: child }) => child.kill('SIGINT'), code: 130 },
  SIGTERM: { leave: ({ process: child }) => child.kill('SIGTERM'), code: 143 },
  'a closed pipe': { leave: ({ process: child }) => child.stdout!.destroy(), code: 0 },
};

const FIRST_RESULT = /#0:/;

/** Of a run that is left alone: milliseconds until its first result and from there to its end, and the frames that it writes. */
interface Lengths {
  readonly starting: number;
  readonly working: number;
  readonly frames: number;
}

async function measure({ args, output }: Work, name: string): Promise<Lengths> {
  const began = performance.now();
  const command = start(...args(at(`whole-${name}`), true));
  if (output) await command.line(FIRST_RESULT);
  const first = performance.now();
  const { code, stderr } = await command.outcome;
  expect(code, stderr).toBe(0);
  const working = performance.now() - first;
  const frames = output ? await output.count(at(`whole-${name}${output.ending}`)) : 0;
  return { starting: first - began, working, frames };
}

interface Moment {
  readonly after: 'the start' | 'the first result';
  readonly ms: number;
}

/** The run is cut into as many parts as there are moments, and one moment is drawn in each. */
function drawMoments({ starting, working }: Lengths, { output }: Work): Moment[] {
  const early = output ? Math.floor(MOMENTS / 4) : MOMENTS;
  const late = MOMENTS - early;
  const length = output ? starting : starting + working;
  return [
    ...Array.from({ length: early }, (_, k) => ({ after: 'the start' as const, ms: ((k + random()) / early) * length })),
    ...Array.from({ length: late }, (_, k) => ({ after: 'the first result' as const, ms: ((k + random()) / late) * working })),
  ];
}

/** What became of one run: for the report, after everything about it was checked. */
type Ending = 'before the program listened' | 'before it had begun' | 'at its work' | 'when it was done';

/** As "3 before it had begun, 17 at its work". */
function counted(endings: readonly Ending[]): string {
  const kinds = [...new Set(endings)];
  return kinds.map((kind) => `${endings.filter((ending) => ending === kind).length} ${kind}`).join(', ');
}

/** Leaves one run at that moment and checks how it ended. */
async function leaveAt(work: Work, way: string, { after, ms }: Moment, whole: number, out: string): Promise<Ending> {
  const { leave, code } = ways[way]!;
  const isSignal = way.startsWith('SIG');
  const command = start(...work.args(out, false));
  if (after === 'the first result') await command.line(FIRST_RESULT);
  await Promise.race([delay(ms), command.outcome]);
  const done = command.process.exitCode !== null;
  leave(command);
  const { code: ended, stdout, stderr } = await command.outcome;
  const told = `${way} ${ms.toFixed(0)} ms after ${after}, ended with ${ended ?? command.process.signalCode}:\n${stdout.slice(-300)}${stderr}`;
  expect(stderr, told).not.toMatch(/terminate|Napi|internal error/);
  const reported = stdout.split('\n').filter((line) => /#\d+:/.test(line)).length;
  const path = work.output && `${out}${work.output.ending}`;
  const written = path !== undefined && existsSync(path);
  try {
    const bySignal = command.process.signalCode !== null;
    if (bySignal) expect(command.process.signalCode, told).toBe(way);
    // Until the program has been read, a signal does what it does to any process.
    if (bySignal && stdout === '') {
      expect(written, told).toBe(false);
      return 'before the program listened';
    }
    // So it does once Node has begun to end: everything is written by then.
    if (bySignal && work.output) expect(stdout, told).toMatch(/\nwrote .*\n$/);
    if (!bySignal) expect(done || ended === 0 ? 0 : code, told).toBe(ended);
    if (!work.output) {
      // A benchmark that is cut short says nothing: half of a measurement is none.
      if (isSignal) expect(stdout === '', told).toBe(ended !== 0 && !bySignal);
      return (ended === 0 && isSignal) || bySignal ? 'when it was done' : 'at its work';
    }
    if (!written) {
      expect(reported, told).toBe(0);
      return 'before it had begun';
    }
    const frames = await work.output.count(path);
    const said = isSignal ? stdout : `${stdout}\n${stderr}`;
    // A reader that leaves at the very end may leave with this line still in the pipe.
    if (isSignal || frames < whole) expect(said, told).toMatch(/^(fastsamd: )?wrote /m);
    // A line that found the pipe closed was not reported; its frame is in the file all the same.
    if (isSignal) expect(frames, told).toBe(reported);
    else expect(frames, told).toBeGreaterThanOrEqual(reported);
    return (ended === 0 && isSignal) || bySignal ? 'when it was done' : 'at its work';
  } finally {
    if (path !== undefined) await rm(path, { recursive: true, force: true });
  }
}

describe.each(Object.entries(works))('%s', (name, work) => {
  let lengths: Lengths;
  beforeAll(async () => {
    lengths = await measure(work, name.replaceAll(' ', '-'));
  }, 400_000);

  it.each(Object.keys(ways))(
    'finishes what it writes on %s',
    async (way) => {
      const moments = drawMoments(lengths, work);
      const endings: Ending[] = [];
      let next = 0;
      await Promise.all(
        Array.from({ length: TOGETHER }, async () => {
          for (let k = next++; k < moments.length; k = next++) {
            endings.push(await leaveAt(work, way, moments[k]!, lengths.frames, at(`out-${name}-${way}-${k}`.replaceAll(' ', '-'))));
          }
        }),
      );
      expect(endings).toHaveLength(MOMENTS);
      if (MOMENTS > 1) process.stdout.write(`${name}, ${way}: ${counted(endings)}\n`);
    },
    20_000 + MOMENTS * 30_000,
  );
});

/** Until a command has begun to print results, and a moment more. */
async function begun(command: RunningCommand): Promise<void> {
  await command.line(FIRST_RESULT);
  await delay(random() * 500);
}

it(
  'a second SIGINT leaves at once, without an abort',
  async () => {
    for (let moment = 0; moment < MOMENTS; moment += 1) {
      const work = works['segment of a live source']!;
      const command = start(...work.args(at(`twice-${moment}`), false));
      await begun(command);
      command.process.kill('SIGINT');
      await delay(random() * 20);
      command.process.kill('SIGINT');
      const { code, stderr } = await command.outcome;
      // Once Node has begun to end, the signal ends it; a shell reports 130 for both.
      if (code === null) expect(command.process.signalCode).toBe('SIGINT');
      else expect(code).toBe(130);
      expect(stderr).not.toMatch(/terminate|Napi|internal error/);
    }
  },
  20_000 + MOMENTS * 10_000,
);

it('leaves at once while the model is still loading', async () => {
  const command = start('segment', 'test:conveyor', '--model', model);
  await delay(200 + random() * 500);
  command.process.kill('SIGINT');
  const { code, stderr } = await command.outcome;
  expect(stderr).toBe('');
  if (command.process.signalCode === null) expect(code).toBe(130);
  else expect(command.process.signalCode).toBe('SIGINT');
});
