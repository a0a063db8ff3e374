/** Objects as GeoJSON (RFC 7946): longitude and latitude on WGS 84. */
import { type MultiPolygon, native } from '../addon/addon.js';
import type { Segments } from '../domain/segments.js';
import { FastsamError } from '../errors.js';
import { type CoordinateSystem, coordinateSystem, KNOWN_SYSTEMS, placeOfPixel } from './coordinate-system.js';
import type { Georeference } from './georeference.js';
import { signedArea, squareUp } from './square-up.js';

/** Decimals of a degree: a millimetre on the ground. */
const DECIMALS = 1e8;

export interface PlacedPicture {
  readonly affine: Georeference['affine'];
  readonly system: CoordinateSystem;
}

/**
 * Where a picture lies. `epsg` says what the file leaves out, or is to be taken instead. Errors: SOURCE_UNSUPPORTED without
 * a georeference, or without a coordinate system; USAGE for a code that is not known.
 */
export function placedPicture(path: string, reference: Georeference | undefined, epsg: number | undefined): PlacedPicture {
  if (!reference) {
    throw new FastsamError(
      'SOURCE_UNSUPPORTED',
      `${path}: has no georeference: expected a GeoTIFF, or a world file beside the picture (.tfw, .jgw, .pgw, .wld)`,
    );
  }
  const code = epsg ?? reference.epsg;
  if (code === undefined) {
    const words = reference.citation === undefined ? '' : ` (it calls it "${reference.citation}")`;
    throw new FastsamError(
      'SOURCE_UNSUPPORTED',
      `${path}: does not name its coordinate system by an EPSG code${words}; add --epsg CODE, as in --epsg 32616 for UTM zone 16 north`,
    );
  }
  try {
    return { affine: reference.affine, system: coordinateSystem(code) };
  } catch (cause) {
    if (epsg !== undefined) throw cause;
    const message = `${path}: is in EPSG:${code}, which is not known; convert it to one of ${KNOWN_SYSTEMS}`;
    throw new FastsamError('SOURCE_UNSUPPORTED', message, { cause });
  }
}

export interface FeatureOptions {
  /** Pixels by which an outline may deviate. */
  readonly tolerance: number;
  /** Give outlines right angles. */
  readonly square: boolean;
  readonly labels: readonly string[];
  /** Name of the picture. */
  readonly source: string;
}

/** Outlines in pixels of the picture, the first ring of each polygon outside. */
export async function outlinesOf(
  segments: Segments,
  indices: Uint32Array,
  { tolerance, square }: Pick<FeatureOptions, 'tolerance' | 'square'>,
): Promise<MultiPolygon[]> {
  const outlines = await native().polygons(segments, indices, tolerance);
  if (!square) return outlines;
  return outlines.map((polygons) => polygons.map((rings) => rings.map((ring) => squareUp(ring) as [number, number][])));
}

/** A feature an object, in the order of `indices`; objects without an outline are left out. */
export async function featuresOf(
  segments: Segments,
  indices: Uint32Array,
  { affine, system }: PlacedPicture,
  options: FeatureOptions,
): Promise<object[]> {
  const outlines = await outlinesOf(segments, indices, options);
  const position = (point: readonly [number, number]) =>
    system.toWgs84(placeOfPixel(affine, point)).map((degrees) => Math.round(degrees * DECIMALS) / DECIMALS) as [number, number];
  return outlines.flatMap((polygons, k) => {
    const index = indices[k]!;
    // RFC 7946: rings are closed; the outline runs anticlockwise, holes clockwise.
    const coordinates = polygons.map((rings) =>
      rings.map((ring, r) => {
        const places = ring.map(position);
        if (signedArea(places) > 0 !== (r === 0)) places.reverse();
        return [...places, places[0]!];
      }),
    );
    if (coordinates.length === 0) return [];
    const label = options.labels[segments.classes[index]!];
    const properties = {
      id: index,
      score: Math.round(segments.scores[index]! * 1e4) / 1e4,
      ...(label === undefined ? {} : { label }),
      area_px: segments.areas[index]!,
      source: options.source,
    };
    const [only, ...more] = coordinates;
    const geometry = more.length > 0 ? { type: 'MultiPolygon', coordinates } : { type: 'Polygon', coordinates: only };
    return [{ type: 'Feature', properties, geometry }];
  });
}
