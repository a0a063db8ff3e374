/**
 * Reads the pickle of a PyTorch checkpoint into plain records. A pickle is a program; this reader knows the opcodes that
 * torch.save writes (protocol 2, Python's Lib/pickletools.py), and where Python would import or call something it only
 * notes what. Nothing is ever run, and a name that checkpoints have no use for is refused.
 */
import { FastsamError } from '../../errors.js';

/** A class or function by name, `torch.nn.modules.conv.Conv2d`. */
export class PyGlobal {
  constructor(readonly name: string) {}
}

/** What calling a global would have made: its arguments, its state (`__dict__`), its items (of dict subclasses). */
export class PyObject {
  state: PyValue = null;
  readonly items = new Map<PyValue, PyValue>();
  constructor(
    readonly type: string,
    readonly args: readonly PyValue[],
  ) {}
}

/** A storage by reference: the entry `data/<key>` of the archive. */
export class PyStorage {
  constructor(
    readonly type: string,
    readonly key: string,
    readonly count: number,
  ) {}
}

/** Lists and tuples are arrays, dicts are maps. */
export type PyValue = null | boolean | number | string | PyValue[] | Map<PyValue, PyValue> | PyGlobal | PyObject | PyStorage;

const LIMITS = { stack: 1_000_000, memo: 5_000_000, text: 2 ** 20 };

const ALLOWED = new Set([
  'collections.OrderedDict',
  '__builtin__.set',
  '__builtin__.getattr',
  'builtins.set',
  'builtins.getattr',
  'torch._utils._rebuild_tensor_v2',
  'torch._utils._rebuild_parameter',
  'torch.nn.parameter.Parameter',
  'torch.Size',
  'torch.device',
  'pathlib.PosixPath',
  'pathlib.WindowsPath',
  'pathlib._local.PosixPath',
  'numpy.core.multiarray.scalar',
  'numpy._core.multiarray.scalar',
  'numpy.dtype',
  '_codecs.encode',
  'types.SimpleNamespace',
  'argparse.Namespace',
]);
const ALLOWED_FAMILIES = [
  /^torch\.[A-Z][A-Za-z0-9]*Storage$/,
  /^torch\.(b?float|u?int|complex|bool|half|double|long)\d*$/,
  /^torch\.nn\.modules\.[a-z_]+\.[A-Z]\w*$/,
  /^ultralytics(\.[a-z_0-9]+)+\.[A-Z]\w*$/,
];

/** Errors: MODEL_CORRUPT (not a pickle, cut short, too large), MODEL_UNSUPPORTED (an opcode or name that is refused). */
export function readPickle(bytes: Buffer, name: string): PyValue {
  try {
    return new Reader(bytes, name).run();
  } catch (cause) {
    if (cause instanceof FastsamError) throw cause;
    throw new FastsamError('MODEL_CORRUPT', `${name}: its pickle is damaged or cut short`, { cause });
  }
}

const MARK = Symbol('mark');

class Reader {
  #at = 0;
  readonly #stack: (PyValue | typeof MARK)[] = [];
  readonly #memo = new Map<number, PyValue>();

  constructor(
    private readonly bytes: Buffer,
    private readonly name: string,
  ) {}

