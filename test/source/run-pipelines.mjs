// Runs pipelines one after the other in this process and says what the first frame of each looks like. Apart from the tests,
// because a process loads GStreamer's plugins once.
// With `write`, four frames of it go through that encoder first.
//   node run-pipelines.mjs ADDON < [{ name, pipeline, decoder, write? }] > [{ name, width, height, rgb } | { name, code, message }]
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';

const addon = createRequire(import.meta.url)(process.argv[2]);
const results = [];
for (const { name, pipeline, decoder, write } of JSON.parse(await text(process.stdin))) {
  const capture = addon.openCapture({ pipeline, live: false, startTimeoutMs: 20_000, decoder });
  try {
    await capture.start();
    const captured = await capture.read(20_000);
    const { frame } = captured;
    const { width, height } = frame;
    const rgb = await addon.toRgb(frame);
    if (write) {
      const writer = addon.openVideoWriter({ pipeline: write, width, height, fps: 30 });
      await writer.start();
      for (let k = 0; k < 4; k += 1) await writer.write(rgb, k * 40);
      await writer.finish(60_000);
    }
    results.push({ name, width, height, rgb: Buffer.from(rgb).toString('base64') });
    frame.release();
  } catch (error) {
    results.push({ name, code: error.code, message: error.message });
  }
  await capture.stop(20_000);
}
process.stdout.write(JSON.stringify(results));
