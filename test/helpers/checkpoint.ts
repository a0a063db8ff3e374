/** Writes PyTorch checkpoints: a pickle assembler, a zip writer, and a tiny network with YOLOv8-seg's structure. */
import { crc32, deflateRawSync } from 'node:zlib';

/** Pickle opcodes, protocol 2. Values are nested calls that return bytes. */
export const P = {
  none: Buffer.from('N'),
  bool: (value: boolean) => Buffer.from([value ? 0x88 : 0x89]),
  int: (value: number) => {
    const bytes = Buffer.alloc(5, 'J');
    bytes.writeInt32LE(value, 1);
    return bytes;
  },
  float: (value: number) => {
    const bytes = Buffer.alloc(9, 'G');
    bytes.writeDoubleBE(value, 1);
    return bytes;
  },
  text: (value: string) => {
    const length = Buffer.alloc(5, 'X');
    length.writeUInt32LE(Buffer.byteLength(value), 1);
    return Buffer.concat([length, Buffer.from(value)]);
  },
  global: (module: string, name: string) => Buffer.from(`c${module}\n${name}\n`),
  tuple: (...values: Buffer[]) => Buffer.concat([Buffer.from('('), ...values, Buffer.from('t')]),
  list: (...values: Buffer[]) => Buffer.concat([Buffer.from(']('), ...values, Buffer.from('e')]),
  dict: (entries: readonly (readonly [Buffer, Buffer])[]) => Buffer.concat([Buffer.from('}('), ...entries.flat(), Buffer.from('u')]),
  call: (callee: Buffer, ...args: Buffer[]) => Buffer.concat([callee, P.tuple(...args), Buffer.from('R')]),
  object: (type: Buffer, state: Buffer) => Buffer.concat([type, Buffer.from(')\x81', 'latin1'), state, Buffer.from('b')]),
  whole: (value: Buffer) => Buffer.concat([Buffer.from([0x80, 2]), value, Buffer.from('.')]),
};

export interface ZipEntry {
  readonly name: string;
  readonly content: Buffer;
  readonly deflate?: boolean;
  /** What the directory says in place of the truth. */
  readonly claims?: { readonly crc?: number; readonly bytes?: number };
}

/** `wide`: sizes and offsets in zip64 fields, as files above 4 GiB have them. */
export function zip(entries: readonly ZipEntry[], wide = false): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, deflate = false, claims = {} } of entries) {
    const packed = deflate ? deflateRawSync(content) : content;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(deflate ? 8 : 0, 10);
    central.writeUInt32LE(claims.crc ?? crc32(content), 16);
    central.writeUInt32LE(packed.length, 20);
    central.writeUInt32LE(claims.bytes ?? content.length, 24);
    central.writeUInt16LE(name.length, 28);
    central.writeUInt32LE(offset, 42);
    const extra = wide ? Buffer.alloc(28) : Buffer.alloc(0);
    if (wide) {
      extra.writeUInt16LE(1, 0);
      extra.writeUInt16LE(24, 2);
      for (const [k, size] of [claims.bytes ?? content.length, packed.length, offset].entries())
        extra.writeBigUInt64LE(BigInt(size), 4 + 8 * k);
      for (const at of [20, 24, 42]) central.writeUInt32LE(0xffffffff, at);
      central.writeUInt16LE(extra.length, 30);
    }
    locals.push(local, Buffer.from(name), packed);
    directory.push(central, Buffer.from(name), extra);
    offset += 30 + name.length + packed.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(offset, 16);
  if (!wide) return Buffer.concat([...locals, ...directory, end]);

  const bytes = Buffer.concat(directory).length;
  const end64 = Buffer.alloc(56);
  end64.writeUInt32LE(0x06064b50, 0);
  for (const [at, value] of [
    [24, entries.length],
    [32, entries.length],
    [40, bytes],
    [48, offset],
  ] as const)
    end64.writeBigUInt64LE(BigInt(value), at);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(offset + bytes), 8);
  for (const at of [12, 16]) end.writeUInt32LE(0xffffffff, at);
  return Buffer.concat([...locals, ...directory, end64, locator, end]);
}

export interface TinyOptions {
  readonly classes?: number;
  /** Type of the last layer. */
  readonly head?: string;
  /** A weight of the first convolution that is not a number. */
  readonly poison?: boolean;
  readonly deflate?: boolean;
  /** Modules as Ultralytics named them before 8.0.100, without submodules. */
  readonly early?: boolean;
  /** A second, averaged model beside `model`, which then is something else. */
  readonly ema?: boolean;
}

