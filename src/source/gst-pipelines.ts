/** GStreamer pipelines as text, in gst-launch syntax: pure functions, one per kind of source. */

/** The pixel formats the letterbox reads directly; anything else is converted once, by GStreamer. */
const SINK_CAPS = 'video/x-raw,format=(string){I420,NV12,RGB,BGR,RGBA}';

/** A string as a gst-launch property value. */
export function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

/** `realtime`: frames come at their own rate; otherwise as fast as they are taken. */
export function filePipeline(path: string, realtime: boolean): string {
  return [
    `filesrc location=${quoted(path)}`,
    'decodebin',
    'videoconvert',
    'videoflip video-direction=auto',
    SINK_CAPS,
    `appsink name=sink sync=${realtime}`,
  ].join(' ! ');
}

export interface CameraFormat {
  readonly width?: number;
  readonly height?: number;
  readonly fps?: number;
}

/** Raw or motion-JPEG frames of a V4L2 device; what is not asked for is the driver's choice. */
export function v4l2Pipeline(device: string, format: CameraFormat): string {
  const wanted = [
    format.width === undefined ? '' : `,width=${format.width}`,
    format.height === undefined ? '' : `,height=${format.height}`,
    format.fps === undefined ? '' : `,framerate=${fraction(format.fps)}`,
  ].join('');
  const caps = ['video/x-raw', 'image/jpeg'].map((type) => `${type}${wanted}`).join(';');
  return [
    `v4l2src device=${quoted(device)}`,
    `capsfilter caps=${quoted(caps)}`,
    'decodebin',
    'videoconvert',
    SINK_CAPS,
    'appsink name=sink sync=false',
  ].join(' ! ');
}

/** A frame rate as GStreamer's fraction; 29.97 and its kin keep their exact 1001 denominators. */
export function fraction(fps: number): string {
  if (Number.isInteger(fps)) return `${fps}/1`;
  const ntsc = Math.round(fps * 1.001);
  if (Math.abs((ntsc * 1000) / 1001 - fps) < 0.005) return `${ntsc * 1000}/1001`;
  return `${Math.round(fps * 1000)}/1000`;
}
