import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { native } from '../../src/addon/addon.js';
import type { Capture, CapturedFrame } from '../../src/addon/capture.js';

const CLIP = new URL('../../../shared/videos/bedroom.mp4', import.meta.url).pathname;
const SMALL = 'video/x-raw,format=I420,width=320,height=240,framerate=30/1';
const TIMEOUT = 10_000;

function open(pipeline: string, live = false): Capture {
  return native().openCapture!({ pipeline, live, startTimeoutMs: TIMEOUT });
}

async function started(pipeline: string, live = false): Promise<Capture> {
  const capture = open(pipeline, live);
  await capture.start();
  return capture;
}

/** Reads to the end of the stream, hands every frame over and releases it. */
async function drain(capture: Capture, see: (captured: CapturedFrame) => void = () => {}): Promise<number> {
  for (let count = 0; ; count += 1) {
    const captured = await capture.read(TIMEOUT);
    if (captured === null) return count;
    see(captured);
    captured.frame.release();
  }
}

const count = (folder: string) => readdirSync(folder).length;
const misuse = expect.objectContaining({ code: 'MISUSE' });

describe.skipIf(!native().features.gstreamer)('capture (needs GStreamer)', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fastsamd-capture-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('hands out every frame of a source that is not live, in order, then null', async () => {
    const capture = await started(`videotestsrc num-buffers=50 ! ${SMALL} ! appsink name=sink sync=false`);
    const times: bigint[] = [];
    const frames = await drain(capture, ({ frame, ptsNs }) => {
      expect([frame.width, frame.height, frame.format]).toEqual([320, 240, 'i420']);
      times.push(ptsNs);
    });
    expect(frames).toBe(50);
    expect(times).toEqual(times.map((_, index) => (BigInt(index) * 1_000_000_000n) / 30n));
    expect(capture.stats()).toEqual({ received: 50, overwritten: 0, corrupt: 0, discarded: 0, released: false });
    expect(await capture.read(TIMEOUT)).toBeNull();
    expect(await capture.stop(TIMEOUT)).toBe(true);
    expect(capture.stats().released).toBe(true);
  });

  it('keeps the newest frame of a live source and counts the ones it replaced', async () => {
    const capture = await started(`videotestsrc is-live=true num-buffers=20 ! ${SMALL} ! appsink name=sink sync=false`, true);
    const first = await capture.read(TIMEOUT);
    first!.frame.release();
    await vi.waitFor(() => expect(capture.stats().received).toBe(20), { timeout: TIMEOUT });
    let last = first!.ptsNs;
    const read = 1 + (await drain(capture, ({ ptsNs }) => (last = ptsNs)));
    expect(last).toBeGreaterThanOrEqual((19n * 1_000_000_000n) / 30n);
    const { received, overwritten, corrupt } = capture.stats();
    expect({ received, corrupt, accounted: read + overwritten }).toEqual({ received: 20, corrupt: 0, accounted: 20 });
    expect(overwritten).toBeGreaterThanOrEqual(18);
    await capture.stop(TIMEOUT);
  });

  it('times live frames by the clock of the source, on the clock of process.hrtime', async () => {
    const before = process.hrtime.bigint();
    const capture = await started(`videotestsrc is-live=true num-buffers=4 ! ${SMALL} ! appsink name=sink sync=false`, true);
    const times: bigint[] = [];
    await drain(capture, ({ monotonicNs }) => times.push(monotonicNs));
    expect(times[0]!).toBeGreaterThan(before);
    expect(times.at(-1)!).toBeLessThanOrEqual(process.hrtime.bigint());
    expect(times).toEqual([...times].sort((a, b) => Number(a - b)));
    await capture.stop(TIMEOUT);
  });

  it.each([
    ['RGB', 'rgb'],
    ['BGR', 'bgr'],
    ['RGBA', 'rgba'],
    ['NV12', 'nv12'],
    ['I420', 'i420'],
  ])('maps %s with its strides: the picture is blue', async (caps, format) => {
    // An odd width makes GStreamer pad its rows.
    const capture = await started(
      `videotestsrc num-buffers=1 pattern=blue ! video/x-raw,format=${caps},width=101,height=51 ! appsink name=sink`,
    );
    const { frame } = (await capture.read(TIMEOUT))!;
    expect(frame.format).toBe(format);
    const rgb = await native().toRgb(frame);
    expect(rgb).toHaveLength(101 * 51 * 3);
    for (const [byte, value] of rgb.entries()) expect(Math.abs(value - (byte % 3 === 2 ? 255 : 0))).toBeLessThanOrEqual(3);
    await capture.stop(TIMEOUT);
  });

  it('keeps a frame readable after the capture has stopped', async () => {
    const capture = await started(`videotestsrc num-buffers=3 pattern=white ! ${SMALL} ! appsink name=sink`);
    const { frame } = (await capture.read(TIMEOUT))!;
    await capture.stop(TIMEOUT);
    expect(new Set(await native().toRgb(frame))).toEqual(new Set([255]));
  });

  const broken: [string, () => string, string, RegExp][] = [
    ['a missing file', () => join(folder, 'absent.mp4'), 'SOURCE_NOT_FOUND', /absent\.mp4/],
    ['a file of no bytes', () => file('empty.mp4', ''), 'SOURCE_CORRUPT', /expected a video/],
    ['text', () => file('text.mp4', 'This is not a film.\n'.repeat(50)), 'SOURCE_CORRUPT', /expected a video/],
    ['random bytes', () => file('noise.mp4', Buffer.alloc(50_000, 'fastsamd-noise-')), 'SOURCE_CORRUPT', /expected a video/],
  ];
  const file = (name: string, content: string | Buffer) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  it.each(broken)('tells %s apart', async (_what, make, code, message) => {
    const capture = open(`filesrc location=${make()} ! decodebin ! videoconvert ! appsink name=sink`);
    const error = await capture
      .start()
      .then(() => capture.read(TIMEOUT))
      .catch((reason) => reason);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(error.message).not.toContain('\n');
    expect(await capture.stop(TIMEOUT)).toBe(true);
  });

  it.each([
    ['an element that is not installed', 'absentelement ! appsink name=sink', 'SOURCE_UNSUPPORTED', /absentelement/],
    ['no such camera', 'v4l2src device=/dev/video255 ! appsink name=sink', 'SOURCE_NOT_FOUND', /\/dev\/video255/],
    ['a property that no element has', 'videotestsrc nosuch=1 ! appsink name=sink', 'SOURCE_UNSUPPORTED', /no property "nosuch"/],
    ['compressed pictures', 'videotestsrc ! jpegenc ! appsink name=sink caps=image/jpeg', 'SOURCE_UNSUPPORTED', /raw video/],
    ['sound', 'audiotestsrc ! wavenc ! decodebin ! videoconvert ! appsink name=sink', 'SOURCE_CORRUPT', /video/],
    ['a stream without a frame', 'videotestsrc num-buffers=0 ! appsink name=sink', 'SOURCE_CORRUPT', /without a frame/],
    ['no appsink', 'videotestsrc ! fakesink name=sink', 'MISUSE', /appsink/],
    ['no pipeline', 'appsink name=sink', 'MISUSE', /pipeline/],
    ['nonsense', '! ! !', 'SOURCE_UNSUPPORTED', /pipeline/],
  ])('explains %s in one line', async (_what, pipeline, code, message) => {
    const capture = open(pipeline);
    const error = await capture
      .start()
      .then(() => capture.read(TIMEOUT))
      .catch((reason) => reason);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(error.message).not.toContain('\n');
    expect(await capture.stop(TIMEOUT)).toBe(true);
  });

  it('hands out the frames that came before an error', async () => {
    const capture = await started(`videotestsrc ! ${SMALL} ! identity error-after=6 ! appsink name=sink sync=false`);
    let frames = 0;
    const error = await drain(capture, () => (frames += 1)).catch((reason) => reason);
    expect(error).toMatchObject({ code: expect.stringMatching(/^SOURCE_/) });
    expect(frames).toBe(5);
    await capture.stop(TIMEOUT);
  });

  it('settles a pending read with null when it is stopped, and every read after', async () => {
    const capture = await started(`videotestsrc is-live=true ! video/x-raw,framerate=1/60 ! appsink name=sink`, true);
    const pending = capture.read(TIMEOUT);
    const stopped = capture.stop(TIMEOUT);
    expect(await pending).toBeNull();
    expect(await stopped).toBe(true);
    expect(await capture.read(TIMEOUT)).toBeNull();
    expect(await capture.stop(TIMEOUT)).toBe(true);
  });

  it('can be read again after a read timed out', async () => {
    const fifo = join(folder, 'pictures');
    execFileSync('mkfifo', [fifo]);
    const out = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    const into = openSync(fifo, constants.O_WRONLY);
    const picture = new Uint8Array(16 * 16 * 3);
    writeSync(into, picture);
    const parser = 'rawvideoparse width=16 height=16 format=rgb';
    const capture = await started(`fdsrc fd=${out} blocksize=${picture.length} ! ${parser} ! appsink name=sink sync=false`);
    (await capture.read(TIMEOUT))?.frame.release();
    await expect(capture.read(0)).rejects.toMatchObject({ code: 'SOURCE_TIMEOUT' });
    writeSync(into, picture);
    (await capture.read(TIMEOUT))?.frame.release();
    closeSync(into);
    expect(await capture.read(TIMEOUT)).toBeNull();
    await capture.stop(TIMEOUT);
    closeSync(out);
  });

  it('refuses calls out of order', async () => {
    const pipeline = `videotestsrc is-live=true ! video/x-raw,framerate=1/60 ! appsink name=sink`;
    const capture = open(pipeline, true);
    await expect(capture.read(1)).rejects.toEqual(misuse);
    const starting = capture.start();
    await expect(capture.start()).rejects.toEqual(misuse);
    await expect(capture.read(1)).rejects.toEqual(misuse);
    await starting;
    const reading = capture.read(TIMEOUT);
    await expect(capture.read(TIMEOUT)).rejects.toEqual(misuse);
    await capture.stop(TIMEOUT);
    expect(await reading).toBeNull();
    await expect(capture.start()).rejects.toEqual(misuse);

    const idle = open(pipeline, true);
    expect(await idle.stop(0)).toBe(true);
    await expect(idle.start()).rejects.toEqual(misuse);
  });

  it.each([
    undefined,
    {},
    { pipeline: 5 },
    { pipeline: 'x', live: 1, startTimeoutMs: 1 },
    { pipeline: 'x', live: true, startTimeoutMs: -1 },
  ])('refuses %j as options', (options) => {
    expect(() => native().openCapture!(options as never)).toThrow(misuse);
  });

  it('gives up on a pipeline that hangs, and survives when it comes back', async () => {
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const pipeline = `filesrc location=${fifo} ! decodebin ! videoconvert ! appsink name=sink`;
    const threads = count('/proc/self/task');
    const capture = native().openCapture!({ pipeline, live: false, startTimeoutMs: 100 });
    await expect(capture.start()).rejects.toMatchObject({ code: 'SOURCE_TIMEOUT' });
    expect(await capture.stop(100)).toBe(false);
    // Opening the other end lets the abandoned thread go on: it finds that it was told to stop.
    closeSync(openSync(fifo, constants.O_WRONLY));
    await vi.waitFor(() => expect(count('/proc/self/task')).toBeLessThanOrEqual(threads), { timeout: TIMEOUT });
  });

  it('hangs up on a camera when it is stopped, before anything collects it', async () => {
    const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const capture = open(`rtspsrc location=rtsp://127.0.0.1:${port}/ protocols=tcp ! decodebin ! appsink name=sink`, true);
    const started = capture.start().catch((error) => error);
    const [socket] = (await once(server, 'connection')) as [Socket];
    const hungUp = once(socket, 'close');
    expect(await capture.stop(TIMEOUT)).toBe(true);
    await hungUp;
    server.close();
    await started;
    expect(capture.stats()).toMatchObject({ released: true });
  });

  it('leaves no thread and no descriptor behind', async () => {
    const cycle = async (live: boolean) => {
      const capture = await started(`videotestsrc is-live=${live} ! ${SMALL} ! appsink name=sink sync=false`, live);
      (await capture.read(TIMEOUT))?.frame.release();
      expect(await capture.stop(TIMEOUT)).toBe(true);
    };
    await cycle(true);
    await vi.waitFor(() => expect(count('/proc/self/task')).toBeLessThan(40), { timeout: TIMEOUT });
    const before = { threads: count('/proc/self/task'), descriptors: count('/proc/self/fd') };
    for (let round = 0; round < 30; round += 1) await cycle(round % 2 === 0);
    await vi.waitFor(
      () => {
        expect(count('/proc/self/task')).toBeLessThanOrEqual(before.threads);
        expect(count('/proc/self/fd')).toBeLessThanOrEqual(before.descriptors);
      },
      { timeout: TIMEOUT },
    );
  });

  it.skipIf(!existsSync(CLIP))('decodes all 200 frames of an H.264 clip (needs ../shared/videos)', async () => {
    const capture = await started(`filesrc location=${CLIP} ! decodebin ! videoconvert ! appsink name=sink sync=false`);
    let last = -1n;
    const frames = await drain(capture, ({ frame, ptsNs }) => {
      expect([frame.width, frame.height]).toEqual([960, 540]);
      expect(ptsNs).toBeGreaterThan(last);
      last = ptsNs;
    });
    expect(frames).toBe(200);
    await capture.stop(TIMEOUT);
  });
});
