/** Picture files to frames in native memory. */
import { stat } from 'node:fs/promises';
import sharp, { type Metadata, type Sharp } from 'sharp';
import { MAX_PARTED_PIXELS, MAX_PICTURE_PIXELS, MAX_PICTURE_SIDE, PICTURE_TIMEOUT_S } from '../domain/limits.js';
import type { Flip, Rotation } from '../domain/picture.js';
import { FastsamError, messageOf } from '../errors.js';
import { native } from './addon.js';
import type { NativeFrame, Region } from './frame.js';
import { EXPECTED_PICTURES, type PictureKind, pictureKind, pictureKindOf } from './picture-kinds.js';
import { type RawPicture, stretchToRgb, type ToRgb } from './stretch.js';

const DECODED: ReadonlySet<PictureKind> = new Set(['JPEG', 'PNG', 'WebP', 'TIFF', 'GIF', 'AVIF']);

// What is told from the content as one kind must not reach the decoder of another: SVG, PDF and the like render programs.
sharp.block({ operation: ['VipsForeignLoad'] });
// SVG in memory stays open for the prompts, trails and counts that fastsamd draws itself: files are opened by their own
// first bytes, and those of an SVG are none of the kinds below.
sharp.unblock({
  operation: [
    ...['Jpeg', 'Png', 'Webp', 'Tiff', 'Nsgif', 'Heif'].map((decoder) => `VipsForeignLoad${decoder}`),
    'VipsForeignLoadSvgBuffer',
  ],
});

// Every picture is decoded once: remembered decoders would only hold on to rows (200 MB of a picture of 12,000 × 9,000 pixels).
sharp.cache(false);

/**
 * Decodes a picture to RGB pixels in native memory, upright (EXIF orientation applied), transparency on white; of several
 * pages the first. `input`: a path or the encoded bytes; then turned. Its kind is told from its content. What a decoder
 * warns about is accepted, a picture that is cut short is not. Errors: SOURCE_CORRUPT; SOURCE_UNSUPPORTED for kinds and
 * sizes that are not read.
 */
export async function decodeImage(
  input: string | Uint8Array,
  name: string,
  { rotate = 0, flip = 'none', stretch }: Turn & DepthOptions = {},
): Promise<NativeFrame> {
  const file = await openPictureFile(input, name);
  const { width, height, picture, readable } = file;
  if (width * height > MAX_PICTURE_PIXELS) {
    throw new FastsamError(
      'SOURCE_UNSUPPORTED',
      `${name}: ${width}×${height} pixels, more than are held in memory; "fastsamd segment --tile 1024" without --out, --cutouts and --text reads it in parts`,
    );
  }
  const toRgb = await rgbReader(file, stretch);
  let decoded = await readable(() => toRgb(picture().autoOrient()));
  // One step at a time: within one call sharp turns and mirrors in an order of its own.
  if (rotate !== 0) decoded = await again(decoded, (turned) => turned.rotate(rotate));
  if (flip !== 'none') decoded = await again(decoded, (turned) => (flip === 'vertical' ? turned.flip() : turned.flop()));
  return frameOf(decoded);
}

/** A picture of any size that is decoded part by part. */
export interface PictureParts {
  /** Upright, in pixels. */
  readonly width: number;
  readonly height: number;
  /**
   * The upright pixels of a region as decodeImage gives them; the caller releases them. Decodes what lies above the region too,
   * and keeps none of it. Errors: SOURCE_CORRUPT.
   */
  read(region: Region): Promise<NativeFrame>;
}

/** Opens a picture for reading in parts; nothing is decoded yet. Errors: as decodeImage, for larger sizes. */
export async function openPictureParts(path: string, { stretch }: DepthOptions = {}): Promise<PictureParts> {
  const file = await openPictureFile(path, path);
  const { width, height, orientation, picture, readable } = file;
  const toRgb = await rgbReader(file, stretch);
  const [uprightWidth, uprightHeight] = orientation >= 5 ? [height, width] : [width, height];
  return {
    width: uprightWidth,
    height: uprightHeight,
    async read(region) {
      const stored = storedRegion(region, orientation, uprightWidth, uprightHeight);
      const { x: left, y: top, ...size } = stored;
      let part = await readable(() => toRgb(picture().extract({ left, top, ...size })));
      const { rotate, mirror } = UPRIGHT[orientation]!;
      if (rotate !== 0) part = await again(part, (turned) => turned.rotate(rotate));
      if (mirror) part = await again(part, (turned) => turned.flop());
      return frameOf(part);
    },
  };
}

