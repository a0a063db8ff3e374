import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { AutoCameraMotion } from '../../src/track/camera-motion.js';
import { type MotionEstimate, MotionWatch } from '../../src/track/motion-watch.js';

const SIZE = { width: 1920, height: 1080 };
const STILL: MotionEstimate = { affine: [1, 0, 0, 0, 1, 0], sure: true, sides: 4 };
const shift = (dx: number, sides = 4): MotionEstimate => ({ affine: [1, 0, dx, 0, 1, 0], sure: true, sides });
const UNSURE: MotionEstimate = { affine: [1, 0, 0, 0, 1, 0], sure: false, sides: 0 };

/** Frames at 30 a second through a watch; what each estimate says depends on the frame and on how many frames it spans. */
function watched(frames: number, estimateOf: (frame: number, span: number) => MotionEstimate) {
  const watch = new MotionWatch();
  let last = -1;
  const estimated: number[] = [];
  const used: number[] = [];
  const states: string[] = [];
  for (let frame = 0; frame < frames; frame += 1) {
    const timeMs = (1000 * frame) / 30;
    if (watch.wants(timeMs)) {
      const inTurn = last === frame - 1 && last >= 0;
      if (watch.learn(timeMs, last < 0 ? STILL : estimateOf(frame, frame - last), SIZE, inTurn)) used.push(frame);
      estimated.push(frame);
      last = frame;
    }
    states.push(watch.state);
  }
  return { estimated, used, states };
}

describe('the watch over a camera', () => {
  it('looks twice a second at a camera that stands still', () => {
    const { estimated, used } = watched(300, () => STILL);
    expect(used).toEqual([]);
    // Six to begin with, then two a second.
    expect(estimated.length).toBeLessThanOrEqual(6 + 20);
    expect(estimated.length).toBeGreaterThanOrEqual(6 + 17);
  });

  it('takes out the motion of a camera that moves from the first frames on', () => {
    const { used, states } = watched(60, () => shift(12));
    expect(used).toEqual(Array.from({ length: 59 }, (_, k) => k + 1));
    expect(states[59]).toBe('moving');
  });

  it('finds a camera that begins to move within half a second, and one that stops after two', () => {
    const { used, states } = watched(300, (frame) => (frame > 100 && frame <= 150 ? shift(12) : STILL));
    expect(used[0]).toBeGreaterThan(100);
    expect(used[0]).toBeLessThanOrEqual(100 + 17);
    expect(states[150]).toBe('moving');
    // A pause is no end: the motion is taken out until two seconds of rest are over.
    expect(states[200]).toBe('moving');
    expect(states[215]).toBe('still');
  });

  it.each([
    ['a belt that moves two sides of the picture', () => shift(12, 2)],
    ['a picture that shows nothing to go by', () => UNSURE],
    ['a motion that is slower than what counts', (_: number, span: number) => shift(2 * span)],
  ])('does not take %s for the camera, and looks less often after a while', (_, estimateOf) => {
    const { estimated, used } = watched(1800, estimateOf);
    expect(used).toEqual([]);
    const lateOnes = estimated.filter((frame) => frame >= 900);
    // Six estimates in a little more than four seconds.
    expect(lateOnes.length).toBeLessThanOrEqual(6 * 7);
    expect(lateOnes.length).toBeGreaterThan(0);
  });

  it('keeps on through single frames that show nothing, and through motion about the limit', () => {
    const { used } = watched(120, (frame) => (frame < 10 ? shift(12) : frame % 3 === 0 ? UNSURE : shift(frame % 3 === 1 ? 3 : 4)));
    expect(used).toEqual(Array.from({ length: 119 }, (_, k) => k + 1));
  });

  it('begins again where time goes back', () => {
    const watch = new MotionWatch();
    for (let k = 0; k < 7; k += 1) if (watch.wants(33 * k)) watch.learn(33 * k, STILL, SIZE, k > 0);
    expect(watch.state).toBe('still');
    expect(watch.wants(0)).toBe(true);
    expect(watch.state).toBe('looking');
  });
});

describe('camera motion, auto, of drawn scenes', () => {
  const shown = async (draw: (index: number) => Promise<object>, frames: number) => {
    const motion = new AutoCameraMotion();
    const found = [];
    for (let index = 0; index < frames; index += 1) {
      found.push(await motion.next({ pixels: await draw(index), width: 640, height: 360 }, 40 * index));
    }
    return found;
  };
  const options = { width: 640, height: 360, seed: 8_300_001 };

  it('is estimated while the camera pans', async () => {
    const found = await shown((index) => native().renderShapes(index, { ...options, camera: 'pan' }), 24);
    expect(found.slice(1).every((motion) => motion !== undefined)).toBe(true);
  });

  it('is none where things move and the camera does not', async () => {
    const found = await shown((index) => native().renderShapes(index, options), 40);
    expect(found.every((motion) => motion === undefined)).toBe(true);
  });
});
