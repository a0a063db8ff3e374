/** What `fastsamd segment` does once its arguments are checked and its engine is open: every frame of every source. */

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { isImagePath } from '../addon/picture-kinds.js';
import { isPending } from '../domain/answer.js';
import type { BackendChoice } from '../domain/backend.js';
import type { Frame } from '../domain/frame.js';
import type { MaskEncoding } from '../domain/mask.js';
import type { Prompt } from '../domain/prompt.js';
import type { FrameResult } from '../domain/result.js';
import { type EncodeOptions, encodeResult } from '../encode/result.js';
import type { SegmentationEngine, SegmentationOptions } from '../engine/engine.js';
import { exitCodeOf, isFastsamError, messageOf } from '../errors.js';
import { runPipeline } from '../pipeline/pipeline.js';
import { tiledEngine } from '../pipeline/tiled-engine.js';
import { withoutControls } from '../printable.js';
import { frameProblem } from '../prompt/frame-check.js';
import { assertLabels } from '../prompt/label-check.js';
import { firstFrames } from '../source/limit.js';
import { TextStage } from '../text/stage.js';
import { TEXT_DEFAULTS, TextModel } from '../text/text-model.js';
import type { ExportArguments } from './export-options.js';
import { Exports } from './exports.js';
import { expectedFrames } from './inputs.js';
import { type Finishing, finishBeforeLeaving, sayWritten, withSource, writeLine } from './leaving.js';
import type { SegmentationArguments } from './model-options.js';
import type { AnnotatedOutput } from './output.js';
import { type Progress, startProgress } from './progress.js';
import type { PromptArguments } from './prompt-options.js';
import { unanswered } from './prompt-words.js';
import { tell } from './terminal.js';
import type { TileArguments } from './tile-options.js';
import type { TrackArguments } from './track-options.js';
import type { TrackRun } from './track-run.js';

export interface SegmentArguments extends SegmentationArguments, PromptArguments, ExportArguments, TrackArguments, TileArguments {
  readonly source: readonly string[];
  readonly model?: string | undefined;
  readonly backend: BackendChoice;
  readonly threads: number;
  readonly mask: MaskEncoding;
  readonly frames?: number | undefined;
  readonly json: boolean;
  readonly out?: string | undefined;
}

/** Every object of every frame is looked at: there is time, and neighbouring pictures may have nothing in common. */
const OFFLINE_TEXT = {
  ...TEXT_DEFAULTS,
  maxCropsPerFrame: Number.POSITIVE_INFINITY,
  refresh: { iou: 1, area: 0, ageMs: 0 },
} as const;

export interface SegmentSourcesDeps {
  /** Stopped at the end. */
  readonly engine: SegmentationEngine;
  readonly segmentation: SegmentationOptions;
  readonly prompts: readonly Prompt[];
  readonly output: AnnotatedOutput | undefined;
  readonly tracking: TrackRun | undefined;
}

/** Segments and writes what was asked for. Errors: those of sources, engine and outputs; of one source among many it goes on. */
export async function segmentSources(sources: readonly string[], args: SegmentArguments, given: SegmentSourcesDeps): Promise<void> {
  const { engine: opened, prompts, output, tracking } = given;
  using finishing = finishBeforeLeaving();
  const text = new TextModel({ options: { ...OFFLINE_TEXT, model: args['text-model'] }, onnxruntime: { threads: args.threads } });
  const exports = new Exports(args);
  const frames = args.frames === undefined ? await expectedFrames(sources) : args.frames * sources.length;
  const progress = startProgress(frames);
  const onTile = (done: number, total: number) => frames === 1 && progress.reached(done, total, 'tiles');
  const engine = args.tile === undefined ? opened : tiledEngine(opened, { size: args.tile, overlap: args.overlap, onTile });
  const failures: unknown[] = [];
  const report = (error: unknown) => {
    failures.push(error);
    progress.print(() => tell(`fastsamd: ${messageOf(error)}`));
  };
  try {
    assertLabels(prompts, engine.model);
    await text.prepare(prompts);
    for (const uri of sources) {
      try {
        if (isImagePath(uri)) await exports.prepare(uri);
        await segmentSource(uri, args, { ...given, engine, text, exports, report, finishing, progress });
      } catch (error) {
        // One unusable input among many: the others are still wanted.
        if (sources.length === 1 || !isFastsamError(error) || exitCodeOf(error) !== 3 || error.code === 'OUTPUT_UNWRITABLE') throw error;
        report(error);
      }
    }
  } finally {
    progress.stop();
    await output?.close();
    await exports.close();
    await tracking?.close();
    await Promise.all([engine.stop(), text.stop()]);
  }
  for (const file of [...(output?.files ?? []), ...exports.summary]) sayWritten(file, { onlyJson: args.json });
  for (const line of tracking?.summary ?? []) tell(line);
  if (failures.length > 0) process.exitCode = Math.max(...failures.map(exitCodeOf));
}

