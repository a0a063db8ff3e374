/** Segmentation comes before viewers: the rule, and what a page sees of it. */
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { LOOK_MS, ViewRate } from '../../src/console/view-rate.js';
import { segmentsOf } from '../helpers/dense-masks.js';
import { EMPTY, fakeEngine } from '../helpers/fakes.js';
import { consoleNode, Page, SCENE } from './console-node.js';
import { canBrowse, Pages } from './pages.js';

/** A rate that is looked at once a second. */
function watched() {
  const rate = new ViewRate();
  const counted = { atMs: 0, idleMs: 0, missed: 0 };
  rate.look({ ...counted });
  return {
    rate,
    /** Looks so often, with so many cores idle and so many frames missed from one look to the next. */
    look(times: number, idleCores: number, missed: number | 'waits') {
      for (let k = 0; k < times; k += 1) {
        counted.atMs += LOOK_MS;
        counted.idleMs += LOOK_MS * idleCores;
        if (missed !== 'waits') counted.missed += missed;
        rate.look({ ...counted, missed: missed === 'waits' ? undefined : counted.missed });
      }
      return rate.isSparing;
    },
  };
}

describe('rate of frames for viewers', () => {
  it('is sparing while frames are missed and no core is idle, for two looks in a row', () => {
    const { look } = watched();
    expect(look(1, 0.1, 3)).toBe(false);
    expect(look(1, 0.6, 3)).toBe(false);
    expect(look(1, 0.1, 3)).toBe(false);
    expect(look(1, 0.1, 1)).toBe(true);
  });

  it.each([
    ['a core is idle, though the network misses frames (a GPU does the work)', 1, 10],
    ['no core is idle, and the network misses nothing', 0, 0],
  ])('is full while %s', (_name, idleCores, missed) => {
    expect(watched().look(60, idleCores, missed)).toBe(false);
  });

  it('is sparing for a source that waits for the network, while no core is idle', () => {
    expect(watched().look(2, 0, 'waits')).toBe(true);
  });

  it('is full where the system does not say how idle it is', () => {
    const rate = new ViewRate();
    for (let k = 0; k < 10; k += 1) rate.look({ atMs: k * LOOK_MS, idleMs: undefined, missed: 5 * k });
    expect(rate.isSparing).toBe(false);
  });

  it.each([
    ['half a core is idle', 0.5, 4],
    ['nothing is missed', 0.1, 0],
  ])('is full again once %s for five seconds, not before and not for less', (_name, idleCores, missed) => {
    const { look } = watched();
    look(2, 0, 4);
    expect(look(5, idleCores, missed)).toBe(true);
    expect(look(1, 0.3, 4)).toBe(true);
    expect(look(5, idleCores, missed)).toBe(true);
    expect(look(1, idleCores, missed)).toBe(false);
  });

  it('waits twice as long, up to 80 s, after each full rate that did not last a minute; after one that did, five seconds again', () => {
    const { look } = watched();
    look(2, 0, 4);
    for (const seconds of [5, 10, 20, 40, 80, 80]) {
      expect(look(seconds, 1, 0)).toBe(true);
      expect(look(1, 1, 0)).toBe(false);
      expect(look(2, 0, 4)).toBe(true);
    }
    expect(look(81, 1, 0)).toBe(false);
    expect(look(60, 1, 0)).toBe(false);
    expect(look(2, 0, 4)).toBe(true);
    expect(look(6, 1, 0)).toBe(false);
  });

  it('goes on from counts that begin again with the camera', () => {
    const rate = new ViewRate();
    rate.look({ atMs: 0, idleMs: 0, missed: 50 });
    rate.look({ atMs: 1000, idleMs: 0, missed: 0 });
    rate.look({ atMs: 2000, idleMs: 0, missed: 0 });
    rate.look({ atMs: 3000, idleMs: 0, missed: 0 });
    expect(rate.isSparing).toBe(false);
  });
});

/** A camera of 20 frames a second before a network of ten, on a machine with so many cores idle. */
async function busyNode() {
  const machine = { idleCores: 0, idleMs: 0, at: performance.now() };
  const engine = fakeEngine(async () => {
    await setTimeout(100);
    return { ...EMPTY, segments: segmentsOf(320, 320, []) };
  }, 1);
  const node = await consoleNode({ cameras: [{ id: 'belt', source: SCENE }] }, [], {
    openEngine: async () => engine,
    idleTime: async () => {
      const now = performance.now();
      machine.idleMs += machine.idleCores * (now - machine.at);
      machine.at = now;
      return machine.idleMs;
    },
  });
  return { node, machine };
}

describe('view of a camera', { timeout: 60_000 }, () => {
  it('comes slowly while segmentation needs every core, says so, and comes as before when there is time', async () => {
    const { node, machine } = await busyNode();
    await using _node = node;
    using page = await Page.open(node);
    page.say({ t: 'watch', camera: 'belt' });
    await page.until(({ views }) => views.find(({ meta }) => meta.isSparing));
    expect(page.views[0]!.meta.isSparing).toBeUndefined();
    const slow = await page.until(({ views }) => {
      const those = views.filter(({ meta }) => meta.isSparing);
      return those.length > 5 ? those : undefined;
    });
    // At the full rate every segmented frame is sent. Two in a row are where the test has so little of a core that they come slowly.
    expect(slow.at(-1)!.seq - slow[0]!.seq).toBeGreaterThan(slow.length - 1);
    machine.idleCores = 1;
    await page.until(({ views }) => views.findLast(({ meta, seq }) => !meta.isSparing && seq > slow.at(-1)!.seq));
  });

  it.skipIf(!canBrowse)('tells on the page why few pictures come', async () => {
    const { node, machine } = await busyNode();
    await using _node = node;
    await using pages = await Pages.start();
    const page = await pages.open(node.url, { path: '#live/belt' });
    const reason = page.getByText('few pictures: segmentation needs every core');
    await reason.waitFor();
    machine.idleCores = 1;
    await reason.waitFor({ state: 'detached' });
    expect(pages.complaints).toEqual([]);
  });
});
