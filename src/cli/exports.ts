/** Writes what the export options ask for. */
import { type FileHandle, open, realpath, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { native } from '../addon/addon.js';
import type { Frame } from '../domain/frame.js';
import type { FrameResult } from '../domain/result.js';
import { makeDirectory, writeDurably } from '../durable.js';
import { type CocoImage, cocoAnnotations, cocoCategories } from '../encode/coco-dataset.js';
import { cutoutPngs, greyPng, labelMapPng, maskPng } from '../encode/mask-pictures.js';
import { objectsToSend } from '../encode/result.js';
import { yoloPolygons } from '../encode/yolo-polygons.js';
import { FastsamError, messageOf } from '../errors.js';
import type { PlacedPicture } from '../geo/features.js';
import { readGeoreference } from '../geo/georeference.js';
import type { ExportArguments } from './export-options.js';

/** Pixels that an outline of --save-txt may deviate. */
const POLYGON_TOLERANCE = 0.5;
/** Pixels that an outline of --geojson may deviate. */
const OUTLINE_TOLERANCE = 1;

/** Writes what was asked for. A still `photo.jpg` gives `photo.txt`, `photo_0.png`, …; frame 3 of `clip.mp4` gives `clip_3.txt`, `clip_3_0.png`, …. */
export class Exports {
  readonly #args: ExportArguments;
  readonly #names = new Map<string, string>();
  readonly #used = new Set<string>();
  readonly #counts = new Map<string, number>();
  #coco: CocoFile | undefined;
  #features: object[] | undefined;
  /** Of the picture that comes next: found out before it is segmented. */
  readonly #places = new Map<string, PlacedPicture>();

  constructor(args: ExportArguments) {
    this.#args = args;
  }

  /** One line for each kind of output: where it is and how many files it has. */
  get summary(): string[] {
    return [...this.#counts].map(([place, count]) => `${place}${count > 1 ? ` (${count} files)` : ''}`);
  }

  /** Finds out where the picture lies, with --geojson. Errors: as placedPicture and readGeoreference. */
  async prepare(path: string): Promise<void> {
    const { geojson, epsg } = this.#args;
    if (geojson === undefined || this.#places.has(path)) return;
    const { placedPicture } = await import('../geo/features.js');
    this.#places.set(path, placedPicture(path, await readGeoreference(path), epsg));
  }

  /** Writes one frame. Errors: OUTPUT_UNWRITABLE; those of `prepare`. */
  async add(frame: Frame, result: FrameResult): Promise<void> {
    const { 'save-txt': text, 'save-masks': masks, 'mask-files': kind, cutouts, coco, geojson, edges } = this.#args;
    if ([text, masks, cutouts, coco, geojson, edges].every((target) => target === undefined)) return;
    const { segments } = result;
    const indices = objectsToSend(result, 'matched');
    const name = this.#nameOf(frame);
    if (text !== undefined) {
      const lines = await yoloPolygons(segments, indices, POLYGON_TOLERANCE);
      await this.#write(text, frame, `${name}.txt`, lines.map((line) => `${line}\n`).join(''));
    }
    if (masks !== undefined && kind === 'map') await this.#write(masks, frame, `${name}.png`, await labelMapPng(segments, indices));
    else if (masks !== undefined) {
      for (const index of indices) await this.#write(masks, frame, `${name}_${index}.png`, await maskPng(segments, index));
    }
    if (cutouts !== undefined) {
      for (const [k, png] of (await cutoutPngs(frame, segments, indices)).entries()) {
        if (png) await this.#write(cutouts, frame, `${name}_${indices[k]}.png`, png);
      }
    }
    if (edges !== undefined) await this.#writeEdges(edges, frame, result, name);
    if (geojson !== undefined) await this.#addFeatures(frame, result, indices);
    if (coco !== undefined) {
      this.#coco ??= await writable(coco, () => CocoFile.create(coco));
      this.#counts.set(coco, 1);
      await writable(coco, () => this.#coco!.add(frame, result, indices));
    }
  }

  async #writeEdges(target: string, frame: Frame, { edges, segments }: FrameResult, name: string): Promise<void> {
    const { width, height } = segments;
    const levels = await native().edgeCrests(edges!, width, height);
    const png = await greyPng(levels, width, height);
    if (!/\.png$/i.test(target)) return this.#write(target, frame, `${name}.png`, png);
    if (this.#counts.has(target))
      throw new FastsamError('OUTPUT_UNWRITABLE', `${target}: holds one picture, but there are more frames; use a folder`);
    await writable(target, async () => {
      const [written, read] = await Promise.all([target, frame.origin].map((path) => realpath(path).catch(() => undefined)));
      if (written !== undefined && written === read)
        throw new FastsamError('OUTPUT_UNWRITABLE', `${target}: is the input; expected another file`);
      await makeDirectory(dirname(target));
      await writeDurably(target, png);
    });
    this.#counts.set(target, 1);
  }

  async #addFeatures(frame: Frame, result: FrameResult, indices: Uint32Array): Promise<void> {
    await this.prepare(frame.origin);
    const place = this.#places.get(frame.origin)!;
    this.#places.delete(frame.origin);
    const { labels } = result.model;
    const options = { tolerance: OUTLINE_TOLERANCE, square: this.#args.regularize, labels, source: basename(frame.origin) };
    const { featuresOf } = await import('../geo/features.js');
    const features = await featuresOf(result.segments, indices, place, options);
    this.#features ??= [];
    for (const feature of features) this.#features.push(feature);
  }

  /** Completes the COCO file, and writes the GeoJSON file of everything that was added. */
  async close(): Promise<void> {
    const { coco, geojson } = this.#args;
    if (geojson !== undefined && this.#features) {
      const collection = `{"type":"FeatureCollection","features":[${this.#features.map((feature) => `\n${JSON.stringify(feature)}`).join(',')}\n]}\n`;
      await writable(geojson, () => writeDurably(geojson, collection));
      this.#counts.set(geojson, 1);
      this.#features = undefined;
    }
    await writable(coco ?? '', async () => this.#coco?.close());
    this.#coco = undefined;
  }

  /** The stem of a frame's files: two sources of one name (a/1.jpg, b/1.jpg) are told apart by a number. */
  #nameOf(frame: Frame): string {
    let stem = this.#names.get(frame.origin);
    if (stem === undefined) {
      const wanted = basename(frame.origin, extname(frame.origin)).replace(/[^\w.-]+/g, '_') || 'frame';
      stem = wanted;
      for (let k = 2; this.#used.has(stem); k += 1) stem = `${wanted}-${k}`;
      this.#used.add(stem);
      // Of a folder of stills every name is used once: only sources of many frames come back.
      if (frame.ptsNs !== null) this.#names.set(frame.origin, stem);
    }
    return frame.ptsNs === null ? stem : `${stem}_${frame.sequence + 1}`;
  }

  async #write(folder: string, frame: Frame, name: string, content: string | Buffer): Promise<void> {
    await writable(folder, async () => {
      await makeDirectory(folder);
      await demandOtherFolder(folder, frame, name);
      await writeFile(join(folder, name), content);
    });
    this.#counts.set(folder, (this.#counts.get(folder) ?? 0) + 1);
  }
}

/** A picture that is written beside the pictures that are read could replace one of them, or be read itself the next time. */
async function demandOtherFolder(folder: string, frame: Frame, name: string): Promise<void> {
  if (!name.endsWith('.png') || frame.ptsNs !== null) return;
  const [target, source] = await Promise.all([folder, dirname(resolve(frame.origin))].map((path) => realpath(path).catch(() => undefined)));
  if (target !== undefined && target === source) {
    throw new FastsamError('OUTPUT_UNWRITABLE', `${folder}: holds the input pictures; expected another folder for masks and cut-outs`);
  }
}

async function writable<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof FastsamError) throw cause;
    throw new FastsamError('OUTPUT_UNWRITABLE', `${place}: cannot be written: ${messageOf(cause)}`, { cause });
  }
}

/**
 * How a COCO dataset names a file: by its base name, or, when a file of another folder has that already, by as many of its
 * folders as tell the two apart. `owners` holds the files by the names they have.
 */
function fileNameOf(origin: string, owners: Map<string, string>): string {
  const parts = origin.split('/');
  for (let k = parts.length - 1; k > 0; k -= 1) {
    const name = parts.slice(k).join('/');
    const owner = owners.get(name) ?? origin;
    if (owner === origin) {
      owners.set(name, origin);
      return name;
    }
  }
  return origin;
}

/** Annotations go to the file as they come; only the list of pictures is kept until the end. */
class CocoFile {
  readonly #file: FileHandle;
  readonly #images: CocoImage[] = [];
  readonly #owners = new Map<string, string>();
  #labels: readonly string[] = [];
  #annotations = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<CocoFile> {
    await makeDirectory(dirname(path));
    const file = await open(path, 'w');
    await file.appendFile('{"info":{"description":"segmented by fastsamd"},"licenses":[],"annotations":[');
    return new CocoFile(file);
  }

  /** Of a video each frame is a picture, named by the file and the number of the frame. */
  async add(frame: Frame, result: FrameResult, indices: Uint32Array): Promise<void> {
    const { width, height } = result.segments;
    const id = this.#images.length + 1;
    const file = fileNameOf(frame.origin, this.#owners);
    this.#images.push({ id, file_name: frame.ptsNs === null ? file : `${file}#${frame.sequence + 1}`, width, height });
    this.#labels = result.model.labels;
    const annotations = await cocoAnnotations(result, indices, id, this.#annotations + 1);
    for (const annotation of annotations) {
      await this.#file.appendFile(`${this.#annotations === 0 ? '' : ','}\n${JSON.stringify(annotation)}`);
      this.#annotations += 1;
    }
  }

  async close(): Promise<void> {
    const categories = JSON.stringify(cocoCategories(this.#labels));
    await this.#file.appendFile(`\n],"images":${JSON.stringify(this.#images)},"categories":${categories}}\n`);
    await this.#file.close();
  }
}
