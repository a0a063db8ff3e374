/** Motion-JPEG cameras against a real HTTP server that breaks in every way such servers do. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { WatchedCamera } from '../helpers/camera.js';
import { selfSigned } from '../helpers/certificate.js';
import { insecureCamera } from '../helpers/insecure-camera.js';
import { type MjpegFault, MjpegServer } from '../helpers/mjpeg-server.js';
import { reconnectMany } from '../helpers/reconnects.js';
import { report } from '../helpers/report.js';

const STALL_MS = 800;
const RECONNECTS = Number(process.env.CAMERA_RECONNECTS ?? 6);

describe.skipIf(!native().features.gstreamer)('a motion-JPEG camera (needs GStreamer)', { timeout: 90_000 + RECONNECTS * 15_000 }, () => {
  // How the stream under way is lost and, where it is told soon, why the next one does not begin.
  const faults: readonly { readonly fault: MjpegFault; readonly lost: RegExp; readonly again?: RegExp }[] = [
    { fault: 'stall', lost: /no frame within 800 ms/, again: /the server fell silent in the middle of the stream/ },
    { fault: 'boundary', lost: /demultiplex/ },
    { fault: 'part-headers', lost: /no frame within 800 ms/ },
    { fault: 'response-headers', lost: /the other side ended the stream/, again: /stream error/ },
    { fault: 'close', lost: /the other side ended the stream/, again: /no valid streams/ },
  ];
  for (const { fault, lost, again } of faults) {
    it(`is lost with a reason when its server does this: ${fault}, and streams when it is well again`, async () => {
      await using server = await MjpegServer.start();
      await using watched = new WatchedCamera(server.url, { options: { stallTimeoutMs: STALL_MS } });
      await watched.more(3);
      server.misbehave(fault);
      await watched.untilPhase('lost');
      expect(watched.camera.status.reason).toMatch(lost);
      if (again) {
        await watched.untilPhase('connecting');
        await watched.untilPhase('lost');
        expect(watched.camera.status.reason).toMatch(again);
      }
      server.misbehave();
      const well = performance.now();
      await watched.more();
      report(`MJPEG server well again after ${fault}, until the first frame`, [watched.lastFrameAt - well]);
      await watched.more(2);
      expect(watched.phase).toBe('streaming');
      expect(watched.camera.status.reconnects).toBe(1);
      expect(watched.sizes).toEqual(['64x48']);
    });
  }

  for (const fault of ['half', 'lost-middle'] as const) {
    it(`counts pictures of which a part is missing as corrupt and hands out the whole ones: ${fault}`, async () => {
      await using server = await MjpegServer.start();
      await using watched = new WatchedCamera(server.url);
      await watched.more(3);
      expect(watched.camera.dropped().corrupt).toBe(0);
      server.misbehave(fault);
      await watched.until(() => (watched.camera.dropped().corrupt ?? 0) >= 10);
      const { frames } = watched;
      await watched.more(5);
      expect(watched.phases).toEqual(['connecting', 'streaming']);
      server.misbehave();
      await watched.more(3);
      const { corrupt } = watched.camera.dropped();
      // Every second picture, while whole ones came in between.
      expect(frames).toBeGreaterThanOrEqual(10);
      await watched.more(10);
      expect(watched.camera.dropped().corrupt).toBe(corrupt);
      expect(watched.camera.received()).toBeGreaterThanOrEqual(watched.frames + corrupt!);
    });
  }

  for (const login of [
    ['viewer', 's3cret/word'],
    ['viewer', 'pässwörd €5'],
    ['größe', '密码'],
  ] as const) {
    for (const secure of [false, true]) {
      it(`logs in as ${login.join(':')}${secure ? ' over TLS' : ''}, and never says its password`, async () => {
        const folder = await mkdtemp(join(tmpdir(), 'fastsamd-mjpeg-'));
        await using server = await MjpegServer.start(secure ? await selfSigned(folder, 'camera') : undefined, login);
        await rm(folder, { recursive: true });
        const guarded = (password: string) => {
          const url = new URL(server.url);
          url.username = encodeURIComponent(login[0]);
          url.password = encodeURIComponent(password);
          return url.href;
        };
        const options = { insecureTls: secure };
        await using allowed = new WatchedCamera(guarded(login[1]), { options });
        await allowed.more(2);
        await using refused = new WatchedCamera(guarded(`${login[1]}-wr0ng`), { options });
        await refused.untilPhase('lost');
        const encoded = Buffer.from(`${login[0]}:${login[1]}-wr0ng`).toString('base64');
        expect(JSON.stringify(refused.statuses)).not.toMatch(new RegExp(`wr0ng|${encoded.slice(0, 12)}`));
      });
    }
  }

  it('comes over TLS, from a server whose certificate is not known only when that is allowed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fastsamd-mjpeg-'));
    await using server = await MjpegServer.start(await selfSigned(folder, 'camera'));
    await rm(folder, { recursive: true });
    await using allowed = await insecureCamera(server.url);
    await allowed.more(3);
    server.cut();
    await allowed.until(() => allowed.phase !== 'streaming');
    await allowed.more(3);
    expect(allowed.camera.status.reconnects).toBe(1);
  });

  it('holds no more after many reconnects than before, of every kind', async () => {
    await using server = await MjpegServer.start();
    await using watched = new WatchedCamera(server.url, { options: { stallTimeoutMs: STALL_MS } });
    await reconnectMany(watched, RECONNECTS, 'MJPEG', async (round) => {
      const fault = round % 4 === 0 ? faults[(round / 4) % faults.length]!.fault : undefined;
      if (fault) server.misbehave(fault);
      else server.cut();
      await watched.until(() => watched.phase !== 'streaming');
      server.misbehave();
    });
  });
});
