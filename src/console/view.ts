/** One frame with its objects as a message for the page. */
import sharp from 'sharp';
import { native } from '../addon/addon.js';
import type { NativeFrame } from '../addon/frame.js';
import { ROI_STEPS, type Roi, type ViewAnswer, type ViewMeta, WHOLE } from '../contract/console.js';
import { FLAG_STILL, FLAG_WITHHELD, MAX_PROMPT_BITS, VIEW_HEADER_BYTES, viewHeader } from '../contract/view-message.js';
import { isPending, type PromptAnswer } from '../domain/answer.js';
import type { Frame } from '../domain/frame.js';
import type { FrameResult } from '../domain/result.js';
import { sizeWithin } from '../encode/snapshot.js';
import type { QualityLevel } from './quality.js';

const MAX_META_BYTES = 32_768;
/** See native/core/region_map.h. */
const MAX_MAP_CELLS = 65_534;

export interface ViewRequest {
  readonly channel: number;
  readonly level: number;
  readonly quality: QualityLevel;
  /** False: masks without the picture. */
  readonly pictures: boolean;
  readonly still?: boolean;
  /** Fewer frames are sent than the level allows. */
  readonly isSparing?: boolean;
  /** The part of the frame; all of it when absent. */
  readonly roi?: Roi;
}

/** The message, packed off the JS thread. The caller keeps the frame until the promise settles. */
export async function encodeView(frame: Frame, result: FrameResult, request: ViewRequest): Promise<Uint8Array> {
  const { channel, level, quality, pictures, still = false, isSparing = false, roi = WHOLE } = request;
  const { segments, answers } = result;
  const part = partOf(frame, roi);
  const picture = sizeWithin(part, quality.width);
  const map = mapSize(part, quality.cells);
  const flags = (pictures ? 0 : FLAG_WITHHELD) | (still ? FLAG_STILL : 0);
  const addon = native();
  const pixels = frame.pixels as NativeFrame;
  const message = await addon.viewMessage(pixels, segments, {
    part,
    pictureWidth: picture.width,
    pictureHeight: picture.height,
    quality: pictures ? quality.quality : 0,
    mapWidth: map.width,
    mapHeight: map.height,
    prompts: promptBits(answers, segments.count),
    ...(result.tracks ? { tracks: result.tracks.ids } : {}),
    header: viewHeader({
      flags,
      channel,
      seq: result.sequence,
      promptRevision: result.promptRevision,
      capturedAtMs: result.captured.wallMs,
    }),
    meta: metaBytes(result, level, isSparing),
  });
  return pictures && !addon.features.turbojpeg ? withSharpPicture(message, frame, part, picture, quality.quality) : message;
}

interface Part {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** In pixels, with even corners: a pixel of colour belongs to two rows and columns of a camera's frame. */
function partOf({ width, height }: Frame, [x, y, columns, rows]: Roi): Part {
  const edge = (side: number, step: number) => (step === ROI_STEPS ? side : Math.floor((side * step) / ROI_STEPS / 2) * 2);
  const [left, top] = [edge(width, x), edge(height, y)];
  // Of a frame of a few pixels an eighth may be nothing.
  return {
    x: left,
    y: top,
    width: Math.max(edge(width, x + columns) - left, Math.min(2, width - left)),
    height: Math.max(edge(height, y + rows) - top, Math.min(2, height - top)),
  };
}

/** Cells about as wide as high, at most `cells` along the longer side, never more than pixels, and no more than have numbers. */
function mapSize({ width, height }: { readonly width: number; readonly height: number }, cells: number): { width: number; height: number } {
  const scale = Math.min(1, cells / Math.max(width, height), Math.sqrt(MAX_MAP_CELLS / (width * height)));
  return { width: Math.max(1, Math.floor(width * scale)), height: Math.max(1, Math.floor(height * scale)) };
}

/** [objects] bit k for the k-th prompt. */
function promptBits(answers: readonly PromptAnswer[], count: number): Uint32Array {
  const bits = new Uint32Array(count);
  for (const [k, { matches }] of answers.slice(0, MAX_PROMPT_BITS).entries()) {
    for (const { index } of matches) bits[index]! |= 1 << k;
  }
  return bits;
}

function metaBytes(result: FrameResult, level: number, isSparing: boolean): Uint8Array {
  const { model, timings, answers } = result;
  const total = Number(process.hrtime.bigint() - result.captured.monotonicNs) / 1e6;
  const meta: ViewMeta = {
    answers: answers.map(viewAnswer),
    latencyMs: Object.fromEntries(Object.entries({ ...timings, total }).map(([stage, ms]) => [stage, Math.round(ms * 10) / 10])),
    labels: model.labels,
    model: model.name,
    level,
    ...(isSparing ? { isSparing } : {}),
  };
  const bytes = Buffer.from(JSON.stringify(meta));
  // Labels of a model with thousands of classes: numbers will have to do.
  return bytes.length <= MAX_META_BYTES ? bytes : Buffer.from(JSON.stringify({ ...meta, labels: [] }));
}

export function viewAnswer(answer: PromptAnswer): ViewAnswer {
  const { id, type, matches, bestScore, reason, follow } = answer;
  const status = matches.length > 0 ? 'matched' : isPending(answer) ? 'pending' : 'unmatched';
  const best = matches.length > 0 ? Math.max(...matches.map(({ score }) => score)) : bestScore;
  return {
    id,
    type,
    status,
    objects: matches.length,
    ...(best === undefined ? {} : { score: Math.round(best * 1e4) / 1e4 }),
    ...(reason === undefined ? {} : { reason }),
    ...(follow ? { follow: follow.state } : {}),
  };
}

/** A build without libturbojpeg: the picture is the message's last section. */
async function withSharpPicture(
  message: Uint8Array,
  frame: Frame,
  { x: left, y: top, ...size }: Part,
  { width, height }: { readonly width: number; readonly height: number },
  quality: number,
): Promise<Uint8Array> {
  const rgb = await native().toRgb(frame.pixels as NativeFrame);
  const jpeg = await sharp(rgb, { raw: { width: frame.width, height: frame.height, channels: 3 } })
    .extract({ left, top, ...size })
    .resize(width, height)
    .jpeg({ quality })
    .toBuffer();
  const joined = Buffer.concat([message, jpeg]);
  joined.writeUInt32LE(jpeg.length, VIEW_HEADER_BYTES - 8);
  joined.writeUInt8(1, VIEW_HEADER_BYTES - 4);
  return joined;
}
