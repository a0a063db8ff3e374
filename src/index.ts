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
 * What was found leaves as COCO runs (`encodeRle`), polygons, bitmaps (`maskBitmap`), pictures (`Overlay`, `cutoutPngs`, …)
 * or a dataset (`yoloPolygons`, `cocoAnnotations`).
 *
 * @module
 */

export type { CheckResult, InspectionCode, RecipeIdentity, Verdict } from './contract/inspection.js';
export type { PromptAnswer } from './domain/answer.js';
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
export { MEASURES, type Measure } from './domain/measure.js';
export { PROMPT_LIMITS, type Prompt, type PromptInput, parsePrompts, type Selection } from './domain/prompt.js';
export {
  type CheckMeasure,
  type DecisionRule,
  type ObjectSet,
  type Recipe,
  type RecipeInput,
  recipeSchema,
  type TriggerConfig,
} from './domain/recipe.js';
export type { FrameResult, ModelIdentity } from './domain/result.js';
export { SEGMENTATION_DEFAULTS } from './domain/segmentation.js';
export type { Segments } from './domain/segments.js';
export type { CameraMotion, EndedTrack, LostTrack, NamedTrack, Tracks } from './domain/track.js';
export type { Counts, LineInput, ZoneEvent, ZoneInput } from './domain/zone.js';
export { type CocoAnnotation, type CocoCategory, type CocoImage, cocoAnnotations, cocoCategories } from './encode/coco-dataset.js';
export { decodeRle, encodeRle, maskBitmap, maskPolygons } from './encode/mask-encodings.js';
export { cutoutPngs, labelMapPng, maskPng } from './encode/mask-pictures.js';
export { type DrawOptions, Overlay } from './encode/overlay.js';
export { encodeJpeg } from './encode/snapshot.js';
export { drawVerdict, type VerdictDrawing } from './encode/verdict-overlay.js';
export { yoloPolygons } from './encode/yolo-polygons.js';
export type {
  SegmentationEngine,
  SegmentationOptions,
  Segmented,
  TrackingRequest,
} from './engine/engine.js';
export { type EngineOptions, openEngine } from './engine/open.js';
export { type ErrorCode, FastsamError, isFastsamError } from './errors.js';
export { contourAccuracy, regionSimilarity } from './eval/tracking/mask-quality.js';
export { type ScoredFrame, scoreTracking, type TrackingScores } from './eval/tracking/scores.js';
export { canonicalJson, identityOf } from './inspect/identity.js';
export { type Inspected, inspectFrame, outlinesOf } from './inspect/inspect.js';
export { type Judgement, type JudgeOptions, judge } from './inspect/judge.js';
export type { Member } from './inspect/member.js';
export { type Scene, sceneOf } from './inspect/scene.js';
export { deltaE00, type Lab } from './measure/colour.js';
export {
  type MeasureDoubt,
  type MeasureOptions,
  measureObjects,
  type ObjectMeasures,
  protoCell,
  type SomeMeasures,
} from './measure/measures.js';
export { coverageOf, type Datum, distanceBetween, type GapMeasure, gapBetween, placeInDatum, positionError } from './measure/relations.js';
export { TILE_DEFAULTS, type TileOptions, tiledEngine } from './pipeline/tiled-engine.js';
export { applyPrompts } from './prompt/apply.js';
export { openSource } from './source/open.js';
export { openPicture } from './source/picture-bytes.js';
export type { Source, SourceOptions } from './source/source.js';
export { CameraMotionEstimator } from './track/camera-motion.js';
export { openTracker, TRACKER_DEFAULTS, type Tracker, type TrackerOptions, type TrackInput } from './track/tracker.js';
export { createZones, Zones, type ZonesConfig } from './zone/zones.js';
