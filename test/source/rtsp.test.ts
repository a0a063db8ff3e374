/** RTSP cameras against a real server that is killed, frozen, changed and spoiled. `make cameras` runs the long version. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { WatchedCamera } from '../helpers/camera.js';
import { selfSigned } from '../helpers/certificate.js';
import { insecureCamera } from '../helpers/insecure-camera.js';
import { FaultyProxy } from '../helpers/proxy.js';
import { reconnectMany } from '../helpers/reconnects.js';
import { report } from '../helpers/report.js';
import { hasRtspServer, RtspServer } from '../helpers/rtsp-server.js';

const RESTARTS = Number(process.env.CAMERA_RESTARTS ?? 2);
const RECONNECTS = Number(process.env.CAMERA_RECONNECTS ?? 6);
const HANG_MS = 120_000;

describe.skipIf(!hasRtspServer)(
  'an RTSP camera (needs gir1.2-gst-rtsp-server-1.0)',
  { timeout: HANG_MS + (RESTARTS + RECONNECTS) * 15_000 },
  () => {
    it('is streaming again after its server was killed and restarted', async () => {
      await using server = await RtspServer.start();
      await using watched = new WatchedCamera(server.url);
      await watched.more(3);
      const times: number[] = [];
      for (let round = 1; round <= RESTARTS; round += 1) {
        await server.kill();
        await watched.until(() => watched.phase !== 'streaming');
        await server.start();
        const back = performance.now();
        await watched.more();
        times.push(watched.lastFrameAt - back);
        expect(watched.camera.status.reconnects).toBe(round);
      }
      expect(watched.phases).toContain('lost');
      report('RTSP server restarted, until the first frame', times);
    });

    it('is streaming again after its server was frozen and thawed', async () => {
      await using server = await RtspServer.start();
      await using watched = new WatchedCamera(server.url, { options: { stallTimeoutMs: 500 } });
      await watched.more(3);
      server.freeze();
      await watched.untilPhase('lost');
      expect(watched.camera.status.reason).toMatch(/no frame within 500 ms/);
      // Well into an attempt that hangs.
      await watched.untilPhase('connecting');
      server.thaw();
      const back = performance.now();
      await watched.more();
      report('RTSP server thawed, until the first frame', [watched.lastFrameAt - back]);
      expect(watched.phase).toBe('streaming');
    });

    it('is opened at once when its server is back, however long the backoff has become', async () => {
      await using server = await RtspServer.start();
      await server.kill();
      const random = vi.spyOn(Math, 'random').mockReturnValue(1);
      await using watched = new WatchedCamera(server.url);
      // After five failures in a row the next attempt is 16 s away.
      await watched.until(() => watched.phases.filter((phase) => phase === 'lost').length === 5);
      random.mockRestore();
      await server.start();
      const back = performance.now();
      await watched.more();
      report('RTSP server back after a long absence, until the first frame', [watched.lastFrameAt - back]);
      expect(watched.lastFrameAt - back).toBeLessThan(16_000);
    });

    it('decodes H.265 as it does H.264', async () => {
      await using server = await RtspServer.start({ codec: 'h265' });
      await using watched = new WatchedCamera(server.url);
      await watched.more(5);
      expect(watched.sizes).toEqual(['320x240']);
    });

    it('comes over TLS, from a server whose certificate is not known only when that is allowed', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'fastsamd-rtsps-'));
      await using server = await RtspServer.start({ tls: await selfSigned(folder, 'camera') });
      await rm(folder, { recursive: true });
      await using allowed = await insecureCamera(server.url);
      await allowed.more(3);
      await server.kill();
      await allowed.untilPhase('lost');
    });

    it('follows a change of resolution without opening the stream anew', async () => {
      await using server = await RtspServer.start();
      await using watched = new WatchedCamera(server.url);
      await watched.more(3);
      server.resize(160, 120);
      await watched.until(() => watched.sizes.includes('160x120'));
      await watched.more(3);
      expect(watched.sizes).toEqual(['320x240', '160x120']);
      expect(watched.phases).toEqual(['connecting', 'streaming']);
    });

    it('survives garbage in the middle of its stream, and counts or reopens', async () => {
      await using server = await RtspServer.start();
      await using proxy = await FaultyProxy.start(server.port);
      await using watched = new WatchedCamera(`rtsp://127.0.0.1:${proxy.port}/cam`, { options: { stallTimeoutMs: 1000 } });
      await watched.more(3);
      let seed = 1;
      const noise = (chunk: Buffer) => {
        const spoiled = Buffer.from(chunk);
        for (let k = 0; k < spoiled.length; k += 7) {
          seed = (seed * 1103515245 + 12345) % 2 ** 31;
          spoiled[k] = seed >> 16;
        }
        return spoiled;
      };
      const times: number[] = [];
      for (let round = 0; round < RESTARTS; round += 1) {
        proxy.spoil(noise);
        // Some are lost, and some of those fail to open twice, each time after a longer pause.
        await watched.until(() => watched.phase === 'lost' || (watched.camera.dropped().corrupt ?? 0) > 0);
        if (round % 2 === 1) {
          const fails = watched.phases.filter((phase) => phase === 'lost').length + 2;
          await watched.until(() => watched.phases.filter((phase) => phase === 'lost').length >= fails);
        }
        proxy.spoil();
        const well = performance.now();
        await watched.more();
        times.push(watched.lastFrameAt - well);
        await watched.more(5);
      }
      report('RTSP server in its right mind again, until the first frame', times);
    });

    it('gives a server that is no RTSP server up again and again, with a reason', async () => {
      await using watched = new WatchedCamera('rtsp://127.0.0.1:9/cam');
      await watched.untilPhase('lost');
      expect(watched.camera.status.reason).toMatch(/^rtsp:\/\/127\.0\.0\.1:9\/#[0-9a-f]{6}: /);
    });

    it.each(['s3cret/word', 'pässwörd €5', '密码'])('logs in with the password %s, and never says one', async (word) => {
      await using server = await RtspServer.start({ login: ['viewer', word] });
      const guarded = (password: string) => `rtsp://viewer:${encodeURIComponent(password)}@127.0.0.1:${server.port}/cam`;
      await using allowed = new WatchedCamera(guarded(word));
      await allowed.more();
      await using refused = new WatchedCamera(guarded('wr0ng/word'));
      await refused.untilPhase('lost');
      expect(refused.camera.status.reason).toMatch(/nauthorized|not authorized|401/i);
      expect(JSON.stringify(refused.statuses)).not.toMatch(/wr0ng/);
    });

    it('holds no more after many reconnects than before', async () => {
      await using server = await RtspServer.start();
      await using proxy = await FaultyProxy.start(server.port);
      await using watched = new WatchedCamera(`rtsp://127.0.0.1:${proxy.port}/cam`);
      await reconnectMany(watched, RECONNECTS, 'RTSP', async () => {
        proxy.cut();
        await watched.until(() => watched.phase !== 'streaming');
      });
    });
  },
);
