import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import type { VideoWriter } from '../../src/addon/capture.js';

const TIMEOUT = 10_000;

function installed(element: string): boolean {
  try {
    execFileSync('gst-inspect-1.0', ['--exists', element], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const encoder = ['x264enc', 'openh264enc'].find(installed);
const misuse = expect.objectContaining({ code: 'MISUSE' });
const unwritable = expect.objectContaining({ code: 'OUTPUT_UNWRITABLE' });
const unsupported = expect.objectContaining({ code: 'SOURCE_UNSUPPORTED', message: expect.stringContaining('absentelement') });

describe.skipIf(!native().features.gstreamer || encoder === undefined)('video writer (needs GStreamer with x264enc or openh264enc)', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fastsamd-writer-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const toFile = (path: string) => `appsrc name=src ! videoconvert ! ${encoder} ! h264parse ! mp4mux ! filesink location=${path}`;
  const open = (pipeline: string, width = 162, height = 90): VideoWriter => native().openVideoWriter!({ pipeline, width, height, fps: 10 });

  it('writes a file that reads back frame by frame, with the colours and times it was given', async () => {
    const path = join(folder, 'clip.mp4');
    // 162 × 3 bytes is no multiple of 4: rows have to be padded.
    const writer = open(toFile(path));
    await writer.start();
    const green = new Uint8Array(162 * 90 * 3).map((_, byte) => (byte % 3 === 1 ? 200 : 20));
    for (let index = 0; index < 20; index += 1) await writer.write(green, index * 100);
    await writer.finish(TIMEOUT);

    const capture = native().openCapture!({
      pipeline: `filesrc location=${path} ! decodebin ! videoconvert ! appsink name=sink sync=false`,
      live: false,
      startTimeoutMs: TIMEOUT,
    });
    await capture.start();
    const times: bigint[] = [];
    for (let captured = await capture.read(TIMEOUT); captured; captured = await capture.read(TIMEOUT)) {
      times.push(captured.ptsNs);
      const rgb = await native().toRgb(captured.frame);
      expect(rgb).toHaveLength(green.length);
      const worst = rgb.reduce((most, value, byte) => Math.max(most, Math.abs(value - green[byte]!)), 0);
      expect(worst).toBeLessThanOrEqual(12);
      captured.frame.release();
    }
    expect(times.map((time) => time - times[0]!)).toEqual(Array.from({ length: 20 }, (_, index) => BigInt(index) * 100_000_000n));
    await capture.stop(TIMEOUT);
  });

  it('says why a file cannot be written', async () => {
    const writer = open(toFile(join(folder, 'absent', 'clip.mp4')));
    await expect(writer.start()).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE', message: expect.stringContaining('absent') });
  });

  it('reports a pipeline that fails while it is written to', async () => {
    const writer = open('appsrc name=src ! identity error-after=2 ! fakesink');
    await writer.start();
    const rgb = new Uint8Array(162 * 90 * 3);
    const writing = async () => {
      for (let index = 0; ; index += 1) await writer.write(rgb, index * 100);
    };
    await expect(writing()).rejects.toEqual(unwritable);
    await expect(writer.finish(TIMEOUT)).rejects.toEqual(unwritable);
  });

  it('does not wait for ever for an end that does not come', async () => {
    const writer = open('appsrc name=src ! fakesink sync=true');
    await writer.start();
    const rgb = new Uint8Array(162 * 90 * 3);
    for (let index = 0; index < 20; index += 1) await writer.write(rgb, index * 100).catch(() => {});
    await expect(writer.finish(1)).rejects.toEqual(unwritable);
  });

  it.each([
    ['an element that is not installed', 'appsrc name=src ! absentelement ! fakesink', unsupported],
    ['no appsrc', 'videotestsrc ! fakesink', misuse],
  ])('refuses %s', async (_what, pipeline, error) => {
    await expect(open(pipeline).start()).rejects.toEqual(error);
  });

  it('refuses calls out of order and frames of another size', async () => {
    const writer = open('appsrc name=src ! fakesink');
    const rgb = new Uint8Array(162 * 90 * 3);
    await expect(writer.write(rgb, 0)).rejects.toEqual(misuse);
    await expect(writer.finish(1)).rejects.toEqual(misuse);
    await writer.start();
    await expect(writer.start()).rejects.toEqual(misuse);
    await expect(writer.write(rgb.subarray(1), 0)).rejects.toEqual(misuse);
    const writing = writer.write(rgb, 0);
    await expect(writer.write(rgb, 0)).rejects.toEqual(misuse);
    await writing;
    await writer.finish(TIMEOUT);
    await expect(writer.write(rgb, 0)).rejects.toEqual(misuse);
    await expect(writer.finish(1)).rejects.toEqual(misuse);
  });

  it.each([undefined, {}, { pipeline: 'x', width: 0, height: 1, fps: 1 }, { pipeline: 'x', width: 1, height: 1, fps: Number.NaN }])(
    'refuses %j as options',
    (options) => {
      expect(() => native().openVideoWriter!(options as never)).toThrow(misuse);
    },
  );
});
