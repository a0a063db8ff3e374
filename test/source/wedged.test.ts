/** Cameras whose driver hangs, so that their pipeline cannot be stopped. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { native } from '../../src/addon/addon.js';
import type { CameraDeps } from '../../src/source/camera.js';
import { WatchedCamera } from '../helpers/camera.js';
import { HangingDriver } from '../helpers/hanging-driver.js';

const STALL = { stallTimeoutMs: 500 };
const ABANDONED = 'the capture pipeline does not stop; its thread is abandoned';

describe.skipIf(!native().features.gstreamer)(
  'a camera whose driver hangs (needs GStreamer)',
  { timeout: 60_000, concurrent: true },
  () => {
    let folder = '';
    let made = 0;
    const hangingDriver = () => {
      made += 1;
      return new HangingDriver(join(folder, `fifo-${made}`));
    };
    /** It has streamed, and hangs from now on. */
    const hung = async (driver: HangingDriver, deps: Partial<CameraDeps> = {}) => {
      const watched = new WatchedCamera(driver.uri, { options: STALL, ...deps });
      driver.send();
      await watched.more();
      return watched;
    };
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'fastsamd-wedged-'));
    });
    afterAll(() => rm(folder, { recursive: true }));

    it('is wedged until the driver lets go, then opened again', async () => {
      using driver = hangingDriver();
      await using watched = await hung(driver);
      await watched.untilPhase('wedged');
      expect(watched.camera.status.reason).toBe(ABANDONED);
      driver.letGo();
      driver.plugIn();
      driver.send();
      await watched.more();
      expect(watched.phases).toEqual(['connecting', 'streaming', 'wedged', 'connecting', 'streaming']);
      expect(watched.camera.status.reconnects).toBe(1);
      driver.letGo();
    });

    it('is left behind by a restart, which opens it anew', async () => {
      using driver = hangingDriver();
      await using watched = await hung(driver);
      await watched.untilPhase('wedged');
      await watched.camera.restart();
      // Both readers hang at the same FIFO now; which of them gets what is sent is the kernel's choice.
      await watched.untilPhase('connecting');
      driver.letGo();
    });

    it('is wedged as well when the driver hangs while it is being opened', async () => {
      using driver = hangingDriver();
      await using watched = new WatchedCamera(driver.uri, { options: STALL });
      // Without a frame it never plays. An operator does not wait for the time limit of the opening.
      await vi.waitFor(() => expect(driver.inUse).toBe(true), { timeout: 10_000 });
      await watched.camera.restart();
      await watched.untilPhase('wedged');
      driver.letGo();
      await watched.until(() => watched.phase !== 'wedged');
    });

    it('ends the iteration where the process is to be restarted', async () => {
      using driver = hangingDriver();
      await using watched = await hung(driver, { onWedged: 'restart-process' });
      await expect(watched.ended).rejects.toMatchObject({ code: 'SOURCE_WEDGED', message: `${ABANDONED}; fastsamd must be restarted` });
      expect(watched.phase).toBe('wedged');
      driver.letGo();
    });
  },
);
