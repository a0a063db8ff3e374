import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EngineScheduler, type Gate, type Turn } from '../../src/engine/scheduler.js';

const engine = (depth: number, msUntilFree = () => 0) => ({ depth, msUntilFree });

/** Cameras that always have a frame, before an engine with one place; who got each of the first `turns` turns. */
async function crowd(gates: readonly Gate[], turns: number): Promise<number[]> {
  const order: number[] = [];
  await Promise.all(
    gates.map(async (gate, camera) => {
      while (order.length < turns) {
        const turn = await gate.enter();
        order.push(camera);
        // Its next frame is there long before the engine is done with this one.
        turn.pass();
        setImmediate(turn.leave);
      }
    }),
  );
  return order.slice(0, turns);
}

describe('the scheduler', () => {
  it('lets cameras of equal priority in by turns', async () => {
    const scheduler = new EngineScheduler(engine(1));
    const order = await crowd([scheduler.gate(), scheduler.gate(), scheduler.gate()], 12);
    expect(order).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
  });

  it('gives every camera its share by priority, to within one turn, and starves none', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 6 }), async (priorities) => {
        const scheduler = new EngineScheduler(engine(1));
        const order = await crowd(
          priorities.map((priority) => scheduler.gate(priority)),
          100,
        );
        const total = priorities.reduce((sum, priority) => sum + priority, 0);
        for (const [camera, priority] of priorities.entries()) {
          const got = order.filter((each) => each === camera).length;
          expect(Math.abs(got - (100 * priority) / total)).toBeLessThanOrEqual(priorities.length);
          expect(got).toBeGreaterThan(0);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('holds no more inside than there are places, and one at the door', async () => {
    const scheduler = new EngineScheduler(engine(2));
    const inside: Turn[] = [];
    for (let camera = 0; camera < 4; camera += 1)
      void scheduler
        .gate()
        .enter()
        .then((turn) => inside.push(turn));
    const settle = () => new Promise((resolve) => setImmediate(resolve));
    await settle();
    expect(inside).toHaveLength(1);
    inside[0]!.pass();
    await settle();
    expect(inside).toHaveLength(2);
    inside[1]!.pass();
    await settle();
    expect(inside).toHaveLength(2);
    // Leaving twice gives one place back.
    inside[0]!.leave();
    inside[0]!.leave();
    await settle();
    expect(inside).toHaveLength(3);
    // Leaving without having passed frees the door too.
    inside[2]!.leave();
    await settle();
    expect(inside).toHaveLength(4);
  });

  it('gives a camera that was away no turns for the time it was', async () => {
    const scheduler = new EngineScheduler(engine(1));
    const [busy, away] = [scheduler.gate(), scheduler.gate()];
    await crowd([busy], 50);
    const order = await crowd([busy, away], 10);
    expect(order.filter((camera) => camera === 1).length).toBe(5);
  });
});
