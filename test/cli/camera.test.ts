import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cameraLines } from '../../src/cli/camera.js';
import { measure } from '../../src/cli/probe-measure.js';
import { fastsamd } from '../helpers/command.js';
import { fastsamdHere } from '../helpers/command-here.js';
import { freePort } from '../helpers/mosquitto.js';
import { hasRtspServer, RtspServer } from '../helpers/rtsp-server.js';
import { sharedFile } from '../helpers/shared-clip.js';

const LIMIT = 60_000;
const CLIP = sharedFile('videos/bedroom.mp4');
const VIDEO_CLASS = '/sys/class/video4linux';
const hasDevices = existsSync(VIDEO_CLASS) && readdirSync(VIDEO_CLASS).length > 0;

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'camera-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function probed(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await fastsamdHere('camera', 'probe', ...args, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

describe('measure', () => {
  it('knows rate, jitter, gaps and ages', () => {
    const arrivals = [0, 40, 60, 100].map((arrivedMs, k) => ({ arrivedMs, capturedMs: arrivedMs - 10 * (k + 1) }));
    expect(measure(arrivals)).toEqual({
      seconds: 0.1,
      fps: 30,
      jitterMs: 9.43,
      longestGapMs: 40,
      latencyMs: { p50: 20, p95: 40, max: 40 },
    });
  });

  it('claims nothing about the rate of a single frame', () => {
    expect(measure([{ capturedMs: 5, arrivedMs: 8 }])).toEqual({
      seconds: 0,
      fps: null,
      jitterMs: null,
      longestGapMs: null,
      latencyMs: { p50: 3, p95: 3, max: 3 },
    });
  });
});

describe('fastsamd camera list', () => {
  it.skipIf(hasDevices)(
    'says that there is no camera (needs a machine without one)',
    async () => {
      const { code, stdout, stderr } = await fastsamd('camera', 'list');
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^no V4L2 camera found .*\n$/);
      expect(await fastsamdHere('camera', 'list', '--json')).toEqual({ code: 0, stdout: '[]\n', stderr: '' });
    },
    LIMIT,
  );

  it('shows the names to use as a source, and the sizes by format', () => {
    const names = { path: '/dev/video0', stable: ['by-id/usb-Cam', 'serial/A1'] };
    const modes = [
      { format: 'YUYV', width: 640, height: 480, fps: 30 },
      { format: 'MJPG', width: 1920, height: 1080, fps: 29.97 },
      { format: 'YUYV', width: 1280, height: 720, fps: 0 },
    ];
    expect(cameraLines({ ...names, name: 'Cam', driver: 'uvcvideo', bus: 'usb-1', modes })).toEqual([
      'v4l2:/dev/video0  Cam (uvcvideo, usb-1)',
      '  v4l2:by-id/usb-Cam',
      '  v4l2:serial/A1',
      '  YUYV  640×480 at 30, 1280×720',
      '  MJPG  1920×1080 at 29.97',
    ]);
    expect(cameraLines({ ...names, stable: [], problem: '/dev/video0: permission denied' })).toEqual([
      'v4l2:/dev/video0',
      '  /dev/video0: permission denied',
    ]);
  });
});

