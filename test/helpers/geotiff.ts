/** GeoTIFF files for tests: one grey strip of 16 bits, with the tags that are wanted. */

export interface GeoTiff {
  readonly width: number;
  readonly height: number;
  /** [height × width] */
  readonly samples: Uint16Array;
  /** Doubles: 33550 scale, 33922 tie point, 34264 matrix. */
  readonly doubles?: Readonly<Record<number, readonly number[]>>;
  /** GeoKeys with a number each. */
  readonly keys?: Readonly<Record<number, number>>;
  readonly citation?: string;
  readonly noData?: string;
  readonly big?: boolean;
}

/** Little-endian; BigTIFF with `big`. */
export function geoTiff({ width, height, samples, doubles = {}, keys, citation, noData, big = false }: GeoTiff): Buffer {
  type Tag = { readonly tag: number; readonly type: number; readonly count: number; readonly data: Buffer };
  const shorts = (tag: number, values: readonly number[]): Tag => {
    const data = Buffer.alloc(2 * values.length);
    for (const [k, value] of values.entries()) data.writeUInt16LE(value, 2 * k);
    return { tag, type: 3, count: values.length, data };
  };
  const longs = (tag: number, value: number): Tag => {
    const data = Buffer.alloc(4);
    data.writeUInt32LE(value);
    return { tag, type: 4, count: 1, data };
  };
  const text = (tag: number, value: string): Tag => ({ tag, type: 2, count: value.length + 1, data: Buffer.from(`${value}\0`, 'latin1') });
  const pixels = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
  const headBytes = big ? 16 : 8;
  const tags: Tag[] = [
    longs(256, width),
    longs(257, height),
    shorts(258, [16]),
    shorts(259, [1]),
    shorts(262, [1]),
    longs(273, headBytes),
    shorts(277, [1]),
    longs(278, height),
    longs(279, pixels.length),
    shorts(339, [1]),
  ];
  for (const [tag, values] of Object.entries(doubles)) {
    const data = Buffer.alloc(8 * values.length);
    for (const [k, value] of values.entries()) data.writeDoubleLE(value, 8 * k);
    tags.push({ tag: Number(tag), type: 12, count: values.length, data });
  }
  const own = Object.entries(keys ?? {}).map(([key, value]) => [Number(key), 0, 1, value]);
  if (citation !== undefined) own.push([1026, 34737, citation.length + 1, 0]);
  if (own.length > 0) tags.push(shorts(34735, [1, 1, 0, own.length, ...own.flat()]));
  if (citation !== undefined) tags.push(text(34737, `${citation}|`));
  if (noData !== undefined) tags.push(text(42113, noData));
  tags.sort((a, b) => a.tag - b.tag);
  const [entryBytes, inline] = big ? [20, 8] : [12, 4];
  const start = headBytes + pixels.length;
  const directory = Buffer.alloc((big ? 8 : 2) + tags.length * entryBytes + (big ? 8 : 4));
  if (big) directory.writeBigUInt64LE(BigInt(tags.length));
  else directory.writeUInt16LE(tags.length);
  const extra: Buffer[] = [];
  let next = start + directory.length;
  for (const [k, { tag, type, count, data }] of tags.entries()) {
    const at = (big ? 8 : 2) + k * entryBytes;
    directory.writeUInt16LE(tag, at);
    directory.writeUInt16LE(type, at + 2);
    if (big) directory.writeBigUInt64LE(BigInt(count), at + 4);
    else directory.writeUInt32LE(count, at + 4);
    const place = at + 4 + inline;
    if (data.length <= inline) data.copy(directory, place);
    else {
      if (big) directory.writeBigUInt64LE(BigInt(next), place);
      else directory.writeUInt32LE(next, place);
      extra.push(data);
      next += data.length;
    }
  }
  const head = Buffer.alloc(headBytes);
  head.write('II', 'latin1');
  head.writeUInt16LE(big ? 43 : 42, 2);
  if (big) {
    head.writeUInt16LE(8, 4);
    head.writeBigUInt64LE(BigInt(start), 8);
  } else head.writeUInt32LE(start, 4);
  return Buffer.concat([head, pixels, directory, ...extra]);
}
