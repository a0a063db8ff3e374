/** `fastsamd bench`: what a frame costs, stage by stage, and what is lost beside the network itself. */
import type { BackendChoice } from '../domain/backend.js';
import type { StageTimings } from '../domain/result.js';
import type { CameraMotionMode } from '../domain/track.js';
import { encodeResult } from '../encode/result.js';
import type { SegmentationEngine } from '../engine/engine.js';
import { FastsamError } from '../errors.js';
import { runPipeline } from '../pipeline/pipeline.js';
import { withoutControls } from '../printable.js';
import { HeldFrames } from '../source/held-frames.js';
import { firstFrames } from '../source/limit.js';
import type { Source } from '../source/source.js';
import { TextBench, type TextReport, textTable } from './bench-text.js';
import { TrackBench, type TrackReport, trackTable } from './bench-track.js';
import { type Finishing, finishBeforeLeaving, whileOpen, withSource } from './leaving.js';
import { demandRange, type SegmentationArguments, segmentationOf } from './model-options.js';
import { openModel } from './open-model.js';
import { startProgress } from './progress.js';

/** The network alone and the pipeline take turns, so that a machine that slows down slows both. */
const ROUNDS = 12;
/** The first frames of a round find full queues behind them. */
const SETTLING_FRAMES = 4;
/** Of a drawn scene, in memory. */
const MAX_HELD_BYTES = 256 * 2 ** 20;
/** Inferences between two looks at whether the command is to leave. */
const BARE_RUNS = 8;

export interface BenchArguments extends SegmentationArguments {
  readonly source: string;
  readonly model?: string | undefined;
  readonly backend: BackendChoice;
  readonly threads: number;
  readonly frames: number;
  readonly text?: readonly string[] | undefined;
  readonly 'text-model': string;
  readonly track: boolean;
  readonly 'camera-motion': CameraMotionMode;
  readonly json: boolean;
}

/** Frames per second of the pipeline, and of the network alone just before and just after it. */
interface Round {
  readonly bareFps: number;
  readonly fps: number;
}

export async function bench(args: BenchArguments): Promise<void> {
  const segmentation = segmentationOf(args);
  demandRange('--frames', args.frames, 10, 1e6, true);
  const engine = await openModel(args);
  using finishing = finishBeforeLeaving();
  const text = args.text && new TextBench(args.text, args['text-model'], args.threads);
  const track = args.track ? new TrackBench(args['camera-motion']) : undefined;
  const perRound = Math.ceil(args.frames / ROUNDS) + SETTLING_FRAMES;
  const progress = startProgress(((2 + (text ? 1 : 0) + (track ? 1 : 0)) * ROUNDS + 1) * perRound);
  const stages = new Map<string, number[]>();
  const rounds: Round[] = [];
  try {
    await text?.prepare();
    using drawn = isDrawn(args.source) ? await drawBeforehand(args.source, perRound, finishing) : undefined;
    const shared = { uri: args.source, drawn, frames: perRound, engine, segmentation, stages, finishing };
    let before = await measureBare(engine, perRound, finishing, progress.advance);
    for (let round = 0; round < ROUNDS && !finishing.signal.aborted; round += 1) {
      // Every other round begins with tracking, so that neither run is always the first.
      const isTrackedFirst = round % 2 === 1;
      const tracked = () => track && measurePipeline({ ...shared, track, onFrame: progress.advance });
      const trackedBefore = isTrackedFirst ? await tracked() : undefined;
      const fps = await measurePipeline({ ...shared, onFrame: progress.advance });
      const trackedFps = trackedBefore ?? (await tracked());
      if (track && trackedFps !== undefined) track.compare({ fps: trackedFps, withoutFps: fps });
      if (text) await measurePipeline({ ...shared, text, onFrame: progress.advance });
      const after = await measureBare(engine, perRound, finishing, progress.advance);
      rounds.push({ fps, bareFps: (before + after) / 2 });
      before = after;
    }
    if (text) await withSource(args.source, { loop: true }, finishing, (source) => text.measureLook(source, engine, segmentation));
  } finally {
    progress.stop();
    await Promise.all([engine.stop(), text?.stop()]);
  }
  // Half of a measurement is none.
  if (finishing.signal.aborted) return;
  const report = summarise(engine, stages, rounds, text, track);
  process.stdout.write(withoutControls(args.json ? `${JSON.stringify(report)}\n` : table(report)));
}

function isDrawn(uri: string): boolean {
  return uri.startsWith('test:');
}

/** Pictures of a scene: to draw them would take the processor from the network, which no camera does. Undefined for one that is live. */
async function drawBeforehand(uri: string, frames: number, finishing: Finishing): Promise<HeldFrames | undefined> {
  let held: HeldFrames | undefined;
  await withSource(uri, {}, finishing, async (source) => {
    if (!source.live) held = await HeldFrames.of(source, { frames, bytes: MAX_HELD_BYTES });
  });
  return held;
}

async function measureBare(engine: SegmentationEngine, runs: number, { signal }: Finishing, advance: () => void): Promise<number> {
  const times: number[] = [];
  while (times.length < runs && !signal.aborted) {
    for (const ms of await engine.measureNetwork(Math.min(BARE_RUNS, runs - times.length))) {
      times.push(ms);
      advance();
    }
  }
  const settled = times.slice(SETTLING_FRAMES);
  return (1000 * settled.length) / settled.reduce((sum, ms) => sum + ms, 0);
}