describe('fastsamd camera probe', () => {
  it(
    'measures a live scene and saves what it sees',
    async () => {
      const snapshot = join(folder, 'new', 'view.jpg');
      const facts = await probed('test:shapes?width=320&height=240&fps=50', '--frames', '10', '--snapshot', snapshot);
      expect(facts).toMatchObject({ live: true, width: 320, height: 240, format: 'rgb', frames: 10 });
      for (const name of ['fps', 'jitterMs', 'longestGapMs', 'firstFrameMs']) expect(facts[name]).toBeGreaterThan(0);
      expect(facts.latencyMs).toMatchObject({ p50: expect.any(Number), p95: expect.any(Number), max: expect.any(Number) });
      expect(await sharp(snapshot).metadata()).toMatchObject({ format: 'jpeg', width: 320, height: 240 });
    },
    LIMIT,
  );

  it(
    'says it in words',
    async () => {
      const { code, stdout } = await fastsamdHere('camera', 'probe', 'test:conveyor?width=320&height=240', '--seconds', '0.3');
      expect(code).toBe(0);
      expect(stdout).toMatch(/^source {5}test:conveyor/m);
      expect(stdout).toMatch(/^rate {7}[\d.]+ frames\/s$/m);
      expect(stdout).toMatch(/^latency {4}[\d.]+ ms; /m);
    },
    LIMIT,
  );

  it(
    'reads what is not live to its end, and claims no latency for it',
    async () => {
      const facts = await probed('test:conveyor?width=320&height=240&frames=7&realtime=false');
      expect(facts).toMatchObject({ live: false, frames: 7, dropped: {}, jitterMs: null, longestGapMs: null, latencyMs: null });
    },
    LIMIT,
  );

  it.skipIf(!existsSync(CLIP))(
    'probes a video (needs ../shared)',
    async () => {
      const facts = await probed(CLIP, '--frames', '5');
      expect(facts).toMatchObject({ live: false, frames: 5 });
      expect(facts.width).toBeGreaterThan(0);
    },
    LIMIT,
  );

  it.skipIf(!hasRtspServer)(
    'probes an RTSP camera and keeps its password to itself (needs gir1.2-gst-rtsp-server-1.0)',
    async () => {
      await using server = await RtspServer.start({ login: ['viewer', 'hidden'] });
      const facts = await probed(server.url.replace('//', '//viewer:hidden@'), '--frames', '5');
      expect(facts).toMatchObject({ live: true, width: 320, height: 240, frames: 5 });
      expect(JSON.stringify(facts)).not.toContain('hidden');
      // As the configuration has it: apart from the address.
      const password = join(folder, 'password');
      await writeFile(password, 'hidden\n');
      const login = ['--username', 'viewer', '--password-file', password, '--transport', 'udp', '--latency-ms', '50'];
      expect(await probed(server.url, '--frames', '5', ...login)).toMatchObject({ live: true, frames: 5, cpu: expect.any(Number) });
    },
    LIMIT,
  );

  it(
    'ends with 3 and one line when the source can not be reached',
    async () => {
      const port = await freePort();
      const broken = join(folder, 'broken.jpg');
      await writeFile(broken, 'no picture');
      for (const uri of [`rtsp://127.0.0.1:${port}/cam`, 'v4l2:by-id/none', join(folder, 'none.mp4'), broken, 'nonsense:0']) {
        const { code, stdout, stderr } = await fastsamdHere('camera', 'probe', uri);
        expect({ uri, code, stdout }).toEqual({ uri, code: 3, stdout: '' });
        expect(stderr).toMatch(/^fastsamd: .+\n$/);
      }
    },
    LIMIT,
  );

  it(
    'says which option is wrong before anything is opened',
    async () => {
      for (const [option, value] of [
        ['--frames', '0'],
        ['--seconds', '0'],
        ['--snapshot', 'view.bmp'],
        ['--transport', 'pigeon'],
      ] as const) {
        const { code, stderr } = await fastsamdHere('camera', 'probe', 'v4l2:/dev/none', option, value);
        expect(code).toBe(2);
        expect(stderr).toContain(option);
      }
    },
    LIMIT,
  );

  it(
    'names a snapshot that can not be written',
    async () => {
      await writeFile(join(folder, 'file'), '');
      const { code, stderr } = await fastsamdHere(
        ...['camera', 'probe', 'test:shapes?width=64&height=48', '--frames', '1', '--snapshot', join(folder, 'file', 'view.jpg')],
      );
      expect(code).toBe(3);
      expect(stderr).toContain('view.jpg: cannot be written');
    },
    LIMIT,
  );
});