/** What makes a picture of each EXIF orientation upright: degrees clockwise, then left and right exchanged. */
const UPRIGHT: Readonly<Record<number, { readonly rotate: Rotation; readonly mirror: boolean }>> = {
  1: { rotate: 0, mirror: false },
  2: { rotate: 0, mirror: true },
  3: { rotate: 180, mirror: false },
  4: { rotate: 180, mirror: true },
  5: { rotate: 90, mirror: true },
  6: { rotate: 90, mirror: false },
  7: { rotate: 270, mirror: true },
  8: { rotate: 270, mirror: false },
};

/** Where the pixels of a region of the upright picture, `width` × `height`, lie in the stored one. */
function storedRegion(region: Region, orientation: number, width: number, height: number): Region {
  const { rotate, mirror } = UPRIGHT[orientation]!;
  const { y, width: w, height: h } = region;
  // Steps are undone from the last to the first.
  const x = mirror ? width - region.x - w : region.x;
  switch (rotate) {
    case 0:
      return { x, y, width: w, height: h };
    case 90:
      return { x: y, y: width - x - w, width: h, height: w };
    case 180:
      return { x: width - x - w, y: height - y - h, width: w, height: h };
    case 270:
      return { x: height - y - h, y: x, width: h, height: w };
  }
}

interface PictureFile {
  /** As stored, in pixels. */
  readonly width: number;
  readonly height: number;
  /** EXIF's number, 1 to 8. */
  readonly orientation: number;
  readonly metadata: Metadata;
  /** A fresh decoder, which reads from the top down and keeps no row longer than it is needed. */
  readonly picture: () => Sharp;
  /** Makes SOURCE_CORRUPT of what the decoder throws. */
  readonly readable: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Reads the head of a picture. Errors: SOURCE_CORRUPT, SOURCE_UNSUPPORTED. */
async function openPictureFile(input: string | Uint8Array, name: string): Promise<PictureFile> {
  const kind = typeof input === 'string' ? await pictureKindOf(input) : pictureKind(input);
  if (kind && !DECODED.has(kind))
    throw new FastsamError('SOURCE_UNSUPPORTED', `${name}: is a ${kind} picture, which is not read; convert it to PNG or JPEG`);
  const readable = async <T>(work: () => Promise<T>) => {
    try {
      return await work();
    } catch (cause) {
      const what = kind ?? EXPECTED_PICTURES;
      throw new FastsamError('SOURCE_CORRUPT', `${name}: not a readable ${what} picture: ${messageOf(cause)}`, { cause });
    }
  };
  const picture = () => sharp(input, { limitInputPixels: MAX_PARTED_PIXELS, failOn: 'error', sequentialRead: true });
  const metadata = await readable(async () => {
    // SVG, PDF and whatever else the decoder knows are no camera's pictures.
    if (!kind) throw new Error(await whyUnreadable(input));
    return picture().metadata();
  });
  const { width, height, orientation = 1 } = metadata;
  if (Math.max(width, height) > MAX_PICTURE_SIDE)
    throw new FastsamError('SOURCE_UNSUPPORTED', `${name}: ${width}×${height} pixels; a side has at most ${MAX_PICTURE_SIDE}`);
  return { width, height, orientation: orientation in UPRIGHT ? orientation : 1, metadata, picture, readable };
}

async function rgbReader({ metadata, picture, readable }: PictureFile, stretch: DepthOptions['stretch']): Promise<ToRgb> {
  const stretched = stretch && (await readable(() => stretchToRgb(picture, metadata, stretch.noData)));
  return stretched ?? eightBits;
}

function eightBits(picture: Sharp): Promise<RawPicture> {
  return picture
    .timeout({ seconds: PICTURE_TIMEOUT_S })
    .flatten({ background: 'white' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
}

function frameOf({ data, info }: RawPicture): NativeFrame {
  return native().createFrame(data, { width: info.width, height: info.height, format: 'rgb' });
}

/** Why a file has no kind. */
async function whyUnreadable(input: string | Uint8Array): Promise<string> {
  if (typeof input === 'string') {
    const { size } = await stat(input);
    if (size === 0) return 'it is empty';
  }
  return 'its content is something else';
}

/** How a camera is mounted. */
export interface Turn {
  /** Degrees clockwise, before `flip`. */
  readonly rotate?: Rotation;
  readonly flip?: Flip;
}

export interface DepthOptions {
  /**
   * Pictures of more than 8 bits a sample fill the range of 8 bits (2nd to 98th percentile of each band) rather than keep their
   * upper bits; `noData` is the value of pixels that were not measured.
   */
  readonly stretch?: { readonly noData?: number | undefined } | undefined;
}

function again({ data, info }: RawPicture, step: (picture: Sharp) => Sharp): Promise<RawPicture> {
  const raw = { width: info.width, height: info.height, channels: 3 as const };
  return step(sharp(data, { raw })).raw().toBuffer({ resolveWithObject: true });
}
