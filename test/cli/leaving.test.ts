/**
 * Commands that end before their work is done: never an abort, and every file complete. LEAVING_MOMENTS sets how many
 * random moments are tried for each way to leave and each command; LEAVING_SEED makes them repeatable.
 */
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
/** Longest that a command is left alone after it has begun to work. */
const LATEST_MS = 1000;
const PICTURES = 100;

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
    'test:shapes?width=320&height=192&frames=300&realtime=false',
    '--model',
    model,
    '--out',
    at('clip.mp4'),
  );
  expect(made.code).toBe(0);
}, 120_000);
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
  readonly args: (out: string) => string[];
  /** The first line that it prints, or for a command that is silent while it works, how long it takes to begin. */
  readonly begins: RegExp | number;
  readonly check?: (out: string, reported: number, exactly: boolean) => Promise<void>;
}

async function checkVideo(out: string, reported: number, exactly: boolean): Promise<void> {
  const frames = await framesOf(out);
  // A line that found the pipe closed was not reported, its frame is in the file all the same.
  if (exactly) expect(frames).toBe(reported);
  else expect(frames).toBeGreaterThanOrEqual(reported);
}

async function checkPictures(out: string, reported: number, exactly: boolean): Promise<void> {
  const names = await readdir(out);
  if (exactly) expect(names).toHaveLength(reported);
  else expect(names.length).toBeGreaterThanOrEqual(reported);
  for (const name of names) await sharp(await readFile(join(out, name)), { failOn: 'warning' }).stats();
}

const works: Readonly<Record<string, Work>> = {
  'segment of a clip': {
    args: (out) => ['segment', at('clip.mp4'), '--model', model, '--out', `${out}.mp4`],
    begins: /#0:/,
    check: (out, ...rest) => checkVideo(`${out}.mp4`, ...rest),
  },
  'segment of a folder': {
    args: (out) => ['segment', at('photos'), '--model', model, '--out', out],
    begins: /#0:/,
    check: checkPictures,
  },
  'segment of a live source': {
    args: (out) => ['segment', 'test:conveyor?width=320&height=192', '--model', model, '--out', `${out}.mkv`],
    begins: /#0:/,
    check: (out, ...rest) => checkVideo(`${out}.mkv`, ...rest),
  },
  bench: {
    args: () => ['bench', at('clip.mp4'), '--model', model, '--frames', '2000'],
    begins: 1000,
  },
};

const ways: Readonly<Record<string, { readonly leave: (command: RunningCommand) => void; readonly code: number }>> = {
  SIGINT: { leave: ({ process: child }) => child.kill('SIGINT'), code: 130 },
  SIGTERM: { leave: ({ process: child }) => child.kill('SIGTERM'), code: 143 },
  'a closed pipe': { leave: ({ process: child }) => child.stdout!.destroy(), code: 0 },
};

async function begun(command: RunningCommand, { begins }: Work): Promise<void> {
  if (typeof begins === 'number') await delay(begins);
  else await command.line(begins);
  await delay(random() * LATEST_MS);
}

describe.each(Object.entries(works))('%s', (name, work) => {
  // A benchmark prints once, at its end: a pipe that is closed before shows nothing of how it leaves.
  const theseWays = Object.entries(ways).filter(([way]) => work.check !== undefined || way.startsWith('SIG'));
  it.each(theseWays)(
    'finishes what it writes on %s',
    async (way, { leave, code }) => {
      for (let moment = 0; moment < MOMENTS; moment += 1) {
        const out = at(`out-${name}-${way}-${moment}`.replaceAll(' ', '-'));
        const command = start(...work.args(out));
        await begun(command, work);
        leave(command);
        const { code: ended, stdout, stderr } = await command.outcome;
        expect(stderr).not.toMatch(/terminate|Napi|internal error/);
        const reported = stdout.split('\n').filter((line) => /#\d+:/.test(line)).length;
        const last = work.check && way.startsWith('SIG') && /^wrote /m.test(stdout);
        // A command that was done before it was asked has succeeded.
        if (command.process.signalCode === null) expect([code, 0]).toContain(ended);
        // Before the command has begun at all, the signal does what it does by default.
        else expect(command.process.signalCode).toBe(way);
        if (work.check) {
          if (way.startsWith('SIG')) expect(last).toBe(true);
          else expect(stderr).toMatch(/^fastsamd: wrote /m);
          await work.check(out, reported, way.startsWith('SIG'));
        }
        await rm(out, { recursive: true, force: true });
      }
    },
    20_000 + MOMENTS * 15_000,
  );
});

it('a second SIGINT leaves at once, without an abort', async () => {
  for (let moment = 0; moment < MOMENTS; moment += 1) {
    const work = works['segment of a live source']!;
    const command = start(...work.args(at(`twice-${moment}`)));
    await begun(command, work);
    command.process.kill('SIGINT');
    await delay(random() * 20);
    command.process.kill('SIGINT');
    const { code, stderr } = await command.outcome;
    expect(code).toBe(130);
    expect(stderr).not.toMatch(/terminate|Napi|internal error/);
  }
}, 120_000);

it('leaves at once while the model is still loading', async () => {
  const command = start('segment', 'test:conveyor', '--model', model);
  await delay(200 + random() * 500);
  command.process.kill('SIGINT');
  const { code, stderr } = await command.outcome;
  expect(stderr).toBe('');
  if (command.process.signalCode === null) expect(code).toBe(130);
  else expect(command.process.signalCode).toBe('SIGINT');
});
