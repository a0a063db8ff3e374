/** Photos that users bring: segmented once at a low confidence, asked about as often as they like, exported. Kept for a while. */
import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import sharp from 'sharp';
import { z } from 'zod';
import { decodeImage } from '../addon/picture.js';
import { pictureKind } from '../addon/picture-kinds.js';
import type { ConsoleUser, Outline } from '../contract/console.js';
import type { Frame } from '../domain/frame.js';
import { withIds } from '../domain/prompt.js';
import type { FrameResult } from '../domain/result.js';
import { cocoAnnotations, cocoCategories } from '../encode/coco-dataset.js';
import { cutoutPngs } from '../encode/mask-pictures.js';
import { Overlay } from '../encode/overlay.js';
import { encodeResult } from '../encode/result.js';
import { FastsamError, messageOf } from '../errors.js';
import type { TextScorer } from '../pipeline/analyse.js';
import { captureTime, SourceFrame } from '../source/source.js';
import { type Ask, answered, askSchema, DEFAULT_IOU, demandOperator, LOWEST_CONF, type PictureSegmenter, parsed } from './asking.js';
import { outlineOf } from './outline.js';
import { encodeView, viewAnswer } from './view.js';

const MAX_BYTES = 16_000_000;
const MAX_PIXELS = 50_000_000;
const MAX_KEPT_BYTES = 200_000_000;
const KEPT_PER_USER = 4;
const KEPT_MS = 30 * 60_000;
const STILL = { width: 1600, quality: 85, cells: 320, fps: 1 } as const;
const MAX_CUTOUTS = 1;

interface Picture {
  readonly frame: Frame;
  readonly owner: string;
  readonly name: string;
  readonly texts: TextScorer;
  result: FrameResult;
  iou: number;
  usedAt: number;
}

/** As a path says it. */
const objectSchema = z
  .string()
  .regex(/^\d{1,6}$/, 'expected the number of an object')
  .transform(Number);
const exportSchema = askSchema.extend({ as: z.enum(['png', 'cutout', 'json', 'coco']) });

export class Pictures {
  readonly #segmenter: PictureSegmenter;
  readonly #pictures = new Map<string, Picture>();
  /** Users whose photo is being segmented. */
  readonly #busy = new Set<string>();
  #next = 0;

  constructor(segmenter: PictureSegmenter) {
    this.#segmenter = segmenter;
  }

