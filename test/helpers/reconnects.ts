/** A camera that is lost and opened again many times: how long that takes, and what is left behind. */
import { expect, vi } from 'vitest';
import type { WatchedCamera } from './camera.js';
import { holdings } from './process.js';
import { report } from './report.js';

/** Code and buffers of first uses come in during these. */
const WARM_UP = 3;
const SETTLED_MS = 120_000;

/**
 * Loses the camera `rounds` times, expects a frame after each, and in the end as many threads and descriptors as before, little
 * more memory, and every frame accounted for. `lose` settles when the camera is lost and may be opened again.
 */
export async function reconnectMany(
  watched: WatchedCamera,
  rounds: number,
  what: string,
  lose: (round: number) => Promise<void>,
): Promise<void> {
  const times: number[] = [];
  const reconnect = async (round: number) => {
    await watched.more();
    await lose(round);
    const lost = performance.now();
    await watched.more();
    times.push(watched.lastFrameAt - lost);
  };
  for (let round = 0; round < WARM_UP; round += 1) await reconnect(round);
  const before = holdings();
  for (let round = 0; round < rounds; round += 1) await reconnect(round);
  await vi.waitFor(
    () => {
      const after = holdings();
      expect(after.threads).toBeLessThanOrEqual(before.threads + 2);
      expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 2);
    },
    { timeout: SETTLED_MS },
  );
  const after = holdings();
  report(`${what} connection lost, until the next frame`, times);
  process.stdout.write(`${what}: before ${JSON.stringify(before)}, after ${rounds} reconnects ${JSON.stringify(after)}\n`);
  expect(after.rssMiB - before.rssMiB).toBeLessThan(40);
  const drops = Object.values(watched.camera.dropped()).reduce((sum, count) => sum + count, 0);
  const waiting = watched.camera.received() - watched.frames - drops;
  expect(waiting).toBeGreaterThanOrEqual(0);
  expect(waiting).toBeLessThanOrEqual(1);
}
