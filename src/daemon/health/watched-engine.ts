/** An engine whose inferences are counted on the way through. */
import type { SegmentationEngine } from '../../engine/engine.js';
import type { Progress } from './progress.js';

export function watchedEngine(engine: SegmentationEngine, inference: Progress): SegmentationEngine {
  return {
    model: engine.model,
    depth: engine.depth,
    segment: (frame, options, tracking) => inference.watch(() => engine.segment(frame, options, tracking)),
    msUntilFree: () => engine.msUntilFree(),
    measureNetwork: (runs) => inference.watch(() => engine.measureNetwork(runs)),
    stop: () => engine.stop(),
  };
}
