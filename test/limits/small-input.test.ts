/** Small inputs that claim a lot: refused in one line, without the memory and without holding up the event loop. */
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { deflateRawSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeImage } from '../../src/addon/picture.js';
import { parsePayload } from '../../src/control/payload.js';
import { SEGMENTATION_DEFAULTS } from '../../src/domain/segmentation.js';
import { loadTextEncoder } from '../../src/engine/clip/onnx-encoder.js';
import { loadOnnxEngine } from '../../src/engine/onnxruntime/engine.js';
import { EngineScheduler } from '../../src/engine/scheduler.js';
import { JobRunner } from '../../src/jobs/runner.js';
import { ZipArchive } from '../../src/model/checkpoint/zip.js';
import { findTextModel } from '../../src/model/text-model.js';
import { writeClipModel } from '../helpers/clip-model.js';
import { EMPTY, fakeEngine } from '../helpers/fakes.js';
import { figure, mainThreadMs } from '../helpers/figure.js';
import { writeTestModel } from '../helpers/onnx-model.js';

const MAX_GROWTH_MIB = 150;
const MAX_STALL_MS = 250;

function memoryMiB(kind: 'VmHWM' | 'VmRSS'): number {
  return Number(new RegExp(`${kind}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024;
}

/** Runs `attack`, which ends with an error that matches; reports and bounds what it cost. */
async function costsLittle(what: string, error: { code: string; message: RegExp }, attack: () => unknown): Promise<void> {
  const before = memoryMiB('VmRSS');
  writeFileSync('/proc/self/clear_refs', '5');
  const loop = monitorEventLoopDelay({ resolution: 5 });
  loop.enable();
  const busy = mainThreadMs();
  // The monitor measures between its own timers: one has to be set before the attack and one to end after it.
  await delay(20);
  await expect((async () => attack())()).rejects.toMatchObject({ code: error.code, message: expect.stringMatching(error.message) });
  await delay(20);
  loop.disable();
  // On a busy machine the thread also waits for its turn: what it did itself bounds how long it kept the loop.
  const stall = Math.min(loop.max / 1e6, mainThreadMs() - busy);
  const growth = memoryMiB('VmHWM') - before;
  figure({ what: `${what}: memory`, value: growth, unit: 'MiB', most: MAX_GROWTH_MIB });
  figure({ what: `${what}: longest stall`, value: stall, unit: 'ms', most: MAX_STALL_MS });
  expect(growth).toBeLessThan(MAX_GROWTH_MIB);
}

/** A JPEG file that says it has `side` × `side` pixels. */
async function jpegOf(side: number): Promise<Buffer> {
  const bytes = await sharp({ create: { width: 16, height: 16, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer();
  const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]));
  bytes.writeUInt16BE(side, frame + 5);
  bytes.writeUInt16BE(side, frame + 7);
  return bytes;
}

/** A zip file with one deflated entry that says it has `bytes` bytes. */
function zipOf(bytes: number, packed: Buffer): Buffer {
  const local = Buffer.alloc(31);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(1, 26);
  local.write('x', 30);
  const central = Buffer.alloc(47);
  central.writeUInt32LE(0x02014b50, 0);
  central.writeUInt16LE(8, 10);
  central.writeUInt32LE(packed.length, 20);
  central.writeUInt32LE(bytes, 24);
  central.writeUInt16LE(1, 28);
  central.write('x', 46);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length + packed.length, 16);
  return Buffer.concat([local, packed, central, end]);
}

describe('a small input', { timeout: 180_000 }, () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fastsamd-limits-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('that is a picture of too many pixels', async () => {
    // 16,384 × 16,384 pixels of one bit: a few kilobytes.
    const { data } = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'black' } })
      .png()
      .toBuffer({ resolveWithObject: true });
    data.writeUInt32BE(16_384, 16);
    data.writeUInt32BE(16_384, 20);
    const { crc32 } = await import('node:zlib');
    data.writeUInt32BE(crc32(data.subarray(12, 29)), 29);
    await costsLittle('PNG of 16384×16384', { code: 'SOURCE_UNSUPPORTED', message: /pixel/ }, () => decodeImage(data, 'bomb.png'));
    const jpeg = await jpegOf(32_000);
    await costsLittle('JPEG of 32000×32000', { code: 'SOURCE_UNSUPPORTED', message: /pixel/ }, () => decodeImage(jpeg, 'bomb.jpg'));
  });

  it('that is an SVG under the name of a picture is not rendered, whatever asks for it', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9999" height="9999"><rect width="9999" height="9999"/></svg>');
    await costsLittle('SVG', { code: 'SOURCE_CORRUPT', message: /its content is something else/ }, () => decodeImage(svg, 'drawing.png'));
    // Only fastsamd's own drawings are SVG, and those are in memory: a file is never rendered, whatever its name.
    const directory = await mkdtemp(join(tmpdir(), 'fastsamd-svg-'));
    try {
      for (const name of ['drawing.png', 'drawing.svg']) {
        await writeFile(join(directory, name), svg);
        await expect(sharp(join(directory, name)).toBuffer()).rejects.toThrow();
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('that is a job of 700,000 keys, or of 4 million numbers', async () => {
    const keys = Buffer.from(`{${Array.from({ length: 700_000 }, (_, k) => `"key${k}":1`).join(',')}}`);
    await costsLittle('job of 700,000 keys', { code: 'REQUEST_INVALID', message: /at most 2000 keys/ }, () => parsePayload(keys, 2 ** 24));
    const numbers = Buffer.from(`{"prompts":[${'1,'.repeat(4_000_000)}1]}`);
    await costsLittle('job of 4,000,000 numbers', { code: 'REQUEST_INVALID', message: /at most 25000 values/ }, () =>
      parsePayload(numbers, 2 ** 24),
    );
    const most = 9_600_000;
    const filled = (head: string, unit: string, tail: string) => Buffer.from(head + unit.repeat((most - head.length) / unit.length) + tail);
    const beside = /at most 1048576 bytes beside the longest text/;
    const refused: readonly (readonly [what: string, payload: Buffer, message: RegExp])[] = [
      ['escaped quotes', filled('{"image":"', '\\"', '"}'), /at most 25000 escaped quotes/],
      ['empty texts', filled('', '""', ''), beside],
      ['blanks', filled('{"image":', ' ', '1}'), beside],
      ['digits', filled('', '1', ''), beside],
      ['closing brackets', filled('', '}', ''), beside],
      ['1,990 long keys', Buffer.from(`{${Array.from({ length: 1990 }, (_, k) => `"${'k'.repeat(4800)}${k}":1`).join(',')}}`), beside],
      ['backslashes without an end', filled('"', '\\', ''), /expected JSON/],
    ];
    for (const [what, payload, message] of refused) {
      await costsLittle(`job of 9.6 MB, ${what}`, { code: 'REQUEST_INVALID', message }, () => parsePayload(payload, 2 ** 24));
    }
    const picture = 'A'.repeat(most);
    expect(parsePayload(Buffer.from(JSON.stringify({ image: picture, id: 'x\\"y' })), 2 ** 24)).toEqual({ image: picture, id: 'x\\"y' });
    const backslashes = '\\'.repeat(1000);
    for (const text of [backslashes, `${backslashes}"`, `"${backslashes}`, '"\\"\\"']) {
      expect(parsePayload(Buffer.from(JSON.stringify({ text, more: [] })), 2 ** 24)).toEqual({ text, more: [] });
    }
  });

  it('that is a job whose picture is not base64, or no picture', async () => {
    const engine = fakeEngine(async () => EMPTY);
    const jobs = new JobRunner({
      segmentation: () => SEGMENTATION_DEFAULTS,
      identity: { node: 'n', bootId: '00000000-0000-4000-8000-000000000000', maxPayloadBytes: 100_000 },
    });
    jobs.open(engine, new EngineScheduler(engine).gate());
    const run = (image: string) => jobs.run({ image, prompts: [], maskEncoding: 'rle', objects: 'matched' }, 'queue');
    await expect(run('not base64!')).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
      message: expect.stringContaining('expected base64'),
    });
    await expect(run(Buffer.from('<svg/>').toString('base64'))).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
    for (const piece of ['A\n', '= ']) {
      const image = piece.repeat(4_800_000);
      await costsLittle(`picture of 9.6 MB of ${JSON.stringify(piece)}`, { code: 'REQUEST_INVALID', message: /base64/ }, () => run(image));
    }
    const bomb = (await jpegOf(32_000)).toString('base64');
    await costsLittle('job with a JPEG of 32000×32000', { code: 'REQUEST_INVALID', message: /32000×32000/ }, () => run(bomb));
    // Line breaks as encoders for mail write them.
    const small = await sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    for (const lines of [/.{76}/g, /.{64}/g]) await run(small.toString('base64').replace(lines, '$&\r\n'));
  });

  it('that is a model with an input of 8192×8192', async () => {
    const path = await writeTestModel(join(folder, 'large.onnx'), { dynamic: true, metadata: { imgsz: '[8192, 8192]' } });
    await costsLittle('ONNX input of 8192×8192', { code: 'MODEL_UNSUPPORTED', message: /8192×8192; at most/ }, () => loadOnnxEngine(path));
  });

  it('that is a checkpoint with an entry of 1 GB', async () => {
    const zip = zipOf(2 ** 30, deflateRawSync(Buffer.alloc(2 ** 21)));
    await costsLittle('zip entry of 1 GB', { code: 'MODEL_CORRUPT', message: /1073741824 bytes, at most/ }, () =>
      new ZipArchive(zip, 'bomb.pt').read('x'),
    );
  });

  it('that is a text on which the pattern of a tokenizer takes for ever', async () => {
    const directory = await writeClipModel(join(folder, 'clip'));
    const path = join(directory, 'tokenizer.json');
    const tokenizer = JSON.parse(await readFile(path, 'utf8'));
    tokenizer.pre_tokenizer = { type: 'Split', pattern: { Regex: '(a+)+$' }, behavior: 'Isolated', invert: false };
    await writeFile(path, JSON.stringify(tokenizer));
    const encoder = await loadTextEncoder(await findTextModel(directory), { contextLength: 12, padId: 0, timeoutMs: 500 });
    await costsLittle(
      'catastrophic pattern',
      { code: 'ENGINE_FAILED', message: /text encoder: no answer within 500 ms; the thread was terminated/ },
      () => encoder.encode([`${'a'.repeat(60)}b`]),
    );
    await encoder.stop();
  });
});
