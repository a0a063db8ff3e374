/** Pictures of dark things on a plane, as a camera with this calibration sees them. */
import type { Point } from '../../src/domain/box.js';
import { type Calibration, toPlane } from '../../src/measure/calibration.js';

/** Samples of a pixel, along each side. */
const SAMPLES = 4;
const DARK = 60;
const BRIGHT = 200;

/** Tightly packed RGB; `isDark` says so of a place on the plane, in millimetres. */
export function drawPlane(calibration: Pick<Calibration, 'lens' | 'frame' | 'homography'>, isDark: (place: Point) => boolean): Uint8Array {
  const { width, height } = calibration.frame;
  const rgb = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      let dark = 0;
      for (let k = 0; k < SAMPLES * SAMPLES; k += 1) {
        const sample: Point = [x + ((k % SAMPLES) + 0.5) / SAMPLES, y + (Math.floor(k / SAMPLES) + 0.5) / SAMPLES];
        if (isDark(toPlane(calibration, sample))) dark += 1;
      }
      rgb.fill(BRIGHT + ((DARK - BRIGHT) * dark) / SAMPLES ** 2, 3 * (y * width + x), 3 * (y * width + x) + 3);
    }
  }
  return rgb;
}
