/** Modules and tensors among the records of a checkpoint: what torch.nn.Module keeps where, and storages as numbers. */
import { FastsamError } from '../../errors.js';
import { PyObject, PyStorage, type PyValue } from './pickle.js';
import type { ZipArchive } from './zip.js';

export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

const MAX_ELEMENTS = 2 ** 28;

/** Bytes of one element and how to read it. */
const STORAGES: Readonly<Record<string, { readonly bytes: number; read(view: DataView, at: number): number }>> = {
  'torch.FloatStorage': { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  'torch.HalfStorage': { bytes: 2, read: (view, at) => halfToFloat(view.getUint16(at, true)) },
  'torch.BFloat16Storage': { bytes: 2, read: (view, at) => bfloatToFloat(view.getUint16(at, true)) },
  'torch.DoubleStorage': { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
};

/** One module of the tree: `path` as PyTorch would name it, `model.22.cv2.0`. */
export class Module {
  constructor(
    readonly path: string,
    private readonly record: PyObject,
    private readonly archive: ZipArchive,
    /** Archive folder with a trailing slash. */
    private readonly prefix: string,
  ) {}

  /** Class name without its module: the same in early and later Ultralytics versions. */
  get type(): string {
    return this.record.type.slice(this.record.type.lastIndexOf('.') + 1);
  }

  has(name: string): boolean {
    return this.#dict('_modules').get(name) instanceof PyObject;
  }

  /** Errors: MODEL_UNSUPPORTED. */
  child(name: string): Module {
    const record = this.#dict('_modules').get(name);
    if (!(record instanceof PyObject)) throw this.unsupported(`has no module "${name}"`);
    return new Module(this.path === '' ? name : `${this.path}.${name}`, record, this.archive, this.prefix);
  }

  /** The children of a Sequential or ModuleList, in order. */
  get children(): Module[] {
    return [...this.#dict('_modules').keys()].map((name) => this.child(String(name)));
  }

  attribute(name: string): PyValue | undefined {
    return this.record.state instanceof Map ? this.record.state.get(name) : undefined;
  }

  /** A whole number between the bounds; of a pair such as (2, 2) its two equal members. Errors: MODEL_UNSUPPORTED. */
  integer(name: string, min: number, max: number): number {
    const value = this.attribute(name);
    const [first, second = first] = Array.isArray(value) ? value : [value];
    if (typeof first !== 'number' || first !== second || !Number.isInteger(first) || first < min || first > max) {
      throw this.unsupported(`${name} is not a whole number from ${min} to ${max}`);
    }
    return first;
  }

  /** A parameter or buffer as float32; undefined when there is none. Errors: MODEL_CORRUPT, MODEL_UNSUPPORTED. */
  tensor(name: string): Tensor | undefined {
    const value = this.#dict('_parameters').get(name) ?? this.#dict('_buffers').get(name);
    if (value === undefined || value === null) return undefined;
    return this.#rebuild(value, `${this.path}.${name}`);
  }

  unsupported(why: string): FastsamError {
    return new FastsamError('MODEL_UNSUPPORTED', `${this.path || 'the model'} (${this.type}) ${why}`);
  }

  #dict(name: string): ReadonlyMap<PyValue, PyValue> {
    const value = this.attribute(name);
    if (value instanceof Map) return value;
    return value instanceof PyObject ? value.items : new Map();
  }

  #rebuild(value: PyValue, name: string): Tensor {
    if (value instanceof PyObject && value.type === 'torch._utils._rebuild_parameter') return this.#rebuild(value.args[0] ?? null, name);
    const args = value instanceof PyObject && value.type === 'torch._utils._rebuild_tensor_v2' ? value.args : [];
    const [storage, offset, size, stride] = args;
    if (!(storage instanceof PyStorage) || !isSizes(size) || !isSizes(stride) || typeof offset !== 'number') {
      throw new FastsamError('MODEL_CORRUPT', `${name}: not a tensor`);
    }
    const kind = STORAGES[storage.type];
    if (!kind) throw new FastsamError('MODEL_UNSUPPORTED', `${name}: stored as ${storage.type}; expected floating point`);
    const count = size.reduce((product, side) => product * side, 1);
    const contiguous = size.every((side, k) => side === 1 || stride[k] === size.slice(k + 1).reduce((product, next) => product * next, 1));
    if (!contiguous) throw new FastsamError('MODEL_UNSUPPORTED', `${name}: not contiguous`);
    const bytes = this.archive.read(`${this.prefix}data/${storage.key}`);
    if (count > MAX_ELEMENTS || !Number.isInteger(offset) || offset < 0 || (offset + count) * kind.bytes > bytes.length) {
      throw new FastsamError('MODEL_CORRUPT', `${name}: larger than its storage`);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const data = new Float32Array(count);
    for (let k = 0; k < count; k += 1) {
      const number = kind.read(view, (offset + k) * kind.bytes);
      if (!Number.isFinite(number)) throw new FastsamError('MODEL_CORRUPT', `${name}: a weight is ${number}`);
      data[k] = number;
    }
    return { shape: size, data };
  }
}

function isSizes(value: PyValue | undefined): value is number[] {
  return (
    Array.isArray(value) && value.length <= 8 && value.every((side) => typeof side === 'number' && Number.isInteger(side) && side >= 0)
  );
}

/** IEEE 754 binary16. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const word = new DataView(new ArrayBuffer(4));
function bfloatToFloat(bits: number): number {
  word.setUint32(0, bits << 16);
  return word.getFloat32(0);
}
