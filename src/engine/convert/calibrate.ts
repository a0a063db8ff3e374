/** Ranges of a network's values over pictures. */
import type { Range } from '../../model/convert/int8.js';
import { encodeModel } from '../../model/onnx-proto.js';
import { ort } from '../onnxruntime/onnxruntime.js';
import { Histogram } from './histogram.js';
import { readInput } from './pictures.js';
import { type Simplified, withOutputs } from './simplify.js';

/** Values of one inference that are held at a time. */
const MAX_BYTES = 256 * 2 ** 20;
/** Tensors of one inference while their sizes are not known. */
const FIRST_GROUP = 8;

/** Runs the float32 network on every picture and returns the range of each tensor. `onPicture` is told how many are done. */
export async function measureRanges(
  { model, input, width, height }: Simplified,
  tensors: readonly string[],
  pictures: readonly string[],
  onPicture: (done: number) => void,
): Promise<Map<string, Range>> {
  // Nothing to measure in a network of a single convolution.
  if (tensors.length === 0) return new Map();
  const session = await ort.InferenceSession.create(encodeModel(withOutputs(model, tensors)), { logSeverityLevel: 3 });
  try {
    const histograms = new Map(tensors.map((name) => [name, new Histogram()]));
    const sizes = new Map<string, number>();
    const pixels = new Float32Array(3 * width * height);
    for (const [index, picture] of pictures.entries()) {
      await readInput(picture, pixels, width, height);
      const feeds = { [input]: new ort.Tensor('float32', pixels, [1, 3, height, width]) };
      for (const group of groupsOf(tensors, sizes)) {
        for (const [name, { data }] of Object.entries(await session.run(feeds, group))) {
          histograms.get(name)!.add(data as Float32Array);
          sizes.set(name, data.length * 4);
        }
      }
      onPicture(index + 1);
    }
    return new Map([...histograms].map(([name, histogram]) => [name, histogram.range()]));
  } finally {
    await session.release();
  }
}

function groupsOf(tensors: readonly string[], sizes: ReadonlyMap<string, number>): string[][] {
  const groups: string[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    const size = sizes.get(tensor) ?? MAX_BYTES / FIRST_GROUP;
    if (bytes + size > MAX_BYTES && groups.at(-1)!.length > 0) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)!.push(tensor);
    bytes += size;
  }
  return groups;
}
