/** Two loaded engines, of which the governor says which is used for the next frame. */
import type { SegmentationEngine } from '../../engine/engine.js';

/** Results say which model they come from: frames in flight at a change still belong to the other one. */
export function governedEngine(main: SegmentationEngine, small: SegmentationEngine, useSmall: () => boolean): SegmentationEngine {
  const current = () => (useSmall() ? small : main);
  return {
    get model() {
      return current().model;
    },
    depth: main.depth,
    async segment(frame, options, tracking) {
      const engine = current();
      return { ...(await engine.segment(frame, options, tracking)), model: engine.model };
    },
    msUntilFree: () => Math.max(main.msUntilFree(), small.msUntilFree()),
    measureNetwork: async (runs) => {
      // Both are warm before the first frame.
      await small.measureNetwork(1);
      return main.measureNetwork(runs);
    },
    stop: async () => {
      await Promise.all([main.stop(), small.stop()]);
    },
  };
}
