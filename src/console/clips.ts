/**
 * Short clips that users bring: received in pieces into a file, segmented frame by frame in order, handed back as a video with
 * masks and as JSON Lines. Files of the state folder, one clip of each user, deleted after a while.
 */
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ConsoleUser } from '../contract/console.js';
import type { Frame } from '../domain/frame.js';
import { withIds } from '../domain/prompt.js';
import { makeDirectory } from '../durable.js';
import { Overlay } from '../encode/overlay.js';
import { encodeResult } from '../encode/result.js';
import { VideoOutput } from '../encode/video-output.js';
import { FastsamError, isFastsamError, messageOf, systemCodeOf } from '../errors.js';
import { mp4FrameCount } from '../source/mp4-frames.js';
import { openSource } from '../source/open.js';
import { type Ask, answered, askSchema, DEFAULT_IOU, demandOperator, type PictureSegmenter, parsed } from './asking.js';

const MAX_BYTES = 200_000_000;
/** Small enough for the time limit of a request on a slow connection. */
const PIECE_BYTES = 1_000_000;
/** A minute at 30 frames a second. */
const MAX_FRAMES = 1800;
const MAX_PIXELS = 3840 * 2160;
const MAX_RESULT_BYTES = 400_000_000;
const MAX_CLIPS = 4;
const KEPT_MS = 30 * 60_000;
const PROGRESS_MS = 250;
/** A connection on which nothing happens for longer than the server's time limit is cut. */
const HEARTBEAT_MS = 2000;
const VIDEO = 'masks.mp4';
const LINES = 'results.jsonl';

export interface ClipsDeps {
  /** Made when the first clip comes. */
  readonly folder: string;
  readonly segmenter: PictureSegmenter;
}

interface Clip {
  readonly id: string;
  readonly owner: string;
  /** Of the file that the user brought, as it is called here. */
  readonly name: string;
  readonly folder: string;
  readonly bytes: number;
  received: number;
  /** Settled when nothing of the clip is being read or written. */
  working: Promise<unknown>;
  work: AbortController | undefined;
  isDone: boolean;
  usedAt: number;
}

/** How far segmenting has come, and how it ended. */
export type ClipProgress =
  | { readonly frames: number; readonly of?: number; readonly objects: number }
  | {
      readonly done: true;
      readonly frames: number;
      readonly isCut: boolean;
      readonly bytes: { readonly video: number; readonly lines: number };
    };

const beginSchema = z.strictObject({ name: z.string().max(255).default('clip'), bytes: z.number().int().min(1) });

export class Clips {
  readonly #deps: ClipsDeps;
  readonly #clips = new Map<string, Clip>();
  #isWorking = false;

  constructor(deps: ClipsDeps) {
    this.#deps = deps;
  }