  run(): PyValue {
    for (;;) {
      const code = this.bytes.readUInt8(this.#at);
      this.#at += 1;
      if (code === 0x2e) return this.#pop();
      const step = OPCODES.get(code);
      if (!step) {
        const shown = code > 0x20 && code < 0x7f ? ` ('${String.fromCharCode(code)}')` : '';
        throw this.refused(`the opcode 0x${code.toString(16).padStart(2, '0')}${shown} at byte ${this.#at - 1}`);
      }
      step(this);
      if (this.#stack.length > LIMITS.stack || this.#memo.size > LIMITS.memo) throw this.corrupt('too large');
    }
  }

  refused(what: string): FastsamError {
    return new FastsamError('MODEL_UNSUPPORTED', `${this.name}: its pickle uses ${what}, which no YOLO checkpoint needs; refused`);
  }

  corrupt(why: string): FastsamError {
    return new FastsamError('MODEL_CORRUPT', `${this.name}: its pickle is damaged: ${why}`);
  }

  take(count: number): Buffer {
    if (count > LIMITS.text || this.#at + count > this.bytes.length) throw this.corrupt('a text is too long or cut short');
    this.#at += count;
    return this.bytes.subarray(this.#at - count, this.#at);
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.#at);
    if (end < 0 || end - this.#at > 1000) throw this.corrupt('a line is too long or cut short');
    const text = this.bytes.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return text;
  }

  push(value: PyValue): void {
    this.#stack.push(value);
  }

  pop(): PyValue {
    return this.#pop();
  }

  mark(): void {
    this.#stack.push(MARK);
  }

  /** What was pushed since the last mark. */
  sinceMark(): PyValue[] {
    const at = this.#stack.lastIndexOf(MARK);
    if (at < 0) throw this.corrupt('a mark is missing');
    return this.#stack.splice(at).slice(1) as PyValue[];
  }

  top(): PyValue {
    const value = this.#stack.at(-1);
    if (value === undefined || value === MARK) throw this.corrupt('a value is missing');
    return value;
  }

  remember(index: number): void {
    this.#memo.set(index, this.top());
  }

  recall(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) throw this.corrupt('a reference leads nowhere');
    this.push(value);
  }

  global(): void {
    const name = `${this.line()}.${this.line()}`;
    if (!ALLOWED.has(name) && !ALLOWED_FAMILIES.some((family) => family.test(name))) throw this.refused(`"${name}"`);
    this.push(new PyGlobal(name));
  }

  call(): void {
    const args = this.pop();
    const callee = this.pop();
    if (!(callee instanceof PyGlobal) || !Array.isArray(args)) throw this.refused('a call of something that is no plain class');
    this.push(new PyObject(callee.name, args));
  }

  build(): void {
    const state = this.pop();
    const object = this.top();
    if (!(object instanceof PyObject)) throw this.corrupt('state for something that is no object');
    object.state = state;
  }

  setItems(pairs: PyValue[]): void {
    const target = this.top();
    const map = target instanceof PyObject ? target.items : target;
    if (!(map instanceof Map) || pairs.length % 2 !== 0) throw this.corrupt('items for something that is no dict');
    for (let k = 0; k < pairs.length; k += 2) map.set(pairs[k]!, pairs[k + 1]!);
  }

  append(values: PyValue[]): void {
    const target = this.top();
    if (!Array.isArray(target)) throw this.corrupt('entries for something that is no list');
    for (const value of values) target.push(value);
  }

  storage(): void {
    const id = this.pop();
    const [kind, type, key, , count] = Array.isArray(id) ? id : [];
    if (kind !== 'storage' || !(type instanceof PyGlobal) || typeof key !== 'string' || typeof count !== 'number') {
      throw this.corrupt('a tensor refers to something that is no storage');
    }
    this.push(new PyStorage(type.name, key, count));
  }

  /** A little-endian two's complement integer; beyond 53 bits it is no size of ours. */
  long(count: number): void {
    const bytes = this.take(count);
    if (count > 8) throw this.corrupt('an integer is too large');
    let value = 0n;
    for (const [k, byte] of bytes.entries()) value |= BigInt(byte) << BigInt(8 * k);
    this.push(Number(BigInt.asIntN(8 * count, value)));
  }

  #pop(): PyValue {
    const value = this.#stack.pop();
    if (value === undefined || value === MARK) throw this.corrupt('a value is missing');
    return value;
  }
}

type Step = (reader: Reader) => void;

function tupleOf(count: number): Step {
  return (reader) => {
    const values = Array.from({ length: count }, () => reader.pop());
    reader.push(values.reverse());
  };
}

/** The opcodes by their byte, with the names of pickletools. */
const OPCODES: ReadonlyMap<number, Step> = new Map<number, Step>([
  [0x80, (r) => void r.take(1)], // PROTO
  [0x28, (r) => r.mark()], // MARK
  [0x63, (r) => r.global()], // GLOBAL
  [0x52, (r) => r.call()], // REDUCE
  [0x81, (r) => r.call()], // NEWOBJ
  [0x62, (r) => r.build()], // BUILD
  [0x51, (r) => r.storage()], // BINPERSID
  [0x4e, (r) => r.push(null)], // NONE
  [0x88, (r) => r.push(true)], // NEWTRUE
  [0x89, (r) => r.push(false)], // NEWFALSE
  [0x4a, (r) => r.push(r.take(4).readInt32LE())], // BININT
  [0x4b, (r) => r.push(r.take(1).readUInt8())], // BININT1
  [0x4d, (r) => r.push(r.take(2).readUInt16LE())], // BININT2
  [0x8a, (r) => r.long(r.take(1).readUInt8())], // LONG1
  [0x47, (r) => r.push(r.take(8).readDoubleBE())], // BINFLOAT
  [0x58, (r) => r.push(r.take(r.take(4).readUInt32LE()).toString('utf8'))], // BINUNICODE
  [0x55, (r) => r.push(r.take(r.take(1).readUInt8()).toString('latin1'))], // SHORT_BINSTRING
  [0x5d, (r) => r.push([])], // EMPTY_LIST
  [0x7d, (r) => r.push(new Map())], // EMPTY_DICT
  [0x29, (r) => r.push([])], // EMPTY_TUPLE
  [0x85, tupleOf(1)], // TUPLE1
  [0x86, tupleOf(2)], // TUPLE2
  [0x87, tupleOf(3)], // TUPLE3
  [0x74, (r) => r.push(r.sinceMark())], // TUPLE
  [0x61, (r) => r.append([r.pop()])], // APPEND
  [0x65, (r) => r.append(r.sinceMark())], // APPENDS
  [0x73, (r) => r.setItems([r.pop(), r.pop()].reverse())], // SETITEM
  [0x75, (r) => r.setItems(r.sinceMark())], // SETITEMS
  [0x71, (r) => r.remember(r.take(1).readUInt8())], // BINPUT
  [0x72, (r) => r.remember(r.take(4).readUInt32LE())], // LONG_BINPUT
  [0x68, (r) => r.recall(r.take(1).readUInt8())], // BINGET
  [0x6a, (r) => r.recall(r.take(4).readUInt32LE())], // LONG_BINGET
]);