interface PipelineMeasurement {
  readonly uri: string;
  /** In place of the source. */
  readonly drawn: HeldFrames | undefined;
  readonly frames: number;
  readonly engine: SegmentationEngine;
  readonly segmentation: ReturnType<typeof segmentationOf>;
  readonly stages: Map<string, number[]>;
  readonly finishing: Finishing;
  /** Its frames are recorded there, and nowhere else. */
  readonly text?: TextBench;
  readonly track?: TrackBench;
  readonly onFrame: () => void;
}

/** Frames per second from the first settled frame to the last; stage times are collected into `stages`. */
async function measurePipeline(measurement: PipelineMeasurement): Promise<number> {
  const { uri, drawn, frames, engine, segmentation, stages, finishing, text, track, onFrame } = measurement;
  const prompts = text?.prompts ?? [];
  let count = 0;
  let begin = 0;
  let end = 0;
  const run = (source: Source) =>
    runPipeline({
      source: firstFrames(source, frames),
      engine,
      segmentation: () => segmentation,
      prompts: () => ({ revision: 0, prompts }),
      text: text?.stage(),
      tracking: track?.stage(),
      deliver: async (result) => {
        const { message } = await encodeResult(result, ENCODING);
        count += 1;
        end = performance.now();
        if (count === SETTLING_FRAMES) begin = end;
        if (count > SETTLING_FRAMES && track) track.record(result);
        else if (count > SETTLING_FRAMES && text) text.record(result);
        else if (count > SETTLING_FRAMES)
          collect(stages, { ...result.timings, encode: message.latencyMs.encode, total: message.latencyMs.total });
        onFrame();
      },
    });
  await (drawn ? whileOpen(drawn.source(), finishing, run) : withSource(uri, { loop: true }, finishing, run));
  if (count < frames && !finishing.signal.aborted)
    throw new FastsamError(
      'SOURCE_CORRUPT',
      `${uri}: gave ${count} frames and ended; bench needs ${frames} in a row (a still can not be looped)`,
    );
  return ((count - SETTLING_FRAMES) * 1000) / (end - begin);
}

const ENCODING = {
  node: 'bench',
  camera: 'bench',
  bootId: '00000000-0000-4000-8000-000000000000',
  objects: 'all',
  maskEncoding: 'rle',
  polygonTolerance: 1,
  maxPayloadBytes: Number.POSITIVE_INFINITY,
} as const;

function collect(stages: Map<string, number[]>, timings: StageTimings & { readonly encode: number; readonly total: number }): void {
  for (const [stage, ms] of Object.entries(timings)) {
    const times = stages.get(stage);
    if (times) times.push(ms);
    else stages.set(stage, [ms]);
  }
}

interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

interface BenchReport {
  readonly model: { readonly name: string; readonly backend: string; readonly input: readonly [number, number] };
  readonly frames: number;
  /** Frames per second of the whole pipeline, and of the network alone: medians over the rounds. */
  readonly fps: number;
  readonly bareFps: number;
  /** Median over the rounds of bareFps / fps − 1. */
  readonly overhead: number;
  readonly overheadPerRound: readonly number[];
  readonly stagesMs: Readonly<Record<string, Percentiles>>;
  readonly peakRssBytes: number;
  /** With --text. */
  readonly text?: TextReport;
  /** With --track. */
  readonly track?: TrackReport;
}

function summarise(
  engine: SegmentationEngine,
  stages: Map<string, number[]>,
  rounds: readonly Round[],
  text: TextBench | undefined,
  track: TrackBench | undefined,
): BenchReport {
  const { name, backend, inputHeight, inputWidth } = engine.model;
  const overheads = rounds.map(({ fps, bareFps }) => bareFps / fps - 1);
  return {
    model: { name, backend, input: [inputHeight, inputWidth] },
    frames: stages.get('total')?.length ?? 0,
    fps: quantile(
      rounds.map(({ fps }) => fps),
      0.5,
    ),
    bareFps: quantile(
      rounds.map(({ bareFps }) => bareFps),
      0.5,
    ),
    overhead: quantile(overheads, 0.5),
    overheadPerRound: overheads,
    stagesMs: Object.fromEntries(
      [...stages].map(([stage, ms]) => [stage, { p50: quantile(ms, 0.5), p95: quantile(ms, 0.95), p99: quantile(ms, 0.99) }]),
    ),
    // Linux counts maxRSS in KiB.
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    ...(text ? { text: text.report(stages.get('prompt') ?? [], (values) => quantile(values, 0.5)) } : {}),
    ...(track ? { track: track.report(quantile) } : {}),
  };
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)] ?? 0;
  return low + ((sorted[Math.ceil(at)] ?? low) - low) * (at - Math.floor(at));
}

function table(report: BenchReport): string {
  const { model } = report;
  const cell = (ms: number) => ms.toFixed(2).padStart(9);
  const rows = Object.entries(report.stagesMs).map(
    ([stage, { p50, p95, p99 }]) => `  ${stage.padEnd(11)}${cell(p50)}${cell(p95)}${cell(p99)}`,
  );
  return [
    `${model.name} on ${model.backend}, input ${model.input.join('×')}, ${report.frames} frames`,
    `  ${'ms'.padEnd(11)}${['p50', 'p95', 'p99'].map((name) => name.padStart(9)).join('')}`,
    ...rows,
    `  fps ${report.fps.toFixed(2)}, network alone ${report.bareFps.toFixed(2)}, overhead ${report.overhead.toFixed(3)}`,
    ...(report.text ? textTable(report.text) : []),
    ...(report.track ? trackTable(report.track) : []),
    `  peak RSS ${(report.peakRssBytes / 2 ** 20).toFixed(0)} MiB`,
    '',
  ].join('\n');
}
