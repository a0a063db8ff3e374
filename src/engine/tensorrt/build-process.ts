/**
 * The process in which an engine is built: it takes minutes and much memory, and what goes wrong in it must not take the
 * daemon along. Forked by build.ts; ends with its parent.
 */
import { writeFileSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { native } from '../../addon/addon.js';
import { FastsamError, messageOf } from '../../errors.js';
import { tensorRt } from './available.js';
import type { BuildOrder, FromBuilder } from './build-protocol.js';
import { writeCalibration } from './calibration.js';
import { reasonToBuild } from './sidecar.js';

/** When memory runs out, the kernel takes this process and not the daemon. */
const OOM_SCORE = '900';
/** Between two looks at the lock of another builder. */
const LOCK_MS = 500;

const say = (message: FromBuilder) =>
  new Promise<void>((resolve) => {
    process.send?.(message, undefined, undefined, () => resolve());
  });

/** Waits for the builders of other processes, whose locks end with them; whether there was one. */
async function lock(path: string): Promise<boolean> {
  for (let waited = false; ; waited = true) {
    const answer = await native().lockFile(path, `process ${process.pid}`);
    if (!('holder' in answer)) return waited;
    if (!waited) void say({ type: 'report', kind: 'warning', text: `waiting for the build of ${answer.holder}`, step: 0, steps: 0 });
    await sleep(LOCK_MS);
  }
}

async function build({ pictures, lockPath, enginePath, wanted, ...request }: BuildOrder): Promise<FromBuilder> {
  try {
    if ((await lock(lockPath)) && (await reasonToBuild(enginePath, wanted)) === undefined) return { type: 'there' };
    if (pictures !== undefined) {
      const count = await writeCalibration(pictures, request.calibrationPath, request.inputWidth, request.inputHeight);
      void say({ type: 'report', kind: 'info', text: `calibrating with ${count} pictures of ${pictures}`, step: 0, steps: 0 });
    }
    const { inputWidth, inputHeight } = await tensorRt().build(request, (kind, text, step, steps) => {
      void say({ type: 'report', kind, text, step, steps });
    });
    return { type: 'built', inputWidth, inputHeight };
  } catch (error) {
    return { type: 'failed', code: error instanceof FastsamError ? error.code : 'INTERNAL', message: messageOf(error) };
  } finally {
    if (pictures !== undefined) await unlink(request.calibrationPath).catch(() => undefined);
  }
}

try {
  writeFileSync('/proc/self/oom_score_adj', OOM_SCORE);
} catch {
  // Not Linux's /proc, or not allowed: the guard of the parent remains.
}
// Not process.exit, which would wait for the builder's thread.
process.once('disconnect', () => native().exitAtOnce(1));
process.once('message', async (order: BuildOrder) => {
  await say(await build(order));
  process.exit(0);
});
