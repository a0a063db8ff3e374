/** Counts of drawn footprints against what shapely 2.1 computes with the rule of solaris; footprints.json holds both. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseGeoJson, parseSpaceNet } from '../../../src/eval/buildings/footprints.js';
import { countFootprints, footprintFigures, footprintIou } from '../../../src/eval/buildings/score.js';

interface Facts {
  readonly pictures: Readonly<
    Record<
      string,
      {
        readonly truths: readonly [number, number][][];
        readonly proposals: readonly [number, number][][];
        readonly found: number;
        readonly wrong: number;
        readonly missed: number;
      }
    >
  >;
}
const { pictures } = JSON.parse(readFileSync(new URL('footprints.json', import.meta.url), 'utf8')) as Facts;
const footprints = (rings: readonly [number, number][][]) => rings.map((ring) => [[ring]]);

describe('footprints', () => {
  it.each(Object.entries(pictures))('of picture %s count as with shapely', (_, { truths, proposals, found, wrong, missed }) => {
    expect(countFootprints(footprints(proposals), footprints(truths), 20)).toEqual({ found, wrong, missed });
  });

  it('overlap exactly', () => {
    const square = (x: number, side: number) => [
      [
        [
          [x, 0],
          [x + side, 0],
          [x + side, side],
          [x, side],
        ] as [number, number][],
      ],
    ];
    expect(footprintIou(square(0, 10), square(5, 10))).toBeCloseTo(1 / 3, 12);
    expect(footprintIou(square(500_000, 10), square(500_005, 10))).toBeCloseTo(1 / 3, 9);
    expect(footprintIou(square(0, 10), square(10, 10))).toBe(0);
  });

  it('give F1, precision and recall of all pictures together, and 0 for nothing', () => {
    // The sums of SpaceNet 2's example for Las Vegas and Khartoum.
    expect(
      footprintFigures([
        { found: 28, wrong: 2, missed: 6 },
        { found: 7, wrong: 0, missed: 1 },
      ]).F1,
    ).toBeCloseTo(0.8860759493670887, 15);
    expect(footprintFigures([{ found: 52, wrong: 55, missed: 75 }]).F1).toBeCloseTo(0.4444444444444444, 15);
    expect(footprintFigures([])).toEqual({ F1: 0, precision: 0, recall: 0 });
  });
});

describe('footprints in files', () => {
  const csv = (rows: string) => `ImageId,BuildingId,PolygonWKT_Pix,Confidence\n${rows}`;

  it('are read from the CSV of SpaceNet, holes and empty pictures too', () => {
    const text = csv('a,0,"POLYGON ((0 0 0,10 0 0,10 10 0,0 0 0),(1 1 0,2 1 0,2 2 0,1 1 0))",1\nb,-1,"POLYGON EMPTY",1\n');
    const read = parseSpaceNet(text, 'x.csv');
    expect([...read.keys()]).toEqual(['a', 'b']);
    expect(read.get('a')![0]![0]).toHaveLength(2);
    expect(read.get('b')).toEqual([]);
  });

  it.each([
    ['no columns', 'x,y\n1,2', /columns ImageId and PolygonWKT_Pix/],
    ['a number that is none', csv('a,0,"POLYGON ((0 0,NaN 0,1 1))",1'), /line 2: expected POLYGON/],
    ['another shape', csv('a,0,"POINT (1 2)",1'), /line 2: expected POLYGON/],
  ])('are refused with %s', (_, text, message) => {
    expect(() => parseSpaceNet(text, 'x.csv')).toThrow(message);
  });

  const feature = (coordinates: unknown) => ({ features: [{ geometry: { type: 'Polygon', coordinates } }] });
  it('are read from GeoJSON in its own coordinate system', () => {
    const ring = [
      [733601, 3725139],
      [733701, 3725139],
      [733701, 3725039],
      [733601, 3725139],
    ];
    const crs = { properties: { name: 'urn:ogc:def:crs:EPSG::32616' } };
    const [[[[corner]]]] = parseGeoJson({ crs, ...feature([ring]) }, 'x') as [[[[[number, number]]]]];
    expect(corner[0]).toBeCloseTo(-84.48130112, 7);
    expect(corner[1]).toBeCloseTo(33.64047286, 7);
  });

  it.each([
    ['no features', {}, /expected GeoJSON/],
    [
      'a coordinate that is not finite',
      feature([
        [
          [0, 0],
          [1, null],
          [1, 1],
        ],
      ]),
      /feature 0: expected rings/,
    ],
    ['an unknown system', { crs: { properties: { name: 'EPSG:9999' } }, features: [] }, /EPSG:9999 is not known/],
  ])('are refused with %s', (_, json, message) => {
    expect(() => parseGeoJson(json, 'x.geojson')).toThrow(message);
  });
});
