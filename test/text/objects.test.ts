import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ObjectMemory } from '../../src/text/objects.js';
import { type Part, segmentsOfParts } from '../helpers/parts.js';

const RULE = { iou: 0.7, area: 0.3, ageMs: 1000 };
const part = (x: number, y: number, width = 40, height = 40): Part => ({ colour: 'red', box: [x, y, x + width, y + height] });
const see = (memory: ObjectMemory, parts: readonly Part[], nowMs: number) => memory.see(segmentsOfParts(1000, 1000, parts), nowMs);

/** Looks at what is due; the embedding tells when. */
function look(memory: ObjectMemory, budget: number, nowMs: number): number[] {
  const due = [...memory.due(budget, nowMs)];
  for (const index of due) memory.keep(index, Float32Array.of(nowMs), nowMs);
  return due;
}

describe('the memory of objects', () => {
  it('spends the budget on what was never seen, then on what was seen the longest ago, then on nothing', () => {
    const memory = new ObjectMemory(RULE);
    const parts = Array.from({ length: 10 }, (_, k) => part(100 * k, 0));
    const looks: number[][] = [];
    for (const now of [0, 100, 200, 300, 400]) {
      see(memory, parts, now);
      looks.push(look(memory, 4, now));
    }
    expect(looks).toEqual([[0, 1, 2, 3], [4, 5, 6, 7], [8, 9], [], []]);
    for (const now of [1000, 1150, 1200]) {
      see(memory, parts, now);
      looks.push(look(memory, 3, now));
    }
    expect(looks.slice(5)).toEqual([
      [0, 1, 2],
      [3, 4, 5],
      [6, 7, 8],
    ]);
  });

  it('recognises objects that move a little, whatever their order, and looks again at those that changed', () => {
    const memory = new ObjectMemory(RULE);
    see(memory, [part(0, 0), part(200, 0), part(400, 0)], 0);
    look(memory, 9, 0);
    // Listed the other way round; one moved by a quarter of its width, one grew, one stays.
    see(memory, [part(401, 0), part(200, 0, 40, 55), part(10, 0)], 50);
    expect([...memory.due(9, 50)]).toEqual([1, 2]);
    expect(memory.current.map((object) => object?.look?.atMs)).toEqual([0, 0, 0]);
    // An object of its own beside one it overlaps.
    see(memory, [part(401, 0), part(421, 0)], 60);
    expect(memory.current.map((object) => object?.look?.atMs)).toEqual([0, undefined]);
  });

  it('goes by tracks where there are any, over distances and swaps of place, and takes a new track up where its object was', () => {
    const memory = new ObjectMemory(RULE);
    const seeTracked = (parts: readonly Part[], nowMs: number, tracks: readonly number[]) =>
      memory.see(segmentsOfParts(1000, 1000, parts), nowMs, Uint32Array.from(tracks));
    const looks = () => memory.current.map((object) => object?.look?.embedding[0]);
    seeTracked([part(0, 0), part(200, 0)], 0, [0, 0]);
    memory.keep(0, Float32Array.of(1), 0);
    memory.keep(1, Float32Array.of(2), 0);
    seeTracked([part(5, 0), part(205, 0)], 50, [7, 8]);
    expect(looks()).toEqual([1, 2]);
    // The two swap their places; a third without a track stands where the first was.
    seeTracked([part(205, 0), part(5, 0), part(5, 0)], 100, [7, 8, 0]);
    expect(looks()).toEqual([1, 2, undefined]);
    // A track that was never seen takes nothing from one that was.
    seeTracked([part(205, 0)], 150, [9]);
    expect(looks()).toEqual([undefined]);
  });

  it('gives each of two overlapping objects its own past', () => {
    const memory = new ObjectMemory(RULE);
    see(memory, [part(0, 0, 100, 100), part(0, 0, 80, 80)], 0);
    memory.keep(0, Float32Array.of(1), 0);
    memory.keep(1, Float32Array.of(2), 0);
    see(memory, [part(2, 0, 80, 80), part(2, 0, 100, 100)], 10);
    expect(memory.current.map((object) => object?.look?.embedding[0])).toEqual([2, 1]);
  });

  it('ignores masks of 100 pixels and less, and forgets what was away', () => {
    const memory = new ObjectMemory(RULE);
    see(memory, [part(0, 0, 10, 10), part(100, 0, 101, 1)], 0);
    expect(memory.current.map(Boolean)).toEqual([false, true]);
    look(memory, 9, 0);
    see(memory, [], 100);
    see(memory, [part(100, 0, 101, 1)], 2500);
    expect(memory.current[0]?.look).toBeUndefined();
    // A clock that went back: another recording.
    look(memory, 9, 2500);
    see(memory, [part(100, 0, 101, 1)], 10);
    expect(memory.current[0]?.look).toBeUndefined();
  });

  it('never looks at more than the budget, never twice at one object in a frame, and lets nobody starve', () => {
    const moves = fc.array(fc.array(fc.integer({ min: 0, max: 900 }), { maxLength: 12 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(moves, fc.integer({ min: 1, max: 6 }), (frames, budget) => {
        const memory = new ObjectMemory({ ...RULE, ageMs: 0 });
        for (const [k, xs] of frames.entries()) {
          see(
            memory,
            xs.map((x) => part(x, 0)),
            33 * k,
          );
          const before = memory.current.map((object) => object!.look?.atMs ?? Number.NEGATIVE_INFINITY);
          const due = look(memory, budget, 33 * k);
          expect(new Set(due).size).toBe(due.length);
          expect(due.length).toBe(Math.min(budget, xs.length));
          const rest = before.filter((_, index) => !due.includes(index));
          for (const index of due) for (const other of rest) expect(before[index]!).toBeLessThanOrEqual(other);
        }
      }),
    );
  });
});
