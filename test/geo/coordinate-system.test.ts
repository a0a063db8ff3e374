import { describe, expect, it } from 'vitest';
import { coordinateSystem, pixelOfPlace, placeOfPixel } from '../../src/geo/coordinate-system.js';

describe('coordinate systems', () => {
  // What PROJ 9 (pyproj 3.7.2) computes for these places.
  it.each([
    [32616, 733601, 3725139, -84.48130112016328, 33.64047285786513],
    [32733, 300000, 6200000, 12.826229238430015, -34.32200505219241],
    [25832, 600000, 5700000, 10.438876794416393, 51.442352317486716],
    [3857, -9374000.5, 3982000.25, -84.20807922494036, 33.65073588301323],
    [5070, -661905, 2118645, -104.03465508518944, 41.81886165480144],
    [2154, 652381.27, 6862047.13, 2.351002741880685, 48.8567002707535],
    [4326, -84.4, 33.6, -84.4, 33.6],
  ])('EPSG:%i agrees with PROJ to a millimetre, there and back', (epsg, x, y, longitude, latitude) => {
    const system = coordinateSystem(epsg);
    const [lon, lat] = system.toWgs84([x, y]);
    expect(Math.abs(lon - longitude)).toBeLessThan(1e-8);
    expect(Math.abs(lat - latitude)).toBeLessThan(1e-8);
    const back = system.fromWgs84([lon, lat]);
    expect(Math.hypot(back[0] - x, back[1] - y)).toBeLessThan(1e-3);
  });

  // With seven parameters between datums, which agree with the national grid to a few metres.
  it.each([
    [27700, 530000, 180000, -0.12835394047946935, 51.50399082763378],
    [2056, 2600000, 1200000, 7.438632420871814, 46.95108277187109],
  ])('EPSG:%i agrees with PROJ to five metres', (epsg, x, y, longitude, latitude) => {
    const [lon, lat] = coordinateSystem(epsg).toWgs84([x, y]);
    expect(Math.abs(lon - longitude)).toBeLessThan(7e-5);
    expect(Math.abs(lat - latitude)).toBeLessThan(5e-5);
  });

  it.each([1234, 32661, 32600, 25839, 0, -4326, 4326.5])('refuses EPSG:%d and names those it knows', (epsg) => {
    expect(() => coordinateSystem(epsg)).toThrow(expect.objectContaining({ code: 'USAGE', message: expect.stringMatching(/4326.*32601/) }));
  });
});

describe('pixels', () => {
  it('go to places and back, turned and sheared', () => {
    const affine = [0.4, 0.1, 733601, -0.1, -0.5, 3725139] as const;
    expect(placeOfPixel(affine, [0, 0])).toEqual([733601, 3725139]);
    const [x, y] = pixelOfPlace(affine, placeOfPixel(affine, [123.5, 67.25]));
    expect(x).toBeCloseTo(123.5, 6);
    expect(y).toBeCloseTo(67.25, 6);
    expect(() => pixelOfPlace([1, 2, 0, 2, 4, 0], [1, 1])).toThrow(/one line/);
  });
});
