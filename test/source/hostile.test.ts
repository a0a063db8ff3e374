/** Cameras that attack: what they cost is bounded, and the camera beside them goes on. `make hostile` runs the long version. */
import { readFileSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { WatchedCamera } from '../helpers/camera.js';
import { figure } from '../helpers/figure.js';
import { HostileCamera } from '../helpers/hostile-camera.js';
import { MjpegServer } from '../helpers/mjpeg-server.js';

/** Seconds of every attack; those of the long version also show that the camera beside it keeps its rate. */
const SECONDS = Number(process.env.HOSTILE_SECONDS ?? 0);
const MAX_GROWTH_MIB = 300;
/** Of the server in test/helpers/mjpeg-server.ts. */
const HEALTHY_FPS = 25;

function memoryMiB(kind: 'VmHWM' | 'VmRSS'): number {
  return Number(new RegExp(`${kind}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024;
}

describe.skipIf(!native().features.gstreamer)('a hostile camera beside a healthy one', { timeout: 60_000 + SECONDS * 1000 }, () => {
  // What the reader says of it; nothing where it waits for the rest until the source did not start in time.
  const attacks: readonly (readonly [string, RegExp?])[] = [
    ['http-reason', /: A{900,1100}…$/],
    ['http-headers', /stream error/],
    ['http-line', /stream error/],
    ['http-error-body', /Oops/],
    ['http-body', /demultiplex/],
    ['part-headers', /no picture within 32 MiB/],
    ['endless-picture', /no picture within 32 MiB/],
    ['jpeg-bomb', /a picture of 32000×32000; at most 16384/],
    ['rtsp-reason', /Not found/],
    ['rtsp-headers'],
    ['rtsp-body', /no picture within 32 MiB/],
    ['rtsp-fragments', /no picture within 32 MiB/],
    ['rtsp-aggregates', /no picture within 32 MiB/],
    ['rtsp-sources'],
    ['rtsp-gaps', /no picture within 32 MiB/],
    ['rtsp-garbage'],
  ];
  for (const [kind, reason] of attacks) {
    it(kind, async () => {
      await using server = await MjpegServer.start();
      await using healthy = new WatchedCamera(server.url);
      await healthy.more(10);
      await using hostile = await HostileCamera.start(kind);
      const before = memoryMiB('VmRSS');
      // Begins the peak (VmHWM) again.
      writeFileSync('/proc/self/clear_refs', '5');
      const frames = healthy.frames;
      const loop = monitorEventLoopDelay({ resolution: 5 });
      loop.enable();
      const begin = performance.now();
      await using watched = new WatchedCamera(hostile.url);
      if (reason) await watched.until(() => watched.statuses.some((status) => status.phase === 'lost'));
      await healthy.more(20);
      await delay(SECONDS * 1000 - (performance.now() - begin));
      loop.disable();
      const rate = ((healthy.frames - frames) / (performance.now() - begin)) * 1000;
      const growth = memoryMiB('VmHWM') - before;
      const p99 = loop.percentile(99) / 1e6;
      figure({ what: `${kind}: memory`, value: growth, unit: 'MiB', most: MAX_GROWTH_MIB });
      // The short version is over before rates mean anything.
      if (SECONDS > 0)
        figure({ what: `${kind}: healthy camera, of ${HEALTHY_FPS} fps`, value: (100 * rate) / HEALTHY_FPS, unit: '%', least: 90 });
      figure({ what: `${kind}: event loop, 99th percentile`, value: p99, unit: 'ms', most: 100 });
      if (reason) expect(watched.statuses.find((status) => status.phase === 'lost')?.reason).toMatch(reason);
      expect(growth).toBeLessThan(MAX_GROWTH_MIB);
      expect(watched.frames).toBe(0);
      expect(healthy.phases).toEqual(['connecting', 'streaming']);
    });
  }
});
