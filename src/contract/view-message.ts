/**
 * One frame for a console, packed: header, objects, regions, map, meta, picture. Numbers are little endian, and a section
 * begins at a multiple of 4. native/binding/view_message.cc writes it. Without imports, so that a browser can read it.
 *
 *     0 u8 type = 1 · u8 version · u16 flags · u32 channel · u32 seq · u32 prompt revision · f64 captured at, ms since 1970
 *    24 u16 frame width, height · picture width, height · part x, y, width, height · map width, height · objects · regions
 *    48 u32 bytes of objects, regions, map, meta, picture · u8 codec (0 none, 1 JPEG) · 3 bytes of padding
 *    72 objects: 24 bytes each: u16 x1, y1, x2, y2 · u16 score / 65535 · u16 class · u32 area · u32 prompts · u32 track
 *       regions: for each the number of its objects and their indices, the smallest first; LEB128. Region 0 has none.
 *       map: column by column pairs of LEB128: 0 for cells as in the column to the left, else region + 1; how many cells
 *       meta: JSON
 */

export const VIEW_HEADER_BYTES = 72;
export const VIEW_OBJECT_BYTES = 24;
export const VIEW_TYPE = 1;
export const VIEW_VERSION = 1;
export const ACK_TYPE = 2;
export const ACK_BYTES = 12;
/** The picture is withheld: `console.pictures` of the camera is off. */
export const FLAG_WITHHELD = 1;
/** A photo, which no other frame follows. */
export const FLAG_STILL = 2;
/** Objects show the first 32 prompts in their bits. */
export const MAX_PROMPT_BITS = 32;

/** What the server fills in; sizes and lengths are the addon's. */
export interface ViewHead {
  readonly flags: number;
  readonly channel: number;
  readonly seq: number;
  readonly promptRevision: number;
  /** Milliseconds since the Unix epoch. */
  readonly capturedAtMs: number;
}

export interface ViewObjects {
  readonly count: number;
  /** [count × 4] x1, y1, x2, y2 in pixels of the frame. */
  readonly boxes: Uint16Array;
  /** [count] 0…1. */
  readonly scores: Float32Array;
  readonly classes: Uint16Array;
  /** [count] pixels of the mask. */
  readonly areas: Uint32Array;
  /** [count] bit k: answers the k-th prompt of the meta. */
  readonly prompts: Uint32Array;
  /** [count] track ids; 0 without one. */
  readonly tracks: Uint32Array;
}

export interface View<Meta = unknown> extends ViewHead {
  readonly frame: { readonly width: number; readonly height: number };
  /** What picture and map show, in pixels of the frame. */
  readonly part: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  readonly picture: { readonly width: number; readonly height: number; readonly jpeg: Uint8Array<ArrayBuffer> } | undefined;
  readonly map: {
    readonly width: number;
    readonly height: number;
    /** [width × height] regions, row by row. */
    readonly cells: Uint16Array<ArrayBuffer>;
  };
  /** Objects of each region, the smallest first. */
  readonly regions: readonly Uint16Array[];
  readonly objects: ViewObjects;
  readonly meta: Meta;
}

/** The header of a message to be, for `viewMessage` of the addon. */
export function viewHeader({ flags, channel, seq, promptRevision, capturedAtMs }: ViewHead): Uint8Array {
  const bytes = new Uint8Array(VIEW_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VIEW_TYPE);
  view.setUint8(1, VIEW_VERSION);
  view.setUint16(2, flags, true);
  view.setUint32(4, channel, true);
  view.setUint32(8, seq, true);
  view.setUint32(12, promptRevision, true);
  view.setFloat64(16, capturedAtMs, true);
  return bytes;
}

/** Tells the server that a frame is on the screen. */
export function ackMessage(channel: number, seq: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(ACK_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, ACK_TYPE);
  view.setUint32(4, channel, true);
  view.setUint32(8, seq, true);
  return bytes;
}

/** Undefined for anything that is no acknowledgement. */
export function readAck(bytes: Uint8Array): { readonly channel: number; readonly seq: number } | undefined {
  if (bytes.length !== ACK_BYTES || bytes[0] !== ACK_TYPE) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return { channel: view.getUint32(4, true), seq: view.getUint32(8, true) };
}

interface Layout {
  readonly view: DataView;
  /** Objects, regions, map, meta, picture. */
  readonly sections: readonly [Bytes, Bytes, Bytes, Bytes, Bytes];
  readonly hasJpeg: boolean;
}

type Bytes = Uint8Array<ArrayBuffer>;

