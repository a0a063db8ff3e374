/** From a frame's result to its wire message. */

import { toTimestamp, WIRE_VERSION } from '../contract/common.js';
import type { MaskMessage, ObjectMessage, PromptAnswerMessage, ResultMessage } from '../contract/result.js';
import { type FollowAnswer, isPending, type PromptAnswer } from '../domain/answer.js';
import type { MaskEncoding } from '../domain/mask.js';
import type { FrameResult } from '../domain/result.js';
import { boxOf } from '../domain/segments.js';
import { asSegments, encodeMasks } from './masks.js';

export interface EncodeOptions {
  readonly node: string;
  readonly camera: string;
  readonly bootId: string;
  /** With prompts: only the objects they matched, or all. Without prompts always all. */
  readonly objects: 'matched' | 'all';
  readonly maskEncoding: MaskEncoding;
  readonly polygonTolerance: number;
  /** Bytes of the JSON text; a larger message steps down rle → polygon → bbox, then leaves out the weakest objects. */
  readonly maxPayloadBytes: number;
  /** Name the file or URI in `frame.source`. */
  readonly nameSource?: boolean;
  /** Say how tracked objects move. */
  readonly publishMotion?: boolean;
  /** The zones that a track is in. */
  readonly zonesOf?: (track: number) => string[];
  /** Say so whatever the size: the node has turned something down. */
  readonly degraded?: boolean;
}

export interface EncodedResult {
  readonly message: ResultMessage;
  /** The message as JSON text, within `maxPayloadBytes`. */
  readonly json: string;
}

/** What every attempt at encoding one result shares. */
interface Attempt {
  readonly result: FrameResult;
  readonly options: EncodeOptions;
  readonly promptsOf: ReadonlyMap<number, string[]>;
  /** `performance.now()` when encoding began. */
  readonly begin: number;
}

/** What is tried next when a message is too large. */
const STEP_DOWN: Readonly<Record<MaskEncoding, MaskEncoding | undefined>> = {
  png: 'rle',
  rle: 'polygon',
  polygon: 'bbox',
  bbox: undefined,
};

/** Encodes a result. `latencyMs.total` runs from capture to the end of encoding. */
export async function encodeResult(result: FrameResult, options: EncodeOptions): Promise<EncodedResult> {
  const begin = performance.now();
  const attempt: Attempt = { result, options, promptsOf: promptsByObject(result.answers), begin };
  const indices = objectsToSend(result, options.objects);
  let encoding = options.maskEncoding;
  let encoded = await encodeAs(attempt, indices, encoding);
  for (let next = STEP_DOWN[encoding]; next && tooLarge(encoded, options); next = STEP_DOWN[encoding]) {
    encoding = next;
    encoded = await encodeAs(attempt, indices, encoding);
  }
  if (!tooLarge(encoded, options)) return encoded;

  // Without masks an object is about 100 bytes: only a tiny budget gets here. Objects are in descending score.
  let keep = indices.length;
  while (keep > 0 && tooLarge(encoded, options)) {
    keep = Math.floor(keep / 2);
    encoded = await encodeAs(attempt, indices.subarray(0, keep), encoding);
  }
  return encoded;
}

function tooLarge(encoded: EncodedResult, options: EncodeOptions): boolean {
  return Buffer.byteLength(encoded.json) > options.maxPayloadBytes;
}

/** Indices of the objects that consumers asked for, ascending. */
export function objectsToSend(result: FrameResult, which: 'matched' | 'all'): Uint32Array {
  const { count } = result.segments;
  const everything = result.answers.some(({ publish = which }) => publish === 'all');
  if (everything || result.answers.length === 0) return Uint32Array.from({ length: count }, (_, index) => index);
  const sending = result.answers.filter(({ publish }) => publish !== 'status');
  const matched = new Set(sending.flatMap((answer) => answer.matches.map(({ index }) => index)));
  return Uint32Array.from(matched).sort();
}

/** Ids of the prompts that each object answers, in the order of the answers; an object that answers none is absent. */
function promptsByObject(answers: readonly PromptAnswer[]): Map<number, string[]> {
  const prompts = new Map<number, string[]>();
  for (const { id, matches } of answers) {
    for (const { index } of matches) {
      const known = prompts.get(index);
      if (!known) prompts.set(index, [id]);
      else if (known.at(-1) !== id) known.push(id);
    }
  }
  return prompts;
}

async function encodeAs(attempt: Attempt, indices: Uint32Array, encoding: MaskEncoding): Promise<EncodedResult> {
  const { result, options, promptsOf, begin } = attempt;
  const { segments, model, captured, timings } = result;
  const masks = await encodeMasks(segments, indices, encoding, options.polygonTolerance);
  const answers = await Promise.all(result.answers.map((answer) => answerMessage(answer, result, encoding, options)));
  const objects = Array.from(indices, (index, k) => objectMessage(result, index, masks[k], promptsOf.get(index) ?? [], options));
  const encode = performance.now() - begin;
  const total = Number(process.hrtime.bigint() - captured.monotonicNs) / 1e6;
  const message: ResultMessage = {
    v: WIRE_VERSION,
    node: options.node,
    camera: options.camera,
    bootId: options.bootId,
    seq: result.sequence,
    frame: {
      ...(options.nameSource ? { source: result.origin } : result.file ? { source: result.file.name } : {}),
      ...(result.file && typeof result.file.modifiedMs === 'number' ? { modifiedAt: toTimestamp(result.file.modifiedMs) } : {}),
      ...(result.file && result.file.mediaTimeMs !== null ? { mediaTimeMs: rounded(result.file.mediaTimeMs, 3) } : {}),
      width: segments.width,
      height: segments.height,
      capturedAt: new Date(captured.wallMs).toISOString(),
      monotonicNs: captured.monotonicNs.toString(),
    },
    model: { name: model.name, backend: model.backend, input: [model.inputHeight, model.inputWidth] },
    promptRevision: result.promptRevision,
    latencyMs: {
      wait: rounded(timings.wait, 2),
      preprocess: rounded(timings.preprocess, 2),
      infer: rounded(timings.infer, 2),
      decode: rounded(timings.decode, 2),
      ...(timings.track === undefined ? {} : { track: rounded(timings.track, 2) }),
      prompt: rounded(timings.prompt, 2),
      encode: rounded(encode, 2),
      total: rounded(total, 2),
    },
    dropped: { ...result.dropped },
    objects,
    prompts: answers,
    ...trackingMessage(result),
    degraded:
      options.degraded === true || encoding !== options.maskEncoding || indices.length < objectsToSend(result, options.objects).length,
  };
  return { message, json: JSON.stringify(message) };
}