  /** Deletes what a run that was killed left behind. */
  async start(): Promise<void> {
    await rm(this.#deps.folder, { recursive: true, force: true }).catch(() => undefined);
  }

  /** Room for a clip of so many bytes; takes the place of the user's one before. Errors: REQUEST_INVALID, RATE_LIMITED. */
  async begin({ name, bytes }: z.output<typeof beginSchema>, user: ConsoleUser): Promise<{ id: string; pieceBytes: number }> {
    if (bytes > MAX_BYTES)
      throw new FastsamError('REQUEST_INVALID', `the clip has ${Math.ceil(bytes / 1e6)} MB; expected at most ${MAX_BYTES / 1e6}`);
    for (const { id, owner, usedAt } of this.#clips.values())
      if (owner === user.name || performance.now() - usedAt > KEPT_MS) await this.#drop(id);
    if (this.#clips.size >= MAX_CLIPS)
      throw new FastsamError('RATE_LIMITED', `expected at most ${MAX_CLIPS} clips on this node at a time; try again later`);
    const id = randomBytes(12).toString('base64url');
    const folder = join(this.#deps.folder, id);
    const clip: Clip = {
      ...{ id, owner: user.name, name: fileName(name), folder, bytes },
      ...{ received: 0, working: Promise.resolve(), work: undefined, isDone: false, usedAt: performance.now() },
    };
    this.#clips.set(id, clip);
    await makeDirectory(join(folder, 'source'), 0o700).catch((cause: unknown) => {
      this.#clips.delete(id);
      throw unwritable(cause);
    });
    return { id, pieceBytes: PIECE_BYTES };
  }

  /** The bytes from `at` on, in order. Errors: REQUEST_INVALID, SOURCE_UNSUPPORTED for what is no video, OUTPUT_UNWRITABLE. */
  async add(id: string, user: ConsoleUser, at: number, piece: Buffer): Promise<{ received: number }> {
    const clip = this.#get(id, user);
    if (at !== clip.received || piece.length === 0 || at + piece.length > clip.bytes)
      throw new FastsamError('REQUEST_INVALID', `expected the bytes from ${clip.received} on`);
    if (at === 0) demandVideo(piece);
    clip.received += piece.length;
    await this.#use(clip, async () => {
      try {
        await using file = await open(sourceOf(clip), at === 0 ? 'wx' : 'r+', 0o600);
        await file.write(piece, 0, piece.length, at);
      } catch (cause) {
        throw unwritable(cause);
      }
    });
    return { received: clip.received };
  }

  /** The first frame, for the caller to release. Errors: those of `openSource`, REQUEST_INVALID for frames that are too large. */
  async firstFrame(id: string, user: ConsoleUser): Promise<{ frame: Frame; name: string }> {
    const clip = this.#whole(id, user);
    return this.#use(clip, async () => {
      const source = await openSource(`file:${sourceOf(clip)}`);
      try {
        for await (const frame of source) {
          try {
            demandSize(frame);
          } catch (error) {
            frame[Symbol.dispose]();
            throw error;
          }
          return { frame, name: clip.name };
        }
      } finally {
        await source.stop();
      }
      throw new FastsamError('SOURCE_CORRUPT', `${clip.name}: no frame in it`);
    });
  }

