/** Coordinate systems by EPSG code, to and from longitude and latitude on WGS 84. The projections are proj4's. */
import proj4 from 'proj4';
import { FastsamError } from '../errors.js';

type Place = readonly [x: number, y: number];

export interface CoordinateSystem {
  readonly epsg: number;
  /** Longitude and latitude, in degrees. */
  toWgs84(place: Place): [number, number];
  fromWgs84(place: Place): [number, number];
}

/** Systems without a rule below, as the EPSG registry defines them. */
const DEFINITIONS: Readonly<Record<number, string>> = {
  4326: '+proj=longlat +datum=WGS84',
  4258: '+proj=longlat +ellps=GRS80 +towgs84=0,0,0',
  4269: '+proj=longlat +ellps=GRS80 +towgs84=0,0,0',
  3857: '+proj=merc +a=6378137 +b=6378137 +lat_ts=0 +lon_0=0 +x_0=0 +y_0=0 +k=1 +units=m +nadgrids=@null',
  3395: '+proj=merc +lon_0=0 +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m',
  5070: '+proj=aea +lat_1=29.5 +lat_2=45.5 +lat_0=23 +lon_0=-96 +x_0=0 +y_0=0 +ellps=GRS80 +towgs84=0,0,0 +units=m',
  3035: '+proj=laea +lat_0=52 +lon_0=10 +x_0=4321000 +y_0=3210000 +ellps=GRS80 +towgs84=0,0,0 +units=m',
  2154: '+proj=lcc +lat_1=49 +lat_2=44 +lat_0=46.5 +lon_0=3 +x_0=700000 +y_0=6600000 +ellps=GRS80 +towgs84=0,0,0 +units=m',
  2056: '+proj=somerc +lat_0=46.9524055555556 +lon_0=7.43958333333333 +k_0=1 +x_0=2600000 +y_0=1200000 +ellps=bessel +towgs84=674.374,15.056,405.346,0,0,0,0 +units=m',
  27700:
    '+proj=tmerc +lat_0=49 +lon_0=-2 +k=0.9996012717 +x_0=400000 +y_0=-100000 +ellps=airy +towgs84=446.448,-125.157,542.06,0.15,0.247,0.842,-20.489 +units=m',
};

export const KNOWN_SYSTEMS =
  'WGS 84 (4326), UTM on WGS 84 (32601–32660, 32701–32760), ETRS89 (25828–25838) and NAD83 (26901–26923), Web Mercator (3857), and 4258, 4269, 2056, 2154, 3035, 3395, 5070, 27700';

/** Errors: USAGE for a code that is not known, with those that are. */
export function coordinateSystem(epsg: number): CoordinateSystem {
  const definition = definitionOf(epsg);
  if (definition === undefined) throw new FastsamError('USAGE', `EPSG:${epsg} is not known; expected one of ${KNOWN_SYSTEMS}`);
  const { forward, inverse } = proj4(DEFINITIONS[4326]!, definition);
  return {
    epsg,
    toWgs84: ([x, y]) => inverse([x, y]) as [number, number],
    fromWgs84: ([x, y]) => forward([x, y]) as [number, number],
  };
}

function definitionOf(epsg: number): string | undefined {
  const zone = epsg % 100;
  const hundred = Math.floor(epsg / 100);
  if ((hundred === 326 || hundred === 327) && zone >= 1 && zone <= 60)
    return `+proj=utm +zone=${zone}${hundred === 327 ? ' +south' : ''} +datum=WGS84 +units=m`;
  if ((hundred === 258 && zone >= 28 && zone <= 38) || (hundred === 269 && zone >= 1 && zone <= 23))
    return `+proj=utm +zone=${zone} +ellps=GRS80 +towgs84=0,0,0 +units=m`;
  return DEFINITIONS[epsg];
}

/** Pixels to the coordinate system of the picture. */
export function placeOfPixel(
  [a, b, c, d, e, f]: readonly [number, number, number, number, number, number],
  [x, y]: Place,
): [number, number] {
  return [a * x + b * y + c, d * x + e * y + f];
}

/** The other way round. Errors: SOURCE_CORRUPT when all pixels lie on one line. */
export function pixelOfPlace(
  [a, b, c, d, e, f]: readonly [number, number, number, number, number, number],
  [x, y]: Place,
): [number, number] {
  const determinant = a * e - b * d;
  if (determinant === 0) throw new FastsamError('SOURCE_CORRUPT', 'the georeference puts all pixels on one line');
  return [(e * (x - c) - b * (y - f)) / determinant, (a * (y - f) - d * (x - c)) / determinant];
}
