import { expect, it } from 'vitest';
import { ViewHub } from '../../src/console/view-hub.js';
import type { ResultSink } from '../../src/pipeline/sinks.js';

it.each(['the viewer leaves first', 'the camera goes first'])('keeps results no longer when nobody watches: %s', async (order) => {
  let sink: ResultSink | undefined;
  let watching = 0;
  const hub = new ViewHub({
    addSink: (_camera, added) => {
      sink = added;
      return async () => sink?.close?.().finally(() => (sink = undefined));
    },
    watchResults: () => {
      watching += 1;
      return () => {
        watching -= 1;
      };
    },
    show: () => undefined,
    work: async () => ({ atMs: 0, idleMs: undefined, missed: undefined }),
    pictures: () => true,
    onError: () => undefined,
  });
  const viewer = { ready: () => true, skipped: () => undefined, send: () => undefined };
  const leave = hub.join('belt', { level: 1, roi: undefined }, viewer);
  expect(watching).toBe(1);
  if (order === 'the camera goes first') await sink!.close!();
  leave();
  expect(watching).toBe(0);
});