/** The pickle and storages of a network with every kind of layer, a few channels wide. */
export function tinyCheckpoint({
  classes = 2,
  head = 'Segment',
  poison = false,
  deflate = false,
  early = false,
  ema = false,
}: TinyOptions = {}): ZipEntry[] {
  const storages: Buffer[] = [];
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32 - 0.5;
  };
  const tensor = (shape: readonly number[], fill: () => number = random) => {
    const count = shape.reduce((product, side) => product * side, 1);
    const data = Float32Array.from({ length: count }, fill);
    if (poison && storages.length === 0) data[1] = Number.NaN;
    storages.push(Buffer.from(data.buffer));
    const strides = shape.map((_, k) => shape.slice(k + 1).reduce((product, side) => product * side, 1));
    const storage = Buffer.concat([
      P.tuple(P.text('storage'), P.global('torch', 'FloatStorage'), P.text(String(storages.length - 1)), P.text('cpu'), P.int(count)),
      Buffer.from('Q'),
    ]);
    const rebuild = P.global('torch._utils', '_rebuild_tensor_v2');
    return P.call(
      rebuild,
      storage,
      P.int(0),
      P.tuple(...shape.map(P.int)),
      P.tuple(...strides.map(P.int)),
      P.bool(false),
      P.call(P.global('collections', 'OrderedDict')),
    );
  };
  type Members = Record<string, Buffer>;
  const texts = (members: Members) => P.dict(Object.entries(members).map(([key, value]) => [P.text(key), value] as const));
  const module = (type: Buffer, modules: Members, attributes: Members = {}, parameters: Members = {}, buffers: Members = {}) =>
    P.object(type, texts({ ...attributes, _modules: texts(modules), _parameters: texts(parameters), _buffers: texts(buffers) }));
  const torch = (part: string, name: string) => P.global(`torch.nn.modules.${part}`, name);
  const own = (part: string, name: string) => P.global(early ? 'ultralytics.nn.modules' : `ultralytics.nn.modules.${part}`, name);
  const from = (f: Buffer, i: number): Members => ({ f, i: P.int(i) });
  const pair = (value: number) => P.tuple(P.int(value), P.int(value));

  const conv2d = (a: number, b: number, k: number, s = 1, bias = false) =>
    module(
      torch('conv', 'Conv2d'),
      {},
      { stride: pair(s), padding: pair((k - 1) / 2), dilation: pair(1), groups: P.int(1) },
      { weight: tensor([b, a, k, k]), bias: bias ? tensor([b]) : P.none },
    );
  const norm = (c: number) =>
    module(
      torch('batchnorm', 'BatchNorm2d'),
      {},
      { eps: P.float(1e-3) },
      { weight: tensor([c]), bias: tensor([c]) },
      { running_mean: tensor([c]), running_var: tensor([c], () => 1 + random()) },
    );
  const conv = (a: number, b: number, k = 1, s = 1, more: Members = {}) =>
    module(own('conv', 'Conv'), { conv: conv2d(a, b, k, s), bn: norm(b), act: module(torch('activation', 'SiLU'), {}) }, more);
  const list = (values: Buffer[]) =>
    module(torch('container', 'ModuleList'), Object.fromEntries(values.map((value, k) => [String(k), value])));
  const sequence = (values: Buffer[]) =>
    module(torch('container', 'Sequential'), Object.fromEntries(values.map((value, k) => [String(k), value])));
  const bottleneck = (c: number) => module(own('block', 'Bottleneck'), { cv1: conv(c, c, 3), cv2: conv(c, c, 3) }, { add: P.bool(true) });
  const c2f = (a: number, b: number, more: Members) =>
    module(own('block', 'C2f'), { cv1: conv(a, b), cv2: conv(b * 1.5, b), m: list([bottleneck(b / 2)]) }, more);
  const branch = (a: number, b: number) => sequence([conv(a, 8, 3), conv2d(8, b, 1, 1, true)]);

  const layers = [
    conv(3, 4, 3, 2, from(P.int(-1), 0)),
    conv(4, 8, 3, 2, from(P.int(-1), 1)),
    conv(8, 8, 3, 2, from(P.int(-1), 2)),
    c2f(8, 8, from(P.int(-1), 3)),
    conv(8, 8, 3, 2, from(P.int(-1), 4)),
    conv(8, 8, 3, 2, from(P.int(-1), 5)),
    module(
      own('block', 'SPPF'),
      { cv1: conv(8, 4), cv2: conv(16, 8), m: module(torch('pooling', 'MaxPool2d'), {}, { kernel_size: P.int(5), stride: P.int(1) }) },
      from(P.int(-1), 6),
    ),
    module(torch('upsampling', 'Upsample'), {}, { ...from(P.int(-1), 7), mode: P.text('nearest'), scale_factor: P.float(2) }),
    module(own('conv', 'Concat'), {}, from(P.list(P.int(-1), P.int(4)), 8)),
    module(
      own('head', head),
      {
        cv2: list([branch(8, 64), branch(16, 64), branch(8, 64)]),
        cv3: list([branch(8, classes), branch(16, classes), branch(8, classes)]),
        cv4: list([branch(8, 32), branch(16, 32), branch(8, 32)]),
        proto: module(own('block', 'Proto'), {
          cv1: conv(8, 8, 3),
          upsample: module(
            torch('conv', 'ConvTranspose2d'),
            {},
            { stride: pair(2), padding: pair(0), groups: P.int(1) },
            { weight: tensor([8, 8, 2, 2]), bias: tensor([8]) },
          ),
          cv2: conv(8, 8, 3),
          cv3: conv(8, 32),
        }),
      },
      { ...from(P.list(P.int(3), P.int(8), P.int(6)), 9), nc: P.int(classes), reg_max: P.int(16), nm: P.int(32) },
    ),
  ];
  const names = P.dict(Array.from({ length: classes }, (_, k) => [P.int(k), P.text(`part ${k}'s`)] as const));
  const model = module(P.global('ultralytics.nn.tasks', 'SegmentationModel'), { model: sequence(layers) }, { names });
  const pickle = P.whole(
    P.dict([
      [P.text('epoch'), P.int(-1)],
      [P.text('ema'), ema ? model : P.none],
      [P.text('model'), ema ? P.none : model],
    ]),
  );
  return [
    { name: 'tiny/data.pkl', content: pickle, deflate },
    ...storages.map((content, key) => ({ name: `tiny/data/${key}`, content, deflate })),
    { name: 'tiny/version', content: Buffer.from('3\n') },
  ];
}
