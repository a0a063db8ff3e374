/**
 * fastsamd as a library: frames from a source, segments from an engine, answers from prompts.
 *
 * ```ts
 * const engine = await openEngine({ model: 'FastSAM-s.onnx' });
 * const source = await openSource('photos/');
 * for await (const frame of source) {
 *   using picture = frame;
 *   const { segments } = await engine.segment(picture, SEGMENTATION_DEFAULTS);
 *   const [answer] = applyPrompts(segments, parsePrompts([{ type: 'points', points: [[320, 240]] }]));
 * }
 * ```
 *
 * @module
 */
export type { Box, Point } from './domain/box.js';
export type { CaptureTime, Frame, PixelFormat } from './domain/frame.js';
export type { LetterboxGeometry } from './domain/geometry.js';
export {
  type MaskRuns,
  maskArea,
  maskAreaInBox,
  maskContains,
  maskIntersection,
  maskIou,
  maskOf,
  maskSubtract,
  maskUnion,
} from './domain/mask.js';
export { PROMPT_LIMITS, type Prompt, type PromptAnswer, type PromptInput, parsePrompts, type Selection } from './domain/prompt.js';
export type { ModelIdentity } from './domain/result.js';
export type { Segments } from './domain/segments.js';
export { SEGMENTATION_DEFAULTS, type SegmentationEngine, type SegmentationOptions, type Segmented } from './engine/engine.js';
export { type EngineOptions, openEngine } from './engine/open.js';
export { type ErrorCode, FastsamError, isFastsamError } from './errors.js';
export { applyPrompts } from './prompt/apply.js';
export { openSource } from './source/open.js';
export type { Source, SourceOptions } from './source/source.js';
