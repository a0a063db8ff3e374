/** What text prompts add to a frame, beside what looking at one object costs. */
import type { Frame } from '../domain/frame.js';
import { type Prompt, parsePrompts } from '../domain/prompt.js';
import type { FrameResult } from '../domain/result.js';
import type { SegmentationEngine, SegmentationOptions } from '../engine/engine.js';
import { FastsamError } from '../errors.js';
import type { Source } from '../source/source.js';
import { TextStage } from '../text/stage.js';
import { TEXT_DEFAULTS, TextModel } from '../text/text-model.js';

/** Looks at one object, to know what one costs. */
const SINGLE_LOOKS = 50;

export interface TextReport {
  /** Median milliseconds of the prompt stage with the text prompts, less that without. */
  readonly addedMs: number;
  /** Median milliseconds of looking at one object. */
  readonly cropMs: number;
  readonly maxCropsPerFrame: number;
  readonly cropsPerFrame: number;
  /** Share of the objects that kept what an earlier frame showed. */
  readonly cacheHitRate: number;
  readonly objectsPerFrame: number;
}

export class TextBench {
  readonly prompts: readonly Prompt[];
  readonly #model: TextModel;
  readonly #promptMs: number[] = [];
  readonly #use = { frames: 0, objects: 0, crops: 0, hits: 0 };
  #cropMs: number[] = [];

  constructor(texts: readonly string[], model: string, threads: number) {
    this.prompts = parsePrompts(texts.map((text) => ({ type: 'text', text })));
    this.#model = new TextModel({ options: { ...TEXT_DEFAULTS, model }, onnxruntime: { threads } });
  }

  prepare(): Promise<void> {
    return this.#model.prepare(this.prompts);
  }

  /** A stage for one run of the pipeline. */
  stage(): TextStage {
    return new TextStage({ model: this.#model });
  }

  record({ timings, text }: Pick<FrameResult, 'timings' | 'text'>): void {
    this.#promptMs.push(timings.prompt);
    this.#use.frames += 1;
    this.#use.objects += text?.objects ?? 0;
    this.#use.crops += text?.crops ?? 0;
    this.#use.hits += text?.hits ?? 0;
  }

  /** Looks at one object of the source's first frame again and again. Errors: SOURCE_CORRUPT when there is none. */
  async measureLook(source: Source, engine: SegmentationEngine, segmentation: SegmentationOptions): Promise<void> {
    const stage = new TextStage({
      model: this.#model,
      options: { ...TEXT_DEFAULTS, maxCropsPerFrame: 1, refresh: { iou: 0, area: 100, ageMs: 0 } },
    });
    for await (const frame of source) {
      using picture: Frame = frame;
      const { segments } = await engine.segment(picture, segmentation);
      if (segments.count === 0) throw new FastsamError('SOURCE_CORRUPT', 'nothing is found in the first frame; bench --text needs objects');
      for (let k = 0; k < SINGLE_LOOKS; k += 1) {
        const begin = performance.now();
        await stage.score(picture, segments, this.prompts);
        this.#cropMs.push(performance.now() - begin);
      }
      break;
    }
  }

  report(promptMsWithout: readonly number[], median: (values: readonly number[]) => number): TextReport {
    const { frames, objects, crops, hits } = this.#use;
    return {
      addedMs: median(this.#promptMs) - median(promptMsWithout),
      cropMs: median(this.#cropMs),
      maxCropsPerFrame: TEXT_DEFAULTS.maxCropsPerFrame,
      cropsPerFrame: crops / frames,
      cacheHitRate: objects > 0 ? hits / objects : 0,
      objectsPerFrame: objects / frames,
    };
  }

  stop(): Promise<void> {
    return this.#model.stop();
  }
}

/** Two lines for people. */
export function textTable(report: TextReport): string[] {
  const { addedMs, cropMs, maxCropsPerFrame, cropsPerFrame, cacheHitRate, objectsPerFrame } = report;
  return [
    `  text prompts add ${addedMs.toFixed(2)} ms to a frame (median); looking at one object takes ${cropMs.toFixed(2)} ms, budget ${maxCropsPerFrame} a frame`,
    `  ${objectsPerFrame.toFixed(1)} objects and ${cropsPerFrame.toFixed(2)} looks a frame, ${(100 * cacheHitRate).toFixed(1)} % remembered`,
  ];
}
