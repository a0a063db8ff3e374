/** Footprints from files: GeoJSON, and SpaceNet's CSV of polygons in pixels. */
import { readFile } from 'node:fs/promises';
import { FastsamError, messageOf } from '../../errors.js';
import { coordinateSystem } from '../../geo/coordinate-system.js';
import { readJson } from '../json.js';
import type { Footprint } from './score.js';

export type Footprints =
  /** By picture. */
  | { readonly plane: 'pixels'; readonly pictures: ReadonlyMap<string, readonly Footprint[]> }
  /** Longitude and latitude in degrees. */
  | { readonly plane: 'wgs84'; readonly all: readonly Footprint[] };

/**
 * Reads .csv (SpaceNet: ImageId and PolygonWKT_Pix among its columns) or GeoJSON, in WGS 84 or in what its "crs" names. Errors:
 * SOURCE_NOT_FOUND, DATASET_INVALID.
 */
export async function readFootprints(path: string): Promise<Footprints> {
  if (/\.csv$/i.test(path)) return { plane: 'pixels', pictures: parseSpaceNet(await readText(path), path) };
  return { plane: 'wgs84', all: parseGeoJson(await readJson(path), path) };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new FastsamError('SOURCE_NOT_FOUND', `${path}: cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** Footprints of each picture, in the order of the file. "POLYGON EMPTY" stands for a picture without any. */
export function parseSpaceNet(text: string, path: string): Map<string, Footprint[]> {
  const wrong = (what: string) => new FastsamError('DATASET_INVALID', `${path}: ${what}`);
  const [head, ...lines] = text.split(/\r?\n/).filter((line) => line !== '');
  const columns = cellsOf(head ?? '');
  const [image, polygon] = [columns.indexOf('ImageId'), columns.indexOf('PolygonWKT_Pix')];
  if (image < 0 || polygon < 0) throw wrong('expected columns ImageId and PolygonWKT_Pix, as SpaceNet has them');
  const pictures = new Map<string, Footprint[]>();
  for (const [k, line] of lines.entries()) {
    const cells = cellsOf(line);
    const [name, wkt] = [cells[image], cells[polygon]];
    if (name === undefined || name === '' || wkt === undefined) throw wrong(`line ${k + 2}: expected ${columns.length} values`);
    const own = pictures.get(name) ?? [];
    pictures.set(name, own);
    if (/^\s*POLYGON\s+EMPTY\s*$/i.test(wkt)) continue;
    own.push([ringsOfWkt(wkt) ?? failPolygon(k + 2, wrong)]);
  }
  return pictures;
}

function failPolygon(line: number, wrong: (what: string) => FastsamError): never {
  throw wrong(`line ${line}: expected POLYGON ((x y, x y, …)) of finite numbers`);
}

/** Cells of one line, quoted where they hold commas. */
function cellsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
  );
}

function ringsOfWkt(text: string): [number, number][][] | undefined {
  const body = /^\s*POLYGON\s*(?:Z\s*)?\(\s*(\(.*\))\s*\)\s*$/is.exec(text)?.[1];
  if (body === undefined) return undefined;
  const rings = body
    .slice(1, -1)
    .split(/\)\s*,\s*\(/)
    .map((ring) =>
      ring.split(',').map((point) => {
        const [x, y] = point.trim().split(/\s+/).map(Number);
        return [x ?? Number.NaN, y ?? Number.NaN] as [number, number];
      }),
    );
  return rings.every((ring) => ring.length >= 3 && ring.flat().every(Number.isFinite)) ? rings : undefined;
}

/** Polygons and multipolygons of a FeatureCollection in longitude and latitude; other geometries are no footprints. */
export function parseGeoJson(json: unknown, path: string): Footprint[] {
  const wrong = (what: string) => new FastsamError('DATASET_INVALID', `${path}: ${what}`);
  const { features, crs } = (json ?? {}) as { features?: unknown; crs?: { properties?: { name?: unknown } } };
  if (!Array.isArray(features)) throw wrong('expected GeoJSON, a FeatureCollection with a list of features');
  const toWgs84 = systemOf(crs?.properties?.name, wrong);
  return features.flatMap((feature: { geometry?: { type?: unknown; coordinates?: unknown } | null }, k) => {
    const { type, coordinates } = feature?.geometry ?? {};
    if (type !== 'Polygon' && type !== 'MultiPolygon') return [];
    const polygons = (type === 'Polygon' ? [coordinates] : coordinates) as unknown;
    if (!isMultiPolygon(polygons)) throw wrong(`feature ${k}: expected rings of finite coordinates`);
    return [polygons.map((rings) => rings.map((ring) => ring.map(([x, y]) => toWgs84([x!, y!]))))];
  });
}

function systemOf(name: unknown, wrong: (what: string) => FastsamError): (place: [number, number]) => [number, number] {
  if (name === undefined || (typeof name === 'string' && /CRS84$/.test(name))) return (place) => place;
  const code = typeof name === 'string' ? /EPSG:{1,2}(?:[\d.]*:)?(\d+)$/i.exec(name)?.[1] : undefined;
  if (code === undefined) throw wrong(`expected a crs that names an EPSG code, got ${JSON.stringify(name)}`);
  try {
    const { toWgs84 } = coordinateSystem(Number(code));
    return toWgs84;
  } catch (cause) {
    throw wrong(messageOf(cause));
  }
}

function isMultiPolygon(value: unknown): value is number[][][][] {
  const isRing = (ring: unknown) =>
    Array.isArray(ring) &&
    ring.length >= 3 &&
    ring.every((point) => Array.isArray(point) && point.length >= 2 && Number.isFinite(point[0]) && Number.isFinite(point[1]));
  return Array.isArray(value) && value.every((rings) => Array.isArray(rings) && rings.length > 0 && rings.every(isRing));
}

const EARTH_RADIUS = 6_371_008.8;

/** Degrees to metres on a plane that touches the Earth at `latitude`: true to scale over a town. */
export function metresAt(footprint: Footprint, latitude: number): Footprint {
  const metre = (EARTH_RADIUS * Math.PI) / 180;
  const shrink = Math.cos((latitude * Math.PI) / 180);
  return footprint.map((rings) => rings.map((ring) => ring.map(([x, y]) => [x * metre * shrink, y * metre])));
}
