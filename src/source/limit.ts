import type { Frame } from '../domain/frame.js';
import type { Source } from './source.js';

/** The first `count` frames of a source; it is stopped after them. */
export function firstFrames(source: Source, count: number): Source {
  return {
    uri: source.uri,
    live: source.live,
    open: () => source.open(),
    received: () => source.received(),
    dropped: () => source.dropped(),
    newest: async (frame) => (source.newest ? source.newest(frame) : frame),
    stop: () => source.stop(),
    async *[Symbol.asyncIterator](): AsyncGenerator<Frame> {
      let left = count;
      for await (const frame of source) {
        left -= 1;
        yield frame;
        if (left <= 0) break;
      }
      await source.stop();
    },
  };
}