  /**
   * Segments all frames in order; takes turns with the cameras. Ends early, without an error, once `signal` is aborted. Errors:
   * RATE_LIMITED while another clip is in work, those of sources, of the engine and of prompts.
   */
  async segment(
    id: string,
    user: ConsoleUser,
    ask: Ask,
    { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (progress: ClipProgress) => void },
  ): Promise<void> {
    const clip = this.#whole(id, user);
    if (this.#isWorking) throw new FastsamError('RATE_LIMITED', 'expected one clip at a time on this node; wait for the one in work');
    const work = new AbortController();
    this.#isWorking = true;
    clip.isDone = false;
    clip.work = work;
    try {
      await this.#use(clip, () => this.#segment(clip, ask, AbortSignal.any([signal, work.signal]), onProgress));
    } finally {
      this.#isWorking = false;
      clip.work = undefined;
    }
  }

  /** A result as a file. Errors: REQUEST_INVALID before it is complete. */
  file(id: string, user: ConsoleUser, kind: 'video' | 'lines'): { path: string; name: string } {
    const clip = this.#get(id, user);
    if (!clip.isDone) throw new FastsamError('REQUEST_INVALID', 'this clip is not segmented yet');
    const stem = clip.name.slice(0, clip.name.length - extname(clip.name).length);
    return { path: join(clip.folder, kind === 'video' ? VIDEO : LINES), name: `${stem}.${kind === 'video' ? VIDEO : 'jsonl'}` };
  }

  /** Deletes a clip with its results, and ends work on it. Errors: REQUEST_INVALID. */
  async remove(id: string, user: ConsoleUser): Promise<void> {
    await this.#drop(this.#get(id, user).id);
  }

  /** Deletes clips that were not asked about for long. */
  async review(): Promise<void> {
    for (const { id, usedAt, work } of this.#clips.values()) if (!work && performance.now() - usedAt > KEPT_MS) await this.#drop(id);
  }

  async clear(): Promise<void> {
    for (const id of [...this.#clips.keys()]) await this.#drop(id);
  }

  async #segment(clip: Clip, ask: Ask, signal: AbortSignal, onProgress: (progress: ClipProgress) => void): Promise<void> {
    const { segmenter } = this.#deps;
    const { conf, iou = DEFAULT_IOU } = ask;
    const prompts = withIds(ask.prompts);
    const of = await mp4FrameCount(sourceOf(clip));
    const [videoPath, linesPath] = [join(clip.folder, VIDEO), join(clip.folder, LINES)];
    const overlay = new Overlay();
    const texts = segmenter.text.scorer({ remembers: false });
    const encoding = { ...segmenter.identity, camera: 'clip', objects: 'matched', maskEncoding: 'rle', polygonTolerance: 1 } as const;
    const video = new VideoOutput(videoPath);
    const source = await openSource(`file:${sourceOf(clip)}`);
    let lines: FileHandle | undefined;
    let frames = 0;
    let written = 0;
    let isCut = false;
    let toldAt = Number.NEGATIVE_INFINITY;
    try {
      lines = await open(linesPath, 'w', 0o600);
      for await (const frame of source) {
        using held = frame;
        if (signal.aborted) return;
        demandSize(held);
        if (frames === MAX_FRAMES || written > MAX_RESULT_BYTES) {
          isCut = true;
          break;
        }
        const found = await segmenter.segment(held, { conf, iou });
        const result = await answered(held, found, ask, { segmenter, scorer: texts });
        const { json } = await encodeResult(result, { ...encoding, maxPayloadBytes: Number.POSITIVE_INFINITY });
        await lines.write(`${json}\n`);
        written += json.length + 1;
        const rgb = await overlay.draw(held, result, { objects: 'matched', prompts });
        await video.write(rgb, held.width, held.height, held.ptsNs);
        frames += 1;
        clip.usedAt = performance.now();
        if (clip.usedAt - toldAt < PROGRESS_MS) continue;
        toldAt = clip.usedAt;
        onProgress({ frames, ...(of === undefined ? {} : { of: Math.min(of, MAX_FRAMES) }), objects: result.segments.count });
      }
    } catch (error) {
      throw systemCodeOf(error) === undefined ? error : unwritable(error);
    } finally {
      // The source first: frames that wait in it hold memory of the decoder.
      await source.stop();
      await video.finish();
      await lines?.close();
    }
    clip.isDone = true;
    onProgress({ done: true, frames, isCut, bytes: { video: (await stat(videoPath)).size, lines: (await stat(linesPath)).size } });
  }

  /** One reader or writer of a clip's files at a time. */
  async #use<T>(clip: Clip, work: () => Promise<T>): Promise<T> {
    clip.usedAt = performance.now();
    const done = clip.working.then(work);
    clip.working = done.catch(() => undefined);
    return done;
  }

  #get(id: string, user: ConsoleUser): Clip {
    const clip = this.#clips.get(id);
    if (!clip || clip.owner !== user.name) throw new FastsamError('REQUEST_INVALID', 'this clip is not kept any more; open it again');
    clip.usedAt = performance.now();
    return clip;
  }

  #whole(id: string, user: ConsoleUser): Clip {
    const clip = this.#get(id, user);
    if (clip.received < clip.bytes)
      throw new FastsamError('REQUEST_INVALID', `${clip.received} of ${clip.bytes} bytes of the clip have arrived; expected all of them`);
    return clip;
  }

  async #drop(id: string): Promise<void> {
    const clip = this.#clips.get(id);
    if (!clip) return;
    this.#clips.delete(id);
    clip.work?.abort();
    await clip.working;
    await rm(clip.folder, { recursive: true, force: true });
  }
}

function sourceOf({ folder, name }: Clip): string {
  return join(folder, 'source', name);
}

/** The user's name of the file, as a name that cannot leave its folder. */
function fileName(name: string): string {
  return (
    name
      .replace(/[^\w.-]+/g, '_')
      .replace(/^[._-]+/, '')
      .slice(-64) || 'clip'
  );
}

/** By the first bytes: MP4 and MOV (ISO/IEC 14496-12: a box "ftyp", in old MOV files another one), Matroska and WebM (EBML), AVI. */
function demandVideo(piece: Buffer): void {
  const box = piece.toString('latin1', 4, 8);
  const isIso = ['ftyp', 'moov', 'mdat', 'wide', 'free', 'skip'].includes(box);
  const isMatroska = piece.length >= 4 && piece.readUInt32BE(0) === 0x1a45dfa3;
  const isAvi = piece.toString('latin1', 0, 4) === 'RIFF' && piece.toString('latin1', 8, 12) === 'AVI ';
  if (!isIso && !isMatroska && !isAvi) throw new FastsamError('SOURCE_UNSUPPORTED', 'expected a video: MP4, MOV, WebM, Matroska or AVI');
}

