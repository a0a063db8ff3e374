import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Segments } from '../../src/domain/segments.js';
import { contrast, inkOn, ObjectColours } from '../../src/encode/object-colours.js';

type Box = readonly [number, number, number, number];

function segmentsOf(boxes: readonly Box[]): Segments {
  return {
    count: boxes.length,
    width: 1000,
    height: 1000,
    boxes: Float32Array.from(boxes.flat()),
    scores: new Float32Array(boxes.length),
    classes: new Int32Array(boxes.length),
    areas: new Uint32Array(boxes.length),
    runs: new Uint32Array(0),
    offsets: new Uint32Array(boxes.length + 1),
  };
}

const square = (x: number, y = 0): Box => [x, y, x + 100, y + 100];

describe('colours of objects', () => {
  it('stay with an object that moves, whatever its place in the list', () => {
    const colours = new ObjectColours();
    const [a, b] = colours.assign(segmentsOf([square(0), square(500)]));
    expect(a).not.toBe(b);
    expect([...colours.assign(segmentsOf([square(480), square(30)]))]).toEqual([b, a]);
    expect([...colours.assign(segmentsOf([square(60)]))]).toEqual([a]);
  });

  it('are kept for an object that is missing for a few frames, and given back after many', () => {
    const colours = new ObjectColours();
    const [a, b] = colours.assign(segmentsOf([square(0), square(500)]));
    for (let frame = 0; frame < 10; frame += 1) colours.assign(segmentsOf([square(500)]));
    expect([...colours.assign(segmentsOf([square(500), square(0)]))]).toEqual([b, a]);
  });

  it('never wander between objects that overlap: the best pair keeps its colour', () => {
    const colours = new ObjectColours();
    const [a, b] = colours.assign(segmentsOf([square(0), square(40)]));
    expect([...colours.assign(segmentsOf([square(41), square(1)]))]).toEqual([b, a]);
  });

  it('differ among twenty objects that are there together', () => {
    const colours = new ObjectColours().assign(
      segmentsOf(Array.from({ length: 20 }, (_, k) => square(200 * (k % 5), 200 * Math.floor(k / 5)))),
    );
    expect(new Set(colours).size).toBe(20);
  });

  it('start again when the picture has nothing to do with the last one', () => {
    const colours = new ObjectColours();
    const [first] = colours.assign(segmentsOf([square(0)]));
    colours.assign(segmentsOf([square(0), square(500)]));
    colours.forget();
    expect([...colours.assign(segmentsOf([square(500)]))]).toEqual([first]);
  });
});

it('any colour has an ink that WCAG calls legible (4.5 : 1)', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffffff }), (colour) => {
      expect(contrast(inkOn(colour), colour)).toBeGreaterThanOrEqual(4.5);
    }),
  );
});
