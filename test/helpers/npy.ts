import { readFileSync } from 'node:fs';

/** A NumPy array: `data` in C order. */
export interface NpyArray {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Reads an `.npy` file (format 1.0 to 3.0) of little-endian float32 in C order, the only kind the golden files use. */
export function readNpy(path: string): NpyArray {
  const file = readFileSync(path);
  if (file.toString('latin1', 0, 6) !== '\x93NUMPY') throw new Error(`${path}: expected an .npy file`);
  const wide = file[6]! >= 2;
  const headerStart = wide ? 12 : 10;
  const dataStart = headerStart + (wide ? file.readUInt32LE(8) : file.readUInt16LE(8));
  const header = file.toString('latin1', headerStart, dataStart);
  if (!/'descr': '<f4'/.test(header) || !/'fortran_order': False/.test(header)) {
    throw new Error(`${path}: expected little-endian float32 in C order, got ${header.trim()}`);
  }
  const shape = [...(/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? '').matchAll(/\d+/g)].map(Number);
  const length = shape.reduce((product, side) => product * side, 1);
  const data = new Float32Array(file.buffer.slice(file.byteOffset + dataStart, file.byteOffset + dataStart + 4 * length));
  return { shape, data };
}