function layoutOf(bytes: Bytes): Layout {
  if (bytes.length < VIEW_HEADER_BYTES) throw new RangeError('view message: shorter than its header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint8(0) !== VIEW_TYPE || view.getUint8(1) !== VIEW_VERSION) throw new RangeError('view message: another type or version');
  const sections: Bytes[] = [];
  let at = VIEW_HEADER_BYTES;
  for (let i = 0; i < 5; i += 1) {
    const length = view.getUint32(48 + 4 * i, true);
    if (at + length > bytes.length) throw new RangeError('view message: a section reaches beyond the end');
    sections.push(bytes.subarray(at, at + length));
    at = Math.ceil((at + length) / 4) * 4;
  }
  return { view, sections: sections as unknown as Layout['sections'], hasJpeg: view.getUint8(68) === 1 };
}

/** The picture alone, so that its decoding can begin; undefined when it is withheld. Errors: as readView, of the header. */
export function readJpeg(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
  const { sections, hasJpeg } = layoutOf(bytes);
  return hasJpeg ? sections[4] : undefined;
}

/** Errors: RangeError for bytes that are no view message; the memory taken is bounded by what the header says, 16 bits a side. */
export function readView<Meta = unknown>(bytes: Uint8Array<ArrayBuffer>): View<Meta> {
  const { view, sections, hasJpeg } = layoutOf(bytes);
  const sizes = Array.from({ length: 12 }, (_, i) => view.getUint16(24 + 2 * i, true));
  const [width, height, pictureWidth, pictureHeight, x, y, partWidth, partHeight, mapWidth, mapHeight, objects, regions] = sizes as [
    number,
    ...number[],
  ] & {
    [K in keyof [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]]: number;
  };
  const [objectBytes, regionBytes, mapBytes, metaBytes, jpeg] = sections;
  return {
    flags: view.getUint16(2, true),
    channel: view.getUint32(4, true),
    seq: view.getUint32(8, true),
    promptRevision: view.getUint32(12, true),
    capturedAtMs: view.getFloat64(16, true),
    frame: { width, height },
    part: { x, y, width: partWidth, height: partHeight },
    picture: hasJpeg ? { width: pictureWidth, height: pictureHeight, jpeg } : undefined,
    map: { width: mapWidth, height: mapHeight, cells: readCells(mapBytes, mapWidth, mapHeight, regions) },
    regions: readRegions(regionBytes, regions, objects),
    objects: readObjects(objectBytes, objects),
    meta: JSON.parse(new TextDecoder().decode(metaBytes)) as Meta,
  };
}

function readObjects(bytes: Uint8Array, count: number): ViewObjects {
  if (bytes.length !== count * VIEW_OBJECT_BYTES) throw new RangeError('view message: objects of another size');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const objects = {
    count,
    boxes: new Uint16Array(4 * count),
    scores: new Float32Array(count),
    classes: new Uint16Array(count),
    areas: new Uint32Array(count),
    prompts: new Uint32Array(count),
    tracks: new Uint32Array(count),
  };
  for (let i = 0; i < count; i += 1) {
    const at = i * VIEW_OBJECT_BYTES;
    for (let side = 0; side < 4; side += 1) objects.boxes[4 * i + side] = view.getUint16(at + 2 * side, true);
    objects.scores[i] = view.getUint16(at + 8, true) / 65535;
    objects.classes[i] = view.getUint16(at + 10, true);
    objects.areas[i] = view.getUint32(at + 12, true);
    objects.prompts[i] = view.getUint32(at + 16, true);
    objects.tracks[i] = view.getUint32(at + 20, true);
  }
  return objects;
}

/** LEB128 numbers of at most 32 bits, one after the other. */
class Numbers {
  #at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get isAtEnd(): boolean {
    return this.#at >= this.bytes.length;
  }

  next(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes[this.#at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('view message: a number without an end');
  }
}

function readRegions(bytes: Uint8Array, regions: number, objects: number): Uint16Array[] {
  const numbers = new Numbers(bytes);
  const read: Uint16Array[] = [];
  for (let region = 0; region < regions; region += 1) {
    const count = numbers.next();
    if (count > objects) throw new RangeError('view message: a region of more objects than there are');
    const list = new Uint16Array(count);
    for (let i = 0; i < count; i += 1) {
      const object = numbers.next();
      if (object >= objects) throw new RangeError('view message: a region of an unknown object');
      list[i] = object;
    }
    read.push(list);
  }
  return read;
}

function readCells(bytes: Uint8Array, width: number, height: number, regions: number): Uint16Array<ArrayBuffer> {
  const numbers = new Numbers(bytes);
  const cells = new Uint16Array(width * height);
  for (let column = 0; column < width; column += 1) {
    for (let row = 0; row < height; ) {
      const value = numbers.next();
      const length = numbers.next();
      if (length === 0 || row + length > height || value > regions || (value === 0 && column === 0))
        throw new RangeError('view message: a map that does not fit its size');
      for (const end = row + length; row < end; row += 1) {
        const at = row * width + column;
        cells[at] = value === 0 ? cells[at - 1]! : value - 1;
      }
    }
  }
  if (!numbers.isAtEnd) throw new RangeError('view message: a map that does not fit its size');
  return cells;
}
