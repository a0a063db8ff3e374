/**
 * What capturing costs beside making the pictures: processor time, told for people, and the JS heap, where pixels have no business.
 * `make cameras` measures for longer.
 */
import { type HeapProfiler, Session } from 'node:inspector/promises';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { WatchedCamera } from '../helpers/camera.js';

const SECONDS = Number(process.env.CAMERA_COST_SECONDS ?? 2);
const FPS = 30;
const FRAME_BYTES = 1920 * 1080 * 1.5;

/** Raw 1080p30, black: nothing to decode, and as little to draw as can be. */
const MADE = `videotestsrc is-live=true pattern=black ! video/x-raw,format=NV12,width=1920,height=1080,framerate=${FPS}/1`;
/** The same pictures made and thrown away inside GStreamer, beside a camera of hardly any. */
const ALONE = `${MADE} ! fakesink sync=false videotestsrc is-live=true pattern=black ! video/x-raw,format=NV12,width=64,height=48,framerate=1/1`;

/** Share of one core this process uses while it waits for `seconds`' worth of frames at `fps`. */
async function loadOf(pipeline: string, fps: number, seconds: number): Promise<{ load: number; heapBytes: number; arrayBytes: number }> {
  await using watched = new WatchedCamera(`gst:${pipeline}`);
  await watched.more(Math.max(fps, 2));
  const inspector = new Session();
  inspector.connect();
  await inspector.post('HeapProfiler.enable');
  // Also what was collected again: what passes through counts, not what stays.
  const everything = { includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true };
  await inspector.post('HeapProfiler.startSampling', { samplingInterval: 4096, ...everything });
  const arraysBefore = process.memoryUsage().arrayBuffers;
  const usedBefore = process.cpuUsage();
  const begin = performance.now();
  await watched.more(fps * seconds);
  const used = process.cpuUsage(usedBefore);
  const ms = performance.now() - begin;
  const arrayBytes = process.memoryUsage().arrayBuffers - arraysBefore;
  const { profile } = await inspector.post('HeapProfiler.stopSampling');
  inspector.disconnect();
  return { load: (used.user + used.system) / 1000 / ms, heapBytes: allocated(profile.head), arrayBytes };
}

function allocated({ selfSize, children }: HeapProfiler.SamplingHeapProfileNode): number {
  return children.reduce((sum, child) => sum + allocated(child), selfSize);
}

describe.skipIf(!native().features.gstreamer)('capturing 1080p30 (needs GStreamer)', { timeout: 60_000 + SECONDS * 4000 }, () => {
  it('brings no pixels into the JS heap', async () => {
    const alone = await loadOf(ALONE, 1, SECONDS);
    const { load, heapBytes, arrayBytes } = await loadOf(MADE, FPS, SECONDS);
    const perFrame = heapBytes / (FPS * SECONDS);
    process.stdout.write(
      `1080p30, ${SECONDS} s: ${(100 * load).toFixed(1)} % of a core with the making of the pictures, ${(100 * alone.load).toFixed(1)} % for that alone; ` +
        `JS heap ${(perFrame / 1024).toFixed(1)} KiB a frame (a frame is ${(FRAME_BYTES / 1024).toFixed(0)} KiB), array buffers ${arrayBytes} bytes more\n`,
    );
    expect(perFrame).toBeLessThan(FRAME_BYTES / 100);
    expect(arrayBytes).toBeLessThan(FRAME_BYTES);
  });
});