function demandSize({ width, height }: Frame): void {
  if (width * height > MAX_PIXELS)
    throw new FastsamError('REQUEST_INVALID', `the clip shows ${width}×${height} pixels; expected at most 3840×2160`);
}

function unwritable(cause: unknown): FastsamError {
  if (isFastsamError(cause)) return cause;
  const why = systemCodeOf(cause) === 'ENOSPC' ? 'the disk is full' : messageOf(cause);
  return new FastsamError('OUTPUT_UNWRITABLE', `the clip cannot be kept in the state folder: ${why}`, { cause });
}

export interface ClipRouteDeps {
  readonly clips: Clips;
  /** Takes the frame over and shows it as a photo; its id. */
  readonly showFrame: (frame: Frame, user: ConsoleUser, name: string) => Promise<string>;
  /** A clip failed for a reason that is no fault of the user. */
  readonly onError: (error: unknown) => void;
}

type WithId = { Params: { id: string } };

/** Adds the routes of clips; `request.user` is known there. */
export async function clipRoutes(routes: FastifyInstance, { clips, showFrame, onError }: ClipRouteDeps): Promise<void> {
  routes.addHook('onRequest', demandOperator);
  routes.addContentTypeParser(
    'application/octet-stream',
    { parseAs: 'buffer', bodyLimit: PIECE_BYTES },
    (_request: FastifyRequest, body: Buffer, done: (error: Error | null, body?: Buffer) => void) => done(null, body),
  );
  routes.post('/clips', async ({ body, user }) => clips.begin(parsed(beginSchema, body), user));
  routes.put<WithId & { Querystring: { at?: string } }>('/clips/:id', { bodyLimit: PIECE_BYTES }, async ({ body, params, query, user }) => {
    if (!Buffer.isBuffer(body)) throw new FastsamError('REQUEST_INVALID', 'expected bytes of the clip as the body');
    return clips.add(params.id, user, Number(query.at), body);
  });
  routes.delete<WithId>('/clips/:id', async ({ params, user }) => {
    await clips.remove(params.id, user);
    return {};
  });
  routes.post<WithId>('/clips/:id/picture', async ({ params, user }) => {
    const { frame, name } = await clips.firstFrame(params.id, user);
    return { id: await showFrame(frame, user, name) };
  });
  // One line of JSON for each step. The work ends with the connection: a tab that is closed asks for nothing any more.
  routes.post<WithId>('/clips/:id/segment', async ({ params, user, body }, reply) => {
    const ask = parsed(askSchema, body);
    const gone = new AbortController();
    const said = new PassThrough();
    let last: object = { frames: 0, objects: 0 };
    const say = (line: object) => {
      last = line;
      if (said.writableLength === 0) said.write(`${JSON.stringify(line)}\n`);
    };
    const heartbeat = setInterval(() => say(last), HEARTBEAT_MS);
    reply.raw.on('close', () => gone.abort());
    const work = clips.segment(params.id, user, ask, { signal: gone.signal, onProgress: say });
    void work
      .then(
        () => said.end(`${JSON.stringify(last)}\n`),
        (error: unknown) => {
          if (!isFastsamError(error)) onError(error);
          said.end(`${JSON.stringify(failure(error))}\n`);
        },
      )
      .finally(() => clearInterval(heartbeat));
    return reply.type('application/x-ndjson').send(said);
  });
  for (const [path, kind, type] of [
    ['video', 'video', 'video/mp4'],
    ['lines', 'lines', 'application/x-ndjson'],
  ] as const) {
    routes.get<WithId>(`/clips/:id/${path}`, async ({ params, user }, reply) => {
      const file = clips.file(params.id, user, kind);
      const { size } = await stat(file.path);
      return reply
        .type(type)
        .header('content-length', size)
        .header('content-disposition', `attachment; filename="${file.name}"`)
        .send(createReadStream(file.path));
    });
  }
}

function failure(error: unknown): object {
  return isFastsamError(error)
    ? { code: error.code, error: messageOf(error).slice(0, 500) }
    : { code: 'INTERNAL', error: 'the clip could not be segmented; the log says more' };
}