  /** Decodes and segments a file; its id. Errors: REQUEST_INVALID, SOURCE_CORRUPT, RATE_LIMITED while one is in work. */
  async add(bytes: Buffer, user: ConsoleUser): Promise<string> {
    return this.#work(user, async () => {
      await checkPicture(bytes);
      const frame = new SourceFrame(await decodeImage(bytes, 'the picture'), this.#next++, captureTime(), 'photo');
      return this.#keep(frame, user, 'photo');
    });
  }

  /** Segments a frame, which then belongs to this; its id. */
  async addFrame(frame: Frame, user: ConsoleUser, name: string): Promise<string> {
    return this.#work(user, () => this.#keep(frame, user, name)).catch((error: unknown) => {
      if (![...this.#pictures.values()].some((picture) => picture.frame === frame)) frame[Symbol.dispose]();
      throw error;
    });
  }

  /** As a message of src/contract/view-message.ts. */
  async view(id: string, user: ConsoleUser): Promise<Uint8Array> {
    const { frame, result } = this.#get(id, user);
    using held = frame.retain();
    return encodeView(held, result, { channel: 0, level: 0, quality: STILL, pictures: true, still: true });
  }

  /** The exact outline of an object. Errors: REQUEST_INVALID. */
  async outline(id: string, user: ConsoleUser, object: number): Promise<Outline> {
    return outlineOf(this.#get(id, user).result, object);
  }

  /** What these prompts answer, on the objects above `conf`. */
  async try(id: string, user: ConsoleUser, ask: Ask): Promise<object> {
    const picture = this.#get(id, user);
    const isNew = await this.#segmentAgain(picture, user, ask.iou);
    const { answers, segments } = await this.#answered(picture, user, ask);
    return {
      segmented: isNew,
      objects: segments.count,
      answers: answers.map((answer) => ({
        ...viewAnswer(answer),
        matches: answer.matches.map(({ index, score }) => ({ id: index, score })),
      })),
    };
  }

  async export(
    id: string,
    user: ConsoleUser,
    { as, ...ask }: z.output<typeof exportSchema>,
  ): Promise<{ type: string; name: string; body: Buffer }> {
    const picture = this.#get(id, user);
    using frame = picture.frame.retain();
    const result = await this.#answered(picture, user, ask);
    const matched = new Set(result.answers.flatMap(({ matches }) => matches.map(({ index }) => index)));
    const indices = Uint32Array.from({ length: result.segments.count }, (_, index) => index).filter(
      (index) => matched.size === 0 || matched.has(index),
    );
    const json = (value: unknown) => ({ type: 'application/json', body: Buffer.from(`${JSON.stringify(value, null, 1)}\n`) });
    switch (as) {
      case 'json': {
        const options = { ...this.#segmenter.identity, camera: 'photo', maxPayloadBytes: 64_000_000, polygonTolerance: 1 };
        const { message } = await encodeResult(result, { ...options, objects: 'matched', maskEncoding: 'rle' });
        return { ...json(message), name: `${picture.name}.json` };
      }
      case 'coco': {
        const { width, height } = frame;
        const images = [{ id: 1, file_name: `${picture.name}.jpg`, width, height }];
        const annotations = await cocoAnnotations(result, indices, 1, 1);
        return { ...json({ images, annotations, categories: cocoCategories(result.model.labels) }), name: `${picture.name}.coco.json` };
      }
      case 'cutout': {
        const [body] = await cutoutPngs(frame, result.segments, indices.subarray(0, MAX_CUTOUTS));
        if (!body) throw new FastsamError('REQUEST_INVALID', 'there is no object to cut out; lower the confidence, or add a prompt');
        return { type: 'image/png', name: `${picture.name}.cutout.png`, body: Buffer.from(body) };
      }
      case 'png': {
        const rgb = await new Overlay().draw(frame, result, { objects: 'matched', prompts: withIds(ask.prompts) });
        const raw = { width: frame.width, height: frame.height, channels: 3 } as const;
        return { type: 'image/png', name: `${picture.name}.png`, body: await sharp(rgb, { raw }).png().toBuffer() };
      }
    }
  }

  clear(): void {
    for (const { frame } of this.#pictures.values()) frame[Symbol.dispose]();
    this.#pictures.clear();
  }

  async #work<T>(user: ConsoleUser, work: () => Promise<T>): Promise<T> {
    if (this.#busy.has(user.name)) throw new FastsamError('RATE_LIMITED', 'expected one picture at a time; wait for the one in work');
    this.#busy.add(user.name);
    try {
      return await work();
    } finally {
      this.#busy.delete(user.name);
    }
  }

  async #keep(frame: Frame, user: ConsoleUser, name: string): Promise<string> {
    const iou = DEFAULT_IOU;
    let result: FrameResult;
    try {
      result = await this.#segmenter.segment(frame, { conf: LOWEST_CONF, iou });
    } catch (error) {
      frame[Symbol.dispose]();
      throw error;
    }
    const id = randomBytes(12).toString('base64url');
    this.#pictures.set(id, {
      frame,
      owner: user.name,
      name,
      texts: this.#segmenter.text.scorer({ remembers: true }),
      result,
      iou,
      usedAt: performance.now(),
    });
    this.#makeRoom(user.name);
    return id;
  }

  async #segmentAgain(picture: Picture, user: ConsoleUser, iou: number | undefined): Promise<boolean> {
    if (iou === undefined || iou === picture.iou) return false;
    await this.#work(user, async () => {
      using frame = picture.frame.retain();
      picture.result = await this.#segmenter.segment(frame, { conf: LOWEST_CONF, iou });
      picture.iou = iou;
    });
    return true;
  }

  /** Looking at all objects for a text takes a while: one picture at a time. */
  async #answered(picture: Picture, user: ConsoleUser, ask: Ask): Promise<FrameResult> {
    using frame = picture.frame.retain();
    const answer = () => answered(frame, picture.result, ask, { segmenter: this.#segmenter, scorer: picture.texts });
    return ask.prompts.some(({ type }) => type === 'text') ? await this.#work(user, answer) : await answer();
  }

  #get(id: string, user: ConsoleUser): Picture {
    const now = performance.now();
    for (const [old, { usedAt }] of this.#pictures) if (now - usedAt > KEPT_MS) this.#drop(old);
    const picture = this.#pictures.get(id);
    if (!picture || picture.owner !== user.name) throw new FastsamError('REQUEST_INVALID', 'this picture is kept no more; open it again');
    picture.usedAt = now;
    return picture;
  }

  #makeRoom(owner: string): void {
    const own = () => [...this.#pictures].filter(([, picture]) => picture.owner === owner);
    while (own().length > KEPT_PER_USER) this.#drop(own()[0]![0]);
    const bytes = () => [...this.#pictures.values()].reduce((sum, { frame }) => sum + frame.width * frame.height * 3, 0);
    while (bytes() > MAX_KEPT_BYTES && this.#pictures.size > 1) this.#drop(this.#pictures.keys().next().value!);
  }

  #drop(id: string): void {
    this.#pictures.get(id)?.frame[Symbol.dispose]();
    this.#pictures.delete(id);
  }
}

/** Before anything is decoded: the kind of file and its size in pixels. */
async function checkPicture(bytes: Buffer): Promise<void> {
  const kind = pictureKind(bytes);
  if (kind !== 'JPEG' && kind !== 'PNG' && kind !== 'WebP')
    throw new FastsamError('REQUEST_INVALID', `expected a JPEG, PNG or WebP file, got ${kind ?? 'something else'}`);
  const { width, height } = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch((cause: unknown) => {
      throw new FastsamError('REQUEST_INVALID', `not a readable ${kind} file: ${messageOf(cause).slice(0, 200)}`, { cause });
    });
  if (width * height > MAX_PIXELS)
    throw new FastsamError('REQUEST_INVALID', `expected at most ${MAX_PIXELS / 1e6} megapixels, got ${width}×${height}`);
}

export interface PictureRouteDeps {
  readonly pictures: Pictures;
  /** The camera's next frame. Errors: REQUEST_FORBIDDEN, SOURCE_TIMEOUT. */
  readonly fromCamera: (user: ConsoleUser, camera: string) => Promise<Frame>;
}

/** Adds the routes of photos; `request.user` is known there. */
export async function pictureRoutes(routes: FastifyInstance, { pictures, fromCamera }: PictureRouteDeps): Promise<void> {
  await routes.register(async (upload) => {
    upload.addContentTypeParser(
      ['image/jpeg', 'image/png', 'image/webp', 'application/octet-stream'],
      { parseAs: 'buffer', bodyLimit: MAX_BYTES },
      (_request: FastifyRequest, body: Buffer, done: (error: Error | null, body?: Buffer) => void) => done(null, body),
    );
    upload.post('/pictures', { bodyLimit: MAX_BYTES, onRequest: demandOperator }, async (request) => {
      if (!Buffer.isBuffer(request.body)) throw new FastsamError('REQUEST_INVALID', 'expected a picture as the body');
      return { id: await pictures.add(request.body, request.user) };
    });
  });
  routes.post<{ Params: { camera: string } }>('/cameras/:camera/picture', { onRequest: demandOperator }, async (request) => {
    const frame = await fromCamera(request.user, request.params.camera);
    return { id: await pictures.addFrame(frame, request.user, request.params.camera) };
  });
  routes.get<{ Params: { id: string } }>('/pictures/:id/view', async (request, reply) =>
    reply.type('application/octet-stream').send(await pictures.view(request.params.id, request.user)),
  );
  routes.get<{ Params: { id: string; object: string } }>('/pictures/:id/outlines/:object', async ({ params: { id, object }, user }) =>
    pictures.outline(id, user, parsed(objectSchema, object)),
  );
  routes.post<{ Params: { id: string } }>('/pictures/:id/try', async (request) =>
    pictures.try(request.params.id, request.user, parsed(askSchema, request.body)),
  );
  routes.post<{ Params: { id: string } }>('/pictures/:id/export', async (request, reply) => {
    const { type, name, body } = await pictures.export(request.params.id, request.user, parsed(exportSchema, request.body));
    return reply.type(type).header('content-disposition', `attachment; filename="${name}"`).send(body);
  });
}
