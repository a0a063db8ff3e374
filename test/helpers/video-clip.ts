import { native } from '../../src/addon/addon.js';

/** Two seconds of pictures of moving shapes, five a second. */
export async function writeClip(path: string): Promise<void> {
  const writer = native().openVideoWriter!({
    pipeline: `appsrc name=src ! videoconvert ! jpegenc ! matroskamux ! filesink location=${path}`,
    width: 96,
    height: 64,
    fps: 5,
  });
  await writer.start();
  for (let index = 0; index < 10; index += 1) {
    const frame = await native().renderShapes(index, { width: 96, height: 64, seed: 7 });
    await writer.write(await native().toRgb(frame), index * 200);
    frame.release();
  }
  await writer.finish(10_000);
}