function objectMessage(
  result: FrameResult,
  index: number,
  mask: MaskMessage | undefined,
  prompts: string[],
  options: Pick<EncodeOptions, 'publishMotion' | 'zonesOf'>,
): ObjectMessage {
  const { segments, model } = result;
  const [x1, y1, x2, y2] = boxOf(segments, index);
  return {
    id: index,
    score: rounded(segments.scores[index]!, 4),
    label: model.labels[segments.classes[index]!] ?? null,
    bbox: [rounded(x1, 2), rounded(y1, 2), rounded(x2, 2), rounded(y2, 2)],
    area: segments.areas[index]!,
    ...(mask ? { mask } : {}),
    prompts,
    ...trackFields(result, index, options),
  };
}

function trackFields(
  { tracks }: FrameResult,
  index: number,
  { publishMotion, zonesOf }: Pick<EncodeOptions, 'publishMotion' | 'zonesOf'>,
): Partial<ObjectMessage> {
  const track = tracks?.ids[index];
  if (!tracks || !track) return {};
  const parent = tracks.parents[index]!;
  const [vx, vy] = tracks.velocities.subarray(2 * index, 2 * index + 2);
  const zones = zonesOf?.(track) ?? [];
  return {
    track,
    ...(parent ? { parent } : {}),
    ageMs: Math.round(tracks.agesMs[index]!),
    ...(publishMotion ? { motion: { vx: rounded(vx!, 1), vy: rounded(vy!, 1) } } : {}),
    ...(zones.length > 0 ? { zones } : {}),
  };
}

function trackingMessage({ tracks, segments }: FrameResult): Pick<ResultMessage, 'tracking'> {
  if (!tracks) return {};
  const { stats, lost, cameraMotion } = tracks;
  if (!cameraMotion) return { tracking: { live: stats.live, lost: lost.length } };
  const [xx, xy, dx, yx, yy, dy] = cameraMotion.affine as [number, number, number, number, number, number];
  const [cx, cy] = [segments.width / 2, segments.height / 2];
  const motion = {
    dx: rounded(xx * cx + xy * cy + dx - cx, 2),
    dy: rounded(yx * cx + yy * cy + dy - cy, 2),
    scale: rounded(Math.sqrt(Math.abs(xx * yy - xy * yx)), 4),
    rotation: rounded((Math.atan2(yx, xx) * 180) / Math.PI, 3),
    sure: cameraMotion.sure,
  };
  return { tracking: { live: stats.live, lost: lost.length, cameraMotion: motion } };
}

/** An answer as results carry it. */
export async function answerMessage(
  answer: PromptAnswer,
  result: Pick<FrameResult, 'segments' | 'captured'>,
  encoding: MaskEncoding,
  options: Pick<EncodeOptions, 'polygonTolerance'>,
): Promise<PromptAnswerMessage> {
  const { id, type, unscored, reason } = answer;
  const follow = answer.follow ? { follow: followMessage(answer.follow, result.captured.wallMs) } : {};
  const open = { ...(unscored === undefined ? {} : { unscored }), ...(reason === undefined ? {} : { reason }) };
  if (answer.matches.length === 0) {
    const best = answer.bestScore === undefined ? {} : { bestScore: rounded(answer.bestScore, 4) };
    if (!isPending(answer)) return { id, type, status: 'unmatched', ...best, ...follow };
    return { id, type, status: 'pending', ...best, ...open, ...follow };
  }
  const objects = answer.matches.map(({ index, score, ageMs }) => ({
    id: index,
    score: rounded(score, 4),
    ...(ageMs === undefined ? {} : { ageMs: Math.round(ageMs) }),
  }));
  if (!answer.merged || answer.publish === 'status') return { id, type, status: 'matched', objects, ...open, ...follow };
  const merged = asSegments(answer.merged, result.segments.width, result.segments.height);
  const [mask] = await encodeMasks(merged, Uint32Array.of(0), encoding, options.polygonTolerance);
  return { id, type, status: 'matched', objects, ...(mask ? { mask } : {}) };
}

function followMessage({ predicted, lastBox, ...follow }: FollowAnswer, wallMs: number): NonNullable<PromptAnswerMessage['follow']> {
  const box = ([x1, y1, x2, y2]: readonly [number, number, number, number]): [number, number, number, number] => [
    rounded(x1, 1),
    rounded(y1, 1),
    rounded(x2, 1),
    rounded(y2, 1),
  ];
  return {
    ...follow,
    ...(predicted ? { predicted: box(predicted) } : {}),
    ...(lastBox ? { lastSeen: { at: toTimestamp(wallMs - (follow.unseenMs ?? 0)), bbox: box(lastBox) } } : {}),
  };
}

/** Fewer digits: a hundredth of a pixel and a ten-thousandth of a score are below what the network knows. */
function rounded(value: number, digits: number): number {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}
