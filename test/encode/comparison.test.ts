import { describe, expect, it } from 'vitest';
import { compareMaps } from '../../src/encode/comparison.js';

const size = { width: 4, height: 1 };
const white = new Uint8Array(12).fill(255);
const pixels = (rgb: Uint8Array) =>
  Array.from({ length: 4 }, (_, k) => rgb.subarray(3 * k, 3 * k + 3)).map((p) => Buffer.from(p).toString('hex'));

describe('compareMaps', () => {
  it('colours what was found, missed, right and wrong, and leaves the rest of the picture', () => {
    const truth = Uint8Array.of(1, 1, 0, 0);
    const answer = Uint8Array.of(255, 0, 255, 0);
    const { truth: left, answer: right } = compareMaps(white, size, truth, answer);
    const [found, missed, nothing, neither] = pixels(left);
    const [correct, absent, stray, empty] = pixels(right);
    // 70 % of green, red, blue and orange on white.
    expect([found, missed]).toEqual(['4cbb9d', 'e18e4c']);
    expect([correct, stray]).toEqual(['4c9cc9', 'edbb4c']);
    for (const plain of [nothing, neither, absent, empty]) expect(plain).toBe('ffffff');
  });

  it('shows how certain the answer is', () => {
    const { answer } = compareMaps(white, size, new Uint8Array(4), Uint8Array.of(255, 170, 85, 0));
    const blue = [0, 1, 2, 3].map((k) => answer[3 * k + 2]!);
    expect(blue).toEqual([...blue].sort((a, b) => a - b));
    expect(new Set(blue).size).toBe(4);
  });

  it('takes a line for found that has an answer nearby, and for missed one that has none', () => {
    const line = Uint8Array.of(1, 0, 0, 1);
    const { truth, answer } = compareMaps(white, size, line, Uint8Array.of(0, 255, 0, 0), 1);
    expect([pixels(truth)[0], pixels(truth)[3]]).toEqual(['009e73', 'd55e00']);
    expect(pixels(answer)[1]).toBe('0072b2');
    expect(pixels(compareMaps(white, size, line, Uint8Array.of(0, 255, 0, 0), 0).answer)[1]).toBe('edbb4c');
  });

  it('does not look for a neighbour beyond the border, in the next row', () => {
    // The last pixel of the first row and the first of the second are neighbours in memory only.
    const twoRows = { width: 4, height: 2 };
    const picture = new Uint8Array(24).fill(255);
    const { truth } = compareMaps(picture, twoRows, Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 0), Uint8Array.of(0, 0, 0, 0, 255, 0, 0, 0), 1);
    expect(Buffer.from(truth.subarray(9, 12)).toString('hex')).toBe('d55e00');
  });
});
