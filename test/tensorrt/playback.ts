/** "Plans" for the stand-in of TensorRT: see native/standin/playback.h. */
import { writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';

export interface Recording {
  /** The letterboxed input that it answers; absent: any. */
  readonly input?: Float32Array;
  readonly detections: Float32Array;
  readonly proto: Float32Array;
}

export interface PlaybackModel {
  readonly width: number;
  readonly height: number;
  readonly classes: number;
  /** As getInferLibVersion counts; 0: any. */
  readonly tensorrtVersion?: number;
}

export function anchorsOf(width: number, height: number): number {
  return (width * height) / 64 + (width * height) / 256 + (width * height) / 1024;
}

const bytesOf = (array: Float32Array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);

export function playbackOf({ width, height, classes, tensorrtVersion = 0 }: PlaybackModel, recordings: readonly Recording[]): Buffer {
  const numbers = (...values: number[]) => Buffer.from(new Uint32Array(values).buffer);
  const output = (name: string, dims: readonly number[]) =>
    Buffer.concat([numbers(name.length), Buffer.from(name.padEnd(Math.ceil(name.length / 4) * 4, '\0')), numbers(0, dims.length, ...dims)]);
  const plan = Buffer.concat([
    Buffer.from('FSPB'),
    numbers(0, tensorrtVersion, 0, height, width, 2),
    output('output0', [1, 36 + classes, anchorsOf(width, height)]),
    output('output1', [1, 32, height / 4, width / 4]),
    numbers(recordings.length),
    ...recordings.flatMap(({ input, detections, proto }) => [
      numbers(input ? 0 : 1, input ? crc32(bytesOf(input)) : 0),
      bytesOf(detections),
      bytesOf(proto),
    ]),
  ]);
  plan.writeUInt32LE(plan.length, 4);
  return plan;
}

/** Rectangles as objects of a class-agnostic model, with masks that fill them. */
export function rectangles(
  width: number,
  height: number,
  objects: readonly { readonly cxcywh: readonly number[]; readonly score: number }[],
): Recording {
  const anchors = anchorsOf(width, height);
  const detections = new Float32Array(37 * anchors);
  for (const [k, { cxcywh, score }] of objects.entries()) {
    for (const [row, number] of [...cxcywh, score, 1].entries()) detections[row * anchors + k] = number;
  }
  const proto = new Float32Array((32 * width * height) / 16);
  proto.fill(1, 0, (width * height) / 16);
  return { detections, proto };
}

export function writePlayback(path: string, model: PlaybackModel, recordings: readonly Recording[]): string {
  writeFileSync(path, playbackOf(model, recordings));
  return path;
}
