/** Pictures of more than 8 bits a sample, as satellites and scanners deliver them, stretched to 8 bits. */
import type { Metadata, OutputInfo, Sharp } from 'sharp';

/** Tightly packed samples. */
export type RawPicture = { readonly data: Buffer; readonly info: OutputInfo };

/** Samples that the limits are taken from. */
const MOST_SAMPLES = 1000;
const LOW = 0.02;
const HIGH = 0.98;

type Samples = Uint16Array | Int16Array | Float32Array;
type Depth = 'ushort' | 'short' | 'float';

/** Turns a decoder's picture into RGB. */
export type ToRgb = (picture: Sharp) => Promise<RawPicture>;

/**
 * How a picture of more than 8 bits becomes RGB: each of its first three bands (one: a grey picture) between its 2nd and 98th
 * percentile, which a grid of at most 1000 × 1000 samples over the whole picture gives; values beyond are cut. `noData`, infinite
 * and undefined samples are left out, and black. Undefined for pictures of 8 bits.
 */
export async function stretchToRgb(picture: () => Sharp, metadata: Metadata, noData: number | undefined): Promise<ToRgb | undefined> {
  if (metadata.depth === 'uchar' || metadata.depth === undefined) return undefined;
  const depth: Depth = metadata.depth === 'ushort' || metadata.depth === 'short' ? metadata.depth : 'float';
  const space = metadata.space === 'rgb16' ? 'rgb16' : 'grey16';
  const bands = async (from: Sharp) => {
    const { data, info } = await from.pipelineColourspace(space).toColourspace(space).raw({ depth }).toBuffer({ resolveWithObject: true });
    return { samples: samplesOf(data, depth), info };
  };
  const { width, height } = metadata;
  const grid = picture().resize({
    width: Math.min(width, MOST_SAMPLES),
    height: Math.min(height, MOST_SAMPLES),
    fit: 'fill',
    kernel: 'nearest',
  });
  const { samples, info } = await bands(grid);
  const used = info.channels >= 3 ? [0, 1, 2] : [0];
  const limits = used.map((band) => limitsOf(samples, info.channels, band, noData));
  return async (from) => {
    const { samples: values, info: size } = await bands(from);
    const pixels = size.width * size.height;
    const rgb = Buffer.alloc(3 * pixels);
    for (let band = 0; band < 3; band += 1) {
      const source = used.length === 1 ? 0 : band;
      const { low, high } = limits[source]!;
      const scale = high > low ? 255 / (high - low) : 0;
      for (let k = 0, at = source; k < pixels; k += 1, at += size.channels) {
        const value = values[at]!;
        // A sample that is not a number becomes 0 in a buffer of bytes.
        rgb[3 * k + band] = value === noData ? 0 : Math.min(Math.max((value - low) * scale, 0), 255);
      }
    }
    return { data: rgb, info: { ...size, channels: 3 } };
  };
}

function samplesOf(data: Buffer, depth: Depth): Samples {
  const { buffer, byteOffset, byteLength } = data;
  if (depth === 'float') return new Float32Array(buffer, byteOffset, byteLength / 4);
  return depth === 'short' ? new Int16Array(buffer, byteOffset, byteLength / 2) : new Uint16Array(buffer, byteOffset, byteLength / 2);
}

function limitsOf(samples: Samples, channels: number, band: number, noData: number | undefined): { low: number; high: number } {
  const values = new Float32Array(samples.length / channels);
  let count = 0;
  for (let at = band; at < samples.length; at += channels) {
    const value = samples[at]!;
    if (value === noData || !Number.isFinite(value)) continue;
    values[count] = value;
    count += 1;
  }
  if (count === 0) return { low: 0, high: 0 };
  const sorted = values.subarray(0, count).sort();
  return { low: sorted[Math.floor(LOW * (count - 1))]!, high: sorted[Math.ceil(HIGH * (count - 1))]! };
}
