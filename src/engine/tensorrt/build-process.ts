/**
 * The process in which an engine is built: it takes minutes and much memory, and what goes wrong in it must not take the
 * daemon along. Forked by build.ts; ends with its parent.
 */
import { writeFileSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { native } from '../../addon/addon.js';
import { FastsamError, messageOf } from '../../errors.js';
import { writeModel } from '../convert/convert.js';
import { calibrationPictures } from '../convert/pictures.js';
import { typedModel } from '../convert/tensorrt.js';
import { tensorRt } from './available.js';
import type { BuildOrder, FromBuilder } from './build-protocol.js';
import { reasonToBuild, type Verification } from './sidecar.js';
import { type BuiltPlan, verifyPlan } from './verify.js';

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

async function build({ model, pictures: folder, lockPath, enginePath, wanted, ...order }: BuildOrder): Promise<FromBuilder> {
  const typedPath = `${order.planPath}.onnx`;
  try {
    if ((await lock(lockPath)) && (await reasonToBuild(enginePath, wanted)) === undefined) return { type: 'there' };
    const pictures = folder === undefined ? [] : await calibrationPictures(folder);
    const typed = await typedModel(model, {
      precision: order.precision,
      tensorrt: wanted.platform.tensorrt,
      pictures,
      onPicture: (done) =>
        void say({ type: 'report', kind: 'progress', text: `calibrating with ${folder}`, step: done, steps: pictures.length }),
    });
    if (typed) await writeModel(typedPath, typed);
    const request = { ...order, onnxPath: typed ? typedPath : model };
    const { inputWidth, inputHeight } = await tensorRt().build(request, (kind, text, step, steps) => {
      void say({ type: 'report', kind, text, step, steps });
    });
    const plan = { path: order.planPath, model, dlaCore: order.dlaCore, inputWidth, inputHeight };
    return { type: 'built', inputWidth, inputHeight, verification: order.precision === 'fp32' ? null : await verdict(plan, pictures) };
  } catch (error) {
    return { type: 'failed', code: error instanceof FastsamError ? error.code : 'INTERNAL', message: messageOf(error) };
  } finally {
    await unlink(typedPath).catch(() => undefined);
  }
}

async function verdict(plan: BuiltPlan, pictures: readonly string[]): Promise<Verification | null> {
  const { verification, summary } = await verifyPlan(plan, pictures, (done, total) => {
    void say({ type: 'report', kind: 'progress', text: 'verifying against onnxruntime', step: done, steps: total });
  });
  void say({ type: 'report', kind: verification?.verdict === 'pass' ? 'progress' : 'warning', text: summary, step: 0, steps: 0 });
  return verification;
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
