/**
 * Reads what ground truth in MATLAB's level 5 format needs: cells, structures and arrays of numbers, compressed or not
 * ("MAT-File Format", The MathWorks). Sizes are checked before anything is allocated; other classes are refused.
 */
import { inflateSync } from 'node:zlib';
import { FastsamError, messageOf } from '../../errors.js';

export interface MatArray {
  readonly kind: 'array';
  /** Rows, columns, …; values are column-major. */
  readonly dimensions: readonly number[];
  readonly values: Float64Array | Float32Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;
}
export interface MatCell {
  readonly kind: 'cell';
  readonly items: readonly MatValue[];
}
export interface MatStruct {
  readonly kind: 'struct';
  /** One record for each element of the structure array. */
  readonly items: readonly ReadonlyMap<string, MatValue>[];
}
export type MatValue = MatArray | MatCell | MatStruct;

const HEADER_BYTES = 128;
const MAX_BYTES = 2 ** 28;
const MAX_ITEMS = 4096;
const MAX_DEPTH = 8;

const TYPE = { compressed: 15, matrix: 14 } as const;
const CLASS = { cell: 1, struct: 2, double: 6, lastNumeric: 13 } as const;
/** Storage of numbers by element type. */
const STORAGE: Readonly<Record<number, { readonly bytes: number; readonly make: (buffer: ArrayBuffer) => MatArray['values'] }>> = {
  1: { bytes: 1, make: (buffer) => new Int8Array(buffer) },
  2: { bytes: 1, make: (buffer) => new Uint8Array(buffer) },
  3: { bytes: 2, make: (buffer) => new Int16Array(buffer) },
  4: { bytes: 2, make: (buffer) => new Uint16Array(buffer) },
  5: { bytes: 4, make: (buffer) => new Int32Array(buffer) },
  6: { bytes: 4, make: (buffer) => new Uint32Array(buffer) },
  7: { bytes: 4, make: (buffer) => new Float32Array(buffer) },
  9: { bytes: 8, make: (buffer) => new Float64Array(buffer) },
};

/** The variables of a file by name. `path` is for messages. Errors: DATASET_INVALID. */
export function parseMat(bytes: Uint8Array, path: string): Map<string, MatValue> {
  try {
    if (bytes.length < HEADER_BYTES || String.fromCharCode(bytes[126]!, bytes[127]!) !== 'IM')
      throw new Error('not a little-endian MATLAB 5 file (save it with -v7 or older)');
    const variables = new Map<string, MatValue>();
    for (const element of elements(bytes.subarray(HEADER_BYTES))) {
      const whole = element.type === TYPE.compressed ? [...elements(inflateSync(element.data, { maxOutputLength: MAX_BYTES }))] : [element];
      for (const { type, data } of whole) {
        if (type !== TYPE.matrix) continue;
        const { name, value } = matrix(data, 0);
        variables.set(name, value);
      }
    }
    return variables;
  } catch (cause) {
    throw new FastsamError('DATASET_INVALID', `${path}: ${messageOf(cause)}`, { cause });
  }
}

interface Element {
  readonly type: number;
  readonly data: Uint8Array;
}

/** The elements that follow each other in `bytes`. */
function* elements(bytes: Uint8Array): Generator<Element> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let position = 0;
  while (position + 8 <= bytes.length) {
    const tag = view.getUint32(position, true);
    const small = tag >>> 16;
    const type = tag & 0xffff;
    const size = small === 0 ? view.getUint32(position + 4, true) : small;
    const start = position + (small === 0 ? 8 : 4);
    if (size > bytes.length - start) throw new Error('cut short');
    yield { type, data: bytes.subarray(start, start + size) };
    // Elements begin on 8 byte borders, except after compressed ones.
    position = small === 0 ? start + (type === TYPE.compressed ? size : Math.ceil(size / 8) * 8) : position + 8;
  }
}

function matrix(bytes: Uint8Array, depth: number): { name: string; value: MatValue } {
  if (depth > MAX_DEPTH) throw new Error('nested too deeply');
  const parts = elements(bytes);
  const next = (): Element => {
    const { value, done } = parts.next();
    if (done) throw new Error('cut short');
    return value;
  };
  const flags = next().data;
  const kind = flags[0] ?? 0;
  const shape = numbers(next());
  const dimensions = Array.from(shape);
  const count = dimensions.reduce((product, side) => product * side, 1);
  if (!dimensions.every((side) => Number.isInteger(side) && side >= 0) || count > MAX_BYTES) throw new Error('an array is too large');
  const name = Buffer.from(next().data).toString('latin1');
  if (kind === CLASS.cell) {
    if (count > MAX_ITEMS) throw new Error('a cell array is too large');
    return { name, value: { kind: 'cell', items: Array.from({ length: count }, () => matrix(next().data, depth + 1).value) } };
  }
  if (kind === CLASS.struct) {
    const length = numbers(next())[0] ?? 0;
    const names = Buffer.from(next().data).toString('latin1');
    const fields = length > 0 ? names.length / length : 0;
    if (count * fields > MAX_ITEMS) throw new Error('a structure array is too large');
    const items = Array.from({ length: count }, () => {
      const record = new Map<string, MatValue>();
      for (let k = 0; k < fields; k += 1) {
        const field = names.slice(k * length, (k + 1) * length).replace(/\0.*$/s, '');
        record.set(field, matrix(next().data, depth + 1).value);
      }
      return record;
    });
    return { name, value: { kind: 'struct', items } };
  }
  if (kind < CLASS.double || kind > CLASS.lastNumeric) throw new Error(`holds a class that is not read (${kind})`);
  const values = numbers(next());
  if (values.length !== count) throw new Error('an array does not have as many values as its size says');
  return { name, value: { kind: 'array', dimensions, values } };
}

function numbers({ type, data }: Element): MatArray['values'] {
  const storage = STORAGE[type];
  if (!storage) throw new Error(`holds numbers of a type that is not read (${type})`);
  const bytes = data.length - (data.length % storage.bytes);
  // Copied, because typed arrays demand alignment.
  return storage.make(new Uint8Array(data.subarray(0, bytes)).buffer);
}
