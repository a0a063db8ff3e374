/** A job's picture through the engine, between the frames of the cameras. */
import sharp from 'sharp';
import type { SegmentationConfig } from '../config/schema.js';
import { withIds } from '../domain/prompt.js';
import { encodeResult } from '../encode/result.js';
import type { SegmentationEngine } from '../engine/engine.js';
import { FastsamError, isFastsamError, messageOf } from '../errors.js';
import { applyPrompts } from '../prompt/apply.js';
import { assertInFrame } from '../prompt/frame-check.js';
import { decodeImage } from '../source/image.js';
import { captureTime, SourceFrame } from '../source/source.js';
import type { Job, ResultMessage } from '../wire/messages.js';

/** 8192 × 6144: decoded, 150 MB. */
const MAX_PIXELS = 50_331_648;

export interface JobRunnerDeps {
  /** Undefined before the model is loaded. */
  readonly engine: () => SegmentationEngine | undefined;
  readonly segmentation: () => SegmentationConfig;
  readonly identity: { readonly node: string; readonly bootId: string; readonly maxPayloadBytes: number };
}

export class JobRunner {
  readonly #deps: JobRunnerDeps;
  #sequence = 0;
  #fail: (error: unknown) => void = () => {};
  /** Rejects when a job meets a lost GPU: a node without cameras has nobody else to notice. */
  readonly lost = new Promise<never>((_, reject) => {
    this.#fail = reject;
  });

  constructor(deps: JobRunnerDeps) {
    this.#deps = deps;
    // Whoever awaits it sees the error; without anybody it must not end the process.
    this.lost.catch(() => undefined);
  }

  /** Errors: REQUEST_INVALID, SOURCE_CORRUPT, PROMPT_INVALID, ENGINE_UNAVAILABLE before the model is loaded; those of the engine. */
  async run(job: Job, queue: string): Promise<ResultMessage> {
    const engine = this.#deps.engine();
    if (!engine) throw new FastsamError('ENGINE_UNAVAILABLE', 'the model is not loaded yet');
    const bytes = Buffer.from(job.image, 'base64');
    await checkImage(bytes);
    const prompts = withIds(job.prompts);
    using frame = new SourceFrame(await decodeImage(bytes, 'image'), this.#sequence++, captureTime(), 'job');
    assertInFrame(prompts, queue, frame);
    const { segments, geometry, timings } = await engine.segment(frame, this.#deps.segmentation()).catch((error: unknown) => {
      if (isFastsamError(error, 'ENGINE_LOST')) this.#fail(error);
      throw error;
    });
    const begin = performance.now();
    const answers = applyPrompts(segments, prompts);
    const { sequence, captured, origin } = frame;
    const result = { sequence, captured, origin, model: engine.model, geometry, segments, promptRevision: 0, answers, dropped: {} };
    const { message } = await encodeResult(
      { ...result, timings: { ...timings, prompt: performance.now() - begin } },
      { ...this.#deps.identity, camera: queue, objects: job.objects, maskEncoding: job.maskEncoding, polygonTolerance: 1 },
    );
    return message;
  }
}

/** Before anything is decoded: the kind of file and its size in pixels. */
async function checkImage(bytes: Buffer): Promise<void> {
  const metadata = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch((cause: unknown) => {
      throw new FastsamError('REQUEST_INVALID', `image: expected a JPEG or PNG file in base64: ${messageOf(cause).slice(0, 200)}`, {
        cause,
      });
    });
  const { format, width, height } = metadata;
  if (format !== 'jpeg' && format !== 'png') throw new FastsamError('REQUEST_INVALID', `image: expected a JPEG or PNG file, got ${format}`);
  if (width * height > MAX_PIXELS)
    throw new FastsamError('REQUEST_INVALID', `image: expected at most ${MAX_PIXELS} pixels, got ${width}×${height}`);
}
