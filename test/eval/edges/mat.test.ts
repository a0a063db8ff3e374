import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMat } from '../../../src/eval/edges/mat.js';

/** An element: type, size, data, padded to 8 bytes. */
function element(type: number, data: Uint8Array): Buffer {
  const tag = Buffer.alloc(8);
  tag.writeUInt32LE(type, 0);
  tag.writeUInt32LE(data.length, 4);
  return Buffer.concat([tag, data, Buffer.alloc((8 - (data.length % 8)) % 8)]);
}
const int32 = (...values: number[]) => Buffer.from(Int32Array.from(values).buffer);
function matrix(kind: number, dimensions: number[], name: string, ...content: Buffer[]): Buffer {
  return element(
    14,
    Buffer.concat([element(6, int32(kind, 0)), element(5, int32(...dimensions)), element(1, Buffer.from(name)), ...content]),
  );
}
function file(...content: Buffer[]): Buffer {
  const header = Buffer.alloc(128, ' ');
  header.write('IM', 126, 'latin1');
  return Buffer.concat([header, ...content]);
}
/** { groundTruth: {struct Boundaries = [1 0; 0 1; 1 1]} } */
const truth = matrix(
  1,
  [1, 1],
  'groundTruth',
  matrix(
    2,
    [1, 1],
    '',
    element(5, int32(16)),
    element(1, Buffer.from('Boundaries'.padEnd(16, '\0'))),
    matrix(9, [3, 2], '', element(2, Buffer.from([1, 0, 1, 0, 1, 1]))),
  ),
);

describe('parseMat', () => {
  it.each([
    ['plain', truth],
    ['compressed', Buffer.concat([compressed(truth)])],
  ])('reads cells of structures of arrays, %s', (_, content) => {
    const cell = parseMat(file(content), 'a.mat').get('groundTruth')!;
    expect(cell.kind).toBe('cell');
    const struct = cell.kind === 'cell' ? cell.items[0]! : undefined;
    const field = struct?.kind === 'struct' ? struct.items[0]!.get('Boundaries') : undefined;
    expect(field).toMatchObject({ kind: 'array', dimensions: [3, 2], values: Uint8Array.from([1, 0, 1, 0, 1, 1]) });
  });

  function compressed(content: Buffer): Buffer {
    const data = deflateSync(content);
    const tag = Buffer.alloc(8);
    tag.writeUInt32LE(15, 0);
    tag.writeUInt32LE(data.length, 4);
    return Buffer.concat([tag, data]);
  }

  it.each([
    ['no MATLAB file', Buffer.alloc(200), /not a little-endian MATLAB 5 file/],
    ['one that is cut short', file(truth.subarray(0, 60)), /cut short/],
    ['an array that claims more than it has', file(matrix(9, [1000, 1000], 'x', element(2, Buffer.from([1])))), /as many values/],
    ['an array beyond memory', file(matrix(9, [2 ** 30, 2 ** 30], 'x', element(2, Buffer.from([1])))), /too large/],
    ['a cell array beyond reason', file(matrix(1, [1, 1_000_000], 'x')), /too large/],
    ['a class that is not read', file(matrix(3, [1, 1], 'x')), /class that is not read/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => parseMat(bytes, 'a.mat')).toThrow(message);
  });

  it('throws DATASET_INVALID or returns for any damage', () => {
    fc.assert(
      fc.property(fc.nat(truth.length + 127), fc.nat(255), (at, value) => {
        const bytes = Uint8Array.from(file(truth));
        bytes[at] = value;
        try {
          parseMat(bytes, 'a.mat');
        } catch (error) {
          expect(error).toMatchObject({ code: 'DATASET_INVALID' });
        }
      }),
    );
  });
});
