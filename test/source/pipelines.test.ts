import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { fraction, quoted } from '../../src/addon/launch-text.js';
import type { Flip, Rotation } from '../../src/domain/picture.js';
import { csiPipeline, customPipeline, filePipeline, mjpegPipeline, rtspPipeline, v4l2Pipeline } from '../../src/source/pipelines.js';

const SMOOTH = 'interpolation-method=5';
/** As the decoder made them; from nvvidconv in the formats that the letterbox reads. */
const CAPS = 'video/x-raw';
const JETSON_CAPS = 'video/x-raw,format=(string){I420,NV12,RGB,BGR,RGBA}';

describe('pipelines', () => {
  it('of files keep every frame, and follow the clock only when asked', () => {
    expect(filePipeline('generic', '/clips/a.mp4', false)).toBe(
      `filesrc location="/clips/a.mp4" ! decodebin ! videoconvert ! videoflip video-direction=auto ! ${CAPS} ! appsink name=sink sync=false`,
    );
    expect(filePipeline('generic', '/clips/a.mp4', true)).toMatch(/sync=true$/);
    expect(filePipeline('jetson', '/clips/a.mp4', false)).toBe(
      `filesrc location="/clips/a.mp4" ! decodebin ! videoconvert ! nvvidconv ${SMOOTH} ! ${JETSON_CAPS} ! typefind ! videoflip video-direction=auto ! ${CAPS} ! appsink name=sink sync=false`,
    );
  });

  it('of devices ask for what is configured and nothing else', () => {
    expect(v4l2Pipeline('generic', '/dev/video0')).toBe(
      `v4l2src device="/dev/video0" ! capsfilter caps="video/x-raw;image/jpeg" ! decodebin ! videoconvert ! ${CAPS} ! appsink name=sink sync=false`,
    );
    expect(v4l2Pipeline('generic', '/dev/video0', { width: 1280, height: 720, fps: 29.97 })).toContain(
      'caps="video/x-raw,width=1280,height=720,framerate=30000/1001;image/jpeg,width=1280,height=720,framerate=30000/1001"',
    );
    expect(v4l2Pipeline('generic', '/dev/video0', { pixelFormat: 'yuy2', width: 640, rotate: 90 })).toBe(
      `v4l2src device="/dev/video0" ! capsfilter caps="video/x-raw,format=YUY2,width=640" ! decodebin ! videoconvert ! videoflip video-direction=90r ! ${CAPS} ! appsink name=sink sync=false`,
    );
    expect(v4l2Pipeline('jetson', '/dev/video0', { pixelFormat: 'mjpeg', flip: 'vertical' })).toBe(
      `v4l2src device="/dev/video0" ! capsfilter caps="image/jpeg" ! jpegdec ! videoconvert ! nvvidconv ${SMOOTH} flip-method=6 ! ${JETSON_CAPS} ! appsink name=sink sync=false`,
    );
    expect(v4l2Pipeline('jetson', '/dev/video0', { pixelFormat: 'mjpeg', decoder: 'hardware' })).toContain(
      '! jpegparse ! nvv4l2decoder mjpeg=1 !',
    );
    expect(v4l2Pipeline('jetson', '/dev/video0', { pixelFormat: 'nv12', inPlace: true })).toContain(
      `nvvidconv ${SMOOTH} ! video/x-raw(memory:NVMM),format=(string)NV12 ! appsink`,
    );
    // nvvidconv cannot tell the other side of a picture that it turns: turned and scaled by two, and copied.
    expect(customPipeline('jetson', 'camera', { rotate: 90, width: 300, inPlace: true })).toContain(`${JETSON_CAPS},width=300`);
    expect(v4l2Pipeline('jetson', '/dev/video0', { decoder: 'cpu', rotate: 90 })).toBe(
      v4l2Pipeline('generic', '/dev/video0', { rotate: 90 }),
    );
    expect(csiPipeline(1, { width: 1920, height: 1080, fps: 30, rotate: 180 })).toBe(
      `nvarguscamerasrc sensor-id=1 ! video/x-raw(memory:NVMM),format=NV12,width=1920,height=1080,framerate=30/1 ! nvvidconv ${SMOOTH} flip-method=2 ! ${JETSON_CAPS} ! appsink name=sink sync=false`,
    );
  });

  it('of network cameras keep credentials apart, and scale', () => {
    const camera = { url: 'rtsp://cam/1', username: 'viewer', password: 'a"b' };
    expect(rtspPipeline('generic', camera)).toBe(
      `rtspsrc location="rtsp://cam/1" protocols=tcp latency=200 drop-on-latency=true tcp-timeout=5000000 timeout=5000000 user-id="viewer" user-pw="a\\"b" ! application/x-rtp,media=video ! decodebin ! videoconvert ! ${CAPS} ! appsink name=sink sync=false`,
    );
    expect(
      rtspPipeline('jetson', { url: 'rtsps://cam/1', transport: 'udp', latencyMs: 50, insecureTls: true, width: 1280, height: 720 }),
    ).toBe(
      `rtspsrc location="rtsps://cam/1" protocols=udp+udp-mcast latency=50 drop-on-latency=true tcp-timeout=5000000 timeout=5000000 tls-validation-flags=0 ! application/x-rtp,media=video ! decodebin ! videoconvert ! nvvidconv ${SMOOTH} ! ${JETSON_CAPS},width=1280,height=720,pixel-aspect-ratio=1/1 ! appsink name=sink sync=false`,
    );
    expect(mjpegPipeline('generic', { url: 'http://cam/video', width: 320 })).toBe(
      `souphttpsrc location="http://cam/video" is-live=true do-timestamp=true keep-alive=false retries=0 timeout=3 automatic-redirect=false ! multipartdemux ! image/jpeg ! jpegdec ! videoconvert ! videoscale add-borders=false ! ${CAPS},width=320,pixel-aspect-ratio=1/1 ! appsink name=sink sync=false`,
    );
    expect(mjpegPipeline('jetson', { url: 'https://cam/video', insecureTls: true, stallTimeoutMs: 1200 })).toBe(
      `souphttpsrc location="https://cam/video" is-live=true do-timestamp=true keep-alive=false retries=0 timeout=2 automatic-redirect=false ssl-strict=false ! multipartdemux ! image/jpeg ! jpegdec ! videoconvert ! nvvidconv ${SMOOTH} ! ${JETSON_CAPS} ! appsink name=sink sync=false`,
    );
    expect(mjpegPipeline('generic', { url: 'http://cam/video', expectIdle: true })).toContain(' timeout=0 automatic-redirect=false !');
  });

  it("of the user's own get a sink when they have none", () => {
    expect(customPipeline('generic', 'videotestsrc')).toBe(`videotestsrc ! videoconvert ! ${CAPS} ! appsink name=sink sync=false`);
    expect(customPipeline('generic', 'videotestsrc ! appsink max-buffers=1 name="sink"')).toBe(
      'videotestsrc ! appsink max-buffers=1 name="sink"',
    );
  });

  it('cannot be broken out of by a file name', () => {
    expect(quoted('a" ! filesink location="/etc/passwd')).toBe('"a\\" ! filesink location=\\"/etc/passwd"');
    expect(quoted('back\\slash')).toBe('"back\\\\slash"');
  });
});

