/** A job's picture through the engine. All jobs together take turns with the cameras, as one more camera would. */
import { setImmediate } from 'node:timers/promises';
import sharp from 'sharp';
import { decodeImage } from '../addon/picture.js';
import { pictureKind } from '../addon/picture-kinds.js';
import type { SegmentationConfig } from '../config/schema.js';
import type { Job, ResultMessage } from '../contract/messages.js';
import type { Frame } from '../domain/frame.js';
import { MAX_JOB_PIXELS, MAX_PICTURE_SIDE } from '../domain/limits.js';
import { withIds } from '../domain/prompt.js';
import type { FrameResult } from '../domain/result.js';
import { encodeResult } from '../encode/result.js';
import type { SegmentationEngine, Segmented } from '../engine/engine.js';
import type { Gate, Turn } from '../engine/scheduler.js';
import { FastsamError, isFastsamError, messageOf } from '../errors.js';
import { analyse, type TextScorer } from '../pipeline/analyse.js';
import { PREPARE_MARGIN_MS } from '../pipeline/segment-frames.js';
import { assertInFrame } from '../prompt/frame-check.js';
import { assertLabels } from '../prompt/label-check.js';
import { captureTime, SourceFrame } from '../source/source.js';

/** Objects are looked at over several frames of a camera; a job is one picture. */
const NO_TEXT: TextScorer = {
  score: async () => ({
    scores: { byPrompt: new Map(), agesMs: new Float32Array(), unscored: 0, reason: 'text prompts are not answered in jobs' },
  }),
};

export interface JobRunnerDeps {
  readonly segmentation: () => SegmentationConfig;
  readonly identity: { readonly node: string; readonly bootId: string; readonly maxPayloadBytes: number };
}

export class JobRunner {
  readonly #deps: JobRunnerDeps;
  #opened: { readonly engine: SegmentationEngine; readonly gate: Gate } | undefined;
  /** The turn of the job before: only one at a time may wait at the gate. */
  #turn: Promise<unknown> = Promise.resolve();
  #prepareMs = 0;
  #sequence = 0;
  #fail: (error: unknown) => void = () => {};
  /** Rejects when a job finds the GPU lost: on a node without cameras nothing else notices. */
  readonly lost = new Promise<never>((_, reject) => {
    this.#fail = reject;
  });

  constructor(deps: JobRunnerDeps) {
    this.#deps = deps;
    // A caller that awaits the promise sees the error; without one the error must not end the process.
    this.lost.catch(() => undefined);
  }

  /** The model is loaded: from here on jobs are done, through `gate`, which is theirs alone. */
  open(engine: SegmentationEngine, gate: Gate): void {
    this.#opened = { engine, gate };
  }

  /** Errors: REQUEST_INVALID, SOURCE_CORRUPT, PROMPT_INVALID, ENGINE_UNAVAILABLE before `open`; those of the engine. */
  async run(job: Job, queue: string): Promise<ResultMessage> {
    if (!this.#opened) throw new FastsamError('ENGINE_UNAVAILABLE', 'the model is not loaded yet');
    const { engine, gate } = this.#opened;
    const prompts = withIds(job.prompts);
    assertLabels(prompts, engine.model);
    // The job was parsed in this turn of the event loop; its picture is decoded in the next.
    await setImmediate();
    const bytes = fromBase64(job.image);
    await checkImage(bytes);
    using frame = new SourceFrame(await decodeImage(bytes, 'image'), this.#sequence++, captureTime(), 'job');
    assertInFrame(prompts, `the job, queue "${queue}"`, frame);
    const turn = await this.#enter(gate);
    const waited = Number(process.hrtime.bigint() - frame.captured.monotonicNs) / 1e6;
    const segmented = await this.#segment(engine, frame, turn);
    this.#prepareMs = segmented.timings.preprocess;
    const result = await analyse(
      { frame, segmented, following: undefined, waitMs: waited },
      { model: engine.model, prompts: () => ({ revision: 0, prompts }), text: NO_TEXT, dropped: () => ({}) },
    );
    const { message } = await encodeResult(result, {
      ...this.#deps.identity,
      camera: queue,
      objects: job.objects,
      maskEncoding: job.maskEncoding,
      polygonTolerance: 1,
    });
    return message;
  }

  /** A picture as a job without prompts, for callers that ask about its objects themselves. Errors: as `run`. */
  async segment(frame: Frame, options: Pick<SegmentationConfig, 'conf' | 'iou'>): Promise<FrameResult> {
    if (!this.#opened) throw new FastsamError('ENGINE_UNAVAILABLE', 'the model is not loaded yet');
    const { engine, gate } = this.#opened;
    const turn = await this.#enter(gate);
    const segmented = await this.#segment(engine, frame, turn, { ...this.#deps.segmentation(), ...options });
    return analyse(
      { frame, segmented, following: undefined, waitMs: 0 },
      { model: engine.model, prompts: () => ({ revision: 0, prompts: [] }), text: NO_TEXT, dropped: () => ({}) },
    );
  }

  /** As late as a live frame: one that enters earlier lets those of the cameras grow old behind it. */
  #enter(gate: Gate): Promise<Turn> {
    const turn = this.#turn.then(() => gate.enter(this.#prepareMs + PREPARE_MARGIN_MS));
    this.#turn = turn;
    return turn;
  }

  async #segment(engine: SegmentationEngine, frame: Frame, turn: Turn, options = this.#deps.segmentation()): Promise<Segmented> {
    try {
      const segmented = engine.segment(frame, options);
      turn.pass();
      return await segmented;
    } catch (error) {
      if (isFastsamError(error, 'ENGINE_LOST')) this.#fail(error);
      throw error;
    } finally {
      turn.leave();
    }
  }
}

/** Line breaks of the shortest lines that encoders write, 64 characters with CR LF, are half of this. */
const MAX_BLANK_SHARE = 1 / 16;

/** Errors: REQUEST_INVALID for characters that are not of base64; line breaks are allowed. */
function fromBase64(text: string): Buffer {
  let blanks = 0;
  for (let i = 0; i < text.length; i += 1) {
    const c = text.charCodeAt(i);
    if (c <= 0x20 || c === 0x3d) blanks += 1;
  }
  // Buffer decodes text that is cut into small pieces a hundred times more slowly.
  const tooMany = blanks > 16 + text.length * MAX_BLANK_SHARE;
  const bytes = tooMany ? undefined : Buffer.from(text, 'base64');
  // Buffer leaves out what is not base64 without a word.
  if (bytes?.length !== Math.floor(((text.length - blanks) * 3) / 4))
    throw new FastsamError('REQUEST_INVALID', 'image: expected base64 (RFC 4648), in lines of at least 64 characters if in lines');
  return bytes;
}

/** Before anything is decoded: the kind of file and its size in pixels. */
async function checkImage(bytes: Buffer): Promise<void> {
  const kind = pictureKind(bytes);
  if (kind !== 'JPEG' && kind !== 'PNG')
    throw new FastsamError('REQUEST_INVALID', `image: expected a JPEG or PNG file in base64, got ${kind ?? 'something else'}`);
  const metadata = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch((cause: unknown) => {
      throw new FastsamError('REQUEST_INVALID', `image: not a readable ${kind} file: ${messageOf(cause).slice(0, 200)}`, {
        cause,
      });
    });
  const { width, height } = metadata;
  if (width * height > MAX_JOB_PIXELS || Math.max(width, height) > MAX_PICTURE_SIDE)
    throw new FastsamError('REQUEST_INVALID', `image: expected at most ${MAX_JOB_PIXELS} pixels, got ${width}×${height}`);
}
