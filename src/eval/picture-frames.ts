/** Pictures of an evaluation as a source of frames: in order, none of them skipped. */
import { decodeImage } from '../addon/picture.js';
import type { Frame } from '../domain/frame.js';
import type { PipelineSource } from '../pipeline/segment-frames.js';
import { captureTime, SourceFrame } from '../source/source.js';

/** One frame for each item, opened when its turn comes. Errors: those of `open`, after the frames before have been handed out. */
export function pictureFrames<T>(items: Iterable<T>, open: (item: T) => Promise<Frame>): PipelineSource {
  let stopped = false;
  return {
    live: false,
    dropped: () => ({}),
    stop: async () => {
      stopped = true;
    },
    async *[Symbol.asyncIterator]() {
      for (const item of items) {
        if (stopped) return;
        yield await open(item);
      }
    },
  };
}

/** A picture's pixels; the caller releases them. Errors: SOURCE_NOT_FOUND, SOURCE_CORRUPT. */
export async function pictureFrame(path: string): Promise<Frame> {
  return new SourceFrame(await decodeImage(path, path), 0, captureTime(), path);
}