/** Whether nothing that was asked for needs all pixels of a picture at once. */
function canReadInParts({ tile, out, cutouts, text }: SegmentArguments): boolean {
  return tile !== undefined && out === undefined && cutouts === undefined && text === undefined;
}

interface SegmentDeps extends SegmentSourcesDeps {
  readonly text: TextModel;
  readonly exports: Exports;
  readonly report: (error: unknown) => void;
  readonly finishing: Finishing;
  readonly progress: Progress;
}

async function segmentSource(uri: string, args: SegmentArguments, deps: SegmentDeps): Promise<void> {
  const encoding: EncodeOptions = {
    node: hostname()
      .toLowerCase()
      .replace(/[^a-z0-9-]+/g, '-')
      .slice(0, 64),
    camera: 'segment',
    bootId: randomUUID(),
    objects: 'matched',
    maskEncoding: args.mask,
    polygonTolerance: 1,
    maxPayloadBytes: Number.POSITIVE_INFINITY,
    nameSource: true,
  };
  const deliver = async (result: FrameResult, frame: Frame, live: boolean) => {
    const { progress } = deps;
    progress.print(() => warnOutOfFrame(deps.prompts, frame));
    await deps.tracking?.add(frame, result);
    await deps.output?.add(frame, result, live);
    await deps.exports.add(frame, result);
    const { json } = args.json ? await encodeResult(result, encoding) : { json: undefined };
    await progress.print(() => writeLine(withoutControls(json ?? summary(result))));
    progress.advance();
  };
  await withSource(
    uri,
    { onCorrupt: deps.report, inParts: canReadInParts(args), stretchDepth: args.geojson !== undefined },
    deps.finishing,
    (source) =>
      runPipeline({
        source: args.frames === undefined ? source : firstFrames(source, args.frames),
        engine: deps.engine,
        segmentation: () => deps.segmentation,
        prompts: () => ({ revision: 0, prompts: deps.prompts }),
        text: new TextStage({ model: deps.text }),
        tracking: deps.tracking?.stage(),
        deliver: (result, frame) => deliver(result, frame, source.live),
      }),
  );
  await deps.output?.endSource();
}

/** `bus.jpg #0: 810×1080, 12 objects; p1 box: object 3 (0.81); p2 points: unmatched (best 0.02)`. */
function summary(result: FrameResult): string {
  const { segments, timings } = result;
  const answers = result.answers.map((answer) => {
    const found = answer.matches.map(({ index, score }) => `object ${index} (${score.toFixed(2)})`).join(', ');
    const status = isPending(answer) ? 'pending' : 'unmatched';
    const reason = answer.reason ?? answer.follow?.reason;
    return `; ${answer.id} ${answer.type}: ${found || unanswered({ bestScore: 0, ...answer, status, reason })}`;
  });
  const ms = timings.preprocess + timings.infer + timings.decode + timings.prompt;
  return `${result.origin} #${result.sequence}: ${segments.width}×${segments.height}, ${segments.count} objects, ${ms.toFixed(0)} ms${answers.join('')}`;
}

/** A prompt that lies outside of the picture can never match: most likely a typing error. */
function warnOutOfFrame(prompts: readonly Prompt[], frame: Frame): void {
  for (const prompt of prompts) {
    const problem = frameProblem(prompt, frame);
    if (problem) tell(`fastsamd: ${frame.origin}: prompt ${prompt.id}: ${problem} of the ${frame.width}×${frame.height} frame`);
  }
}