/** Grey pictures of 4 × 2 pixels, each with its own value, turned by the definition of it. */
function turn(picture: number[][], rotate: Rotation, flip: Flip): number[][] {
  let turned = picture;
  for (let quarter = 0; quarter < rotate; quarter += 90) turned = turned[0]!.map((_, x) => turned.map((row) => row[x]!).reverse());
  if (flip === 'horizontal') return turned.map((row) => [...row].reverse());
  if (flip === 'vertical') return [...turned].reverse();
  return turned;
}

describe.skipIf(!native().features.gstreamer)('turned frames (needs GStreamer)', () => {
  it.each(
    ([0, 90, 180, 270] as const).flatMap((rotate) => (['none', 'horizontal', 'vertical'] as const).map((flip) => [rotate, flip] as const)),
  )('by %i degrees, mirrored %s', async (rotate, flip) => {
    // A picture of two halves, one of them of two: no two ways to turn it look the same.
    const source =
      'compositor name=mix sink_1::xpos=32 sink_2::ypos=16 ! video/x-raw,width=64,height=32 ! identity ! videoconvert name=out ' +
      'videotestsrc num-buffers=1 pattern=white ! video/x-raw,width=32,height=16 ! mix.sink_0 ' +
      'videotestsrc num-buffers=1 pattern=black ! video/x-raw,width=32,height=32 ! mix.sink_1 ' +
      'videotestsrc num-buffers=1 pattern=solid-color foreground-color=0xff808080 ! video/x-raw,width=32,height=16 ! mix.sink_2 out.';
    const capture = native().openCapture!({
      pipeline: customPipeline('generic', source, { rotate, flip }),
      live: false,
      startTimeoutMs: 20_000,
    });
    await capture.start();
    const captured = (await capture.read(20_000))!;
    const { frame } = captured;
    const rgb = await native().toRgb(frame);
    // The middle of each quarter.
    const at = (x: number, y: number) =>
      rgb[3 * (Math.floor(((y + 0.5) * frame.height) / 2) * frame.width + Math.floor(((x + 0.5) * frame.width) / 2))]!;
    const seen = [0, 1].map((y) => [0, 1].map((x) => Math.round(at(x, y) / 128)));
    const quarters = [
      [2, 0],
      [1, 0],
    ];
    expect(seen).toEqual(turn(quarters, rotate, flip));
    expect([frame.width, frame.height]).toEqual(rotate % 180 === 0 ? [64, 32] : [32, 64]);
    frame.release();
    await capture.stop(20_000);
  });
});

describe('frame rates as fractions', () => {
  it.each([
    [30, '30/1'],
    [29.97, '30000/1001'],
    [59.94, '60000/1001'],
    [23.976, '24000/1001'],
    [12.5, '12500/1000'],
  ])('%f', (fps, text) => {
    expect(fraction(fps)).toBe(text);
  });
});
