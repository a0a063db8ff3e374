/** GStreamer pipelines as text, in gst-launch syntax: pure functions of the platform, one per kind of source. */
import { fraction, quoted } from '../addon/launch-text.js';
import type { CameraPixelFormat, Decoder, Flip, Rotation, Transport } from '../domain/picture.js';

/** What the machine has to work with: on a Jetson, pixels are decoded, converted, turned and scaled by its own units. */
export type Platform = 'generic' | 'jetson';

/** Whether a pipeline is for those units. */
export function usesHardware(platform: Platform, decoder: Decoder = 'auto'): boolean {
  return platform === 'jetson' && decoder !== 'cpu';
}

/** How the frames of a camera leave the pipeline. */
export interface Picture {
  /** Of a device: what it is asked for. Of a stream or file: what its frames are scaled to. */
  readonly width?: number;
  readonly height?: number;
  /** Devices: the frame rate that is asked for. */
  readonly fps?: number;
  /** Clockwise, before `flip`. */
  readonly rotate?: Rotation;
  readonly flip?: Flip;
  /** Of a Jetson; default auto, for which JPEG is decoded by the processor. */
  readonly decoder?: Decoder;
  /** Of a Jetson: frames stay in device memory, for the GPU to read. */
  readonly inPlace?: boolean;
}

/**
 * How frames leave the pipeline. From nvvidconv in the formats that the letterbox reads directly; elsewhere as the decoder made
 * them, because the capture reads every format and is more exact than GStreamer's conversion to RGB.
 */
const SINK_CAPS: Readonly<Record<Platform, string>> = {
  jetson: 'video/x-raw,format=(string){I420,NV12,RGB,BGR,RGBA}',
  generic: 'video/x-raw',
};
/** In device memory: plain rows, see native/capture/hardware_decoders.h. */
const IN_PLACE_CAPS = 'video/x-raw(memory:NVMM),format=(string)NV12';
/** Whether the frames of a pipeline stay in device memory. */
export function staysInPlace(pipeline: string): boolean {
  return pipeline.includes(IN_PLACE_CAPS);
}

const NETWORK_TIMEOUT_S = 5;
/** A live source is lost after this long without a frame. */
export const STALL_TIMEOUT_MS = 3000;

/** `realtime`: frames come at their own rate; otherwise as fast as they are taken. Turned upright by the file's own tag first. */
export function filePipeline(platform: Platform, path: string, realtime: boolean, picture: Picture = {}): string {
  const upright = 'videoflip video-direction=auto';
  const hardware = usesHardware(platform, picture.decoder);
  // videoflip turns the frames: only videoflip reads the tag of the file that says which side is up, and it reads no device
  // memory. Elements before typefind do not see the size that is asked for at the end: nvvidconv would scale to that size
  // before videoflip exchanges the sides, and videoscale would have to scale again.
  const copied = hardware ? [words(['nvvidconv', SMOOTH]), SINK_CAPS.jetson, 'typefind'] : [];
  return chain(`filesrc location=${quoted(path)}`, 'decodebin', CONVERTED, ...copied, upright, ...scaled(false, picture), sink(realtime));
}

export interface V4l2Settings extends Picture {
  readonly pixelFormat?: CameraPixelFormat;
}

/** Raw or motion-JPEG frames of a V4L2 device; what is not asked for is the driver's choice. */
export function v4l2Pipeline(platform: Platform, device: string, settings: V4l2Settings = {}): string {
  const { pixelFormat, decoder } = settings;
  const hardware = usesHardware(platform, decoder);
  const types = pixelFormat ? [CAPS_OF[pixelFormat]] : ['video/x-raw', 'image/jpeg'];
  const caps = types.map((type) => `${type}${wanted(settings)}`).join(';');
  const decode = pixelFormat === 'mjpeg' ? jpegDecoder(hardware, decoder) : ['decodebin'];
  return chain(
    `v4l2src device=${quoted(device)}`,
    `capsfilter caps=${quoted(caps)}`,
    ...decode,
    CONVERTED,
    ...turned(hardware, settings),
    sink(false),
  );
}

const CAPS_OF: Readonly<Record<CameraPixelFormat, string>> = {
  mjpeg: 'image/jpeg',
  h264: 'video/x-h264',
  yuy2: 'video/x-raw,format=YUY2',
  uyvy: 'video/x-raw,format=UYVY',
  nv12: 'video/x-raw,format=NV12',
  i420: 'video/x-raw,format=I420',
  rgb: 'video/x-raw,format=RGB',
  bgr: 'video/x-raw,format=BGR',
  gray8: 'video/x-raw,format=GRAY8',
};

/** The CSI camera of a Jetson, through Argus; there is no other way to it. */
export function csiPipeline(sensor: number, picture: Picture = {}): string {
  return chain(
    `nvarguscamerasrc sensor-id=${sensor}`,
    `video/x-raw(memory:NVMM),format=NV12${wanted(picture)}`,
    ...turned(true, picture),
    sink(false),
  );
}

export interface NetworkSettings extends Picture {
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** HTTP: the value of the header that logs in, in place of username and password. */
  readonly authorization?: string | undefined;
  /** Accept any certificate. */
  readonly insecureTls?: boolean | undefined;
}

export interface RtspSettings extends NetworkSettings {
  readonly transport?: Transport;
  /** Time the jitter buffer waits for packets that are late. */
  readonly latencyMs?: number;
}

/** H.264 or H.265, whichever the server offers. */
export function rtspPipeline(platform: Platform, settings: RtspSettings): string {
  const hardware = usesHardware(platform, settings.decoder);
  const { url, username, password, insecureTls, transport = 'tcp', latencyMs = 200 } = settings;
  const protocols = { tcp: 'tcp', udp: 'udp+udp-mcast', auto: 'tcp+udp+udp-mcast' }[transport];
  const source = [
    `rtspsrc location=${quoted(url)}`,
    `protocols=${protocols} latency=${latencyMs} drop-on-latency=true`,
    `tcp-timeout=${NETWORK_TIMEOUT_S}000000 timeout=${NETWORK_TIMEOUT_S}000000`,
    username === undefined ? '' : `user-id=${quoted(username)}`,
    password === undefined ? '' : `user-pw=${quoted(password)}`,
    insecureTls ? 'tls-validation-flags=0' : '',
  ];
  return chain(words(source), 'application/x-rtp,media=video', 'decodebin', CONVERTED, ...scaled(hardware, settings), sink(false));
}

export interface MjpegSettings extends NetworkSettings {
  /** Silence of the server that ends the stream, in the middle of a picture as well. */
  readonly stallTimeoutMs?: number;
  /** Silence is normal. */
  readonly expectIdle?: boolean;
}

/** Motion JPEG over HTTP: one picture after the other in a multipart answer. */
export function mjpegPipeline(platform: Platform, settings: MjpegSettings): string {
  const { url, username, password, authorization, insecureTls, stallTimeoutMs = STALL_TIMEOUT_MS, expectIdle = false } = settings;
  // In whole seconds; 0 is none.
  const timeout = expectIdle ? 0 : Math.ceil(stallTimeoutMs / 1000);
  const source = [
    `souphttpsrc location=${quoted(url)}`,
    // A redirect would take the password to another server.
    `is-live=true do-timestamp=true keep-alive=false retries=0 timeout=${timeout} automatic-redirect=false`,
    authorization === undefined ? '' : `extra-headers=${quoted(`headers,Authorization=(string)${quoted(authorization)}`)}`,
    username === undefined ? '' : `user-id=${quoted(username)}`,
    password === undefined ? '' : `user-pw=${quoted(password)}`,
    insecureTls ? 'ssl-strict=false' : '',
  ];
  const hardware = usesHardware(platform, settings.decoder);
  const decode = ['image/jpeg', ...jpegDecoder(hardware, settings.decoder)];
  return chain(words(source), 'multipartdemux', ...decode, CONVERTED, ...scaled(hardware, settings), sink(false));
}

/** A pipeline of the user's own; without an `appsink name=sink` it gets ours. */
export function customPipeline(platform: Platform, text: string, picture: Picture = {}): string {
  if (/\bappsink\b[^!]*\bname=["']?sink\b/.test(text)) return text;
  const hardware = usesHardware(platform, picture.decoder);
  return chain(text, CONVERTED, ...scaled(hardware, picture), sink(false));
}

function chain(...elements: string[]): string {
  return elements.filter((element) => element !== '').join(' ! ');
}

function words(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' ');
}

function sink(sync: boolean): string {
  return `appsink name=sink sync=${sync}`;
}

/** Thor's decoder reads no JPEG, and Orin's is fragile: hardware only where it is asked for by name. */
function jpegDecoder(hardware: boolean, decoder: Decoder = 'auto'): string[] {
  return hardware && decoder === 'hardware' ? ['jpegparse', 'nvv4l2decoder mjpeg=1'] : ['jpegdec'];
}

/**
 * videoconvert converts to a format that the next element reads, and passes frames on unchanged when it reads theirs, in device
 * memory too. It stands before nvvidconv, which reads no RGB and no BGR. nvvidconv scales to the nearest pixel by default.
 */
const CONVERTED = 'videoconvert';
const SMOOTH = 'interpolation-method=5';

function wanted({ width, height, fps }: Picture): string {
  return [
    width === undefined ? '' : `,width=${width}`,
    height === undefined ? '' : `,height=${height}`,
    fps === undefined ? '' : `,framerate=${fraction(fps)}`,
  ].join('');
}

/** To the sink's formats, turned as configured. */
function turned(hardware: boolean, { rotate = 0, flip = 'none', inPlace = false }: Picture): string[] {
  const direction = directionOf(rotate, flip);
  if (hardware) return [words(['nvvidconv', SMOOTH, FLIP_METHOD[direction]]), inPlace ? IN_PLACE_CAPS : SINK_CAPS.jetson];
  return [direction === 'identity' ? '' : `videoflip video-direction=${direction}`, SINK_CAPS.generic];
}

/** As `turned`, and scaled to the size that is asked for; of one side only, the other follows. */
function scaled(hardware: boolean, picture: Picture): string[] {
  const { width, height, rotate = 0 } = picture;
  if (width === undefined && height === undefined) return turned(hardware, picture);
  const size = `${wanted({ ...(width && { width }), ...(height && { height }) })},pixel-aspect-ratio=1/1`;
  // nvvidconv takes the other side from the ratio before it turns: turned by one, scaled by a second, which is left to copies.
  const second = rotate % 180 !== 0 && (width === undefined || height === undefined);
  const elements = turned(hardware, second ? { ...picture, inPlace: false } : picture);
  const caps = `${elements.pop()}${size}`;
  if (!hardware) return [...elements, 'videoscale add-borders=false', caps];
  return [...elements, ...(second ? ['video/x-raw(memory:NVMM)', words(['nvvidconv', SMOOTH])] : []), caps];
}

/** The eight ways to hold a picture, in the names of videoflip. */
type Direction = 'identity' | '90r' | '180' | '90l' | 'horiz' | 'vert' | 'ul-lr' | 'ur-ll';

/** Rotation clockwise, then the flip. */
export function directionOf(rotate: Rotation, flip: Flip): Direction {
  return (
    {
      none: { 0: 'identity', 90: '90r', 180: '180', 270: '90l' },
      horizontal: { 0: 'horiz', 90: 'ul-lr', 180: 'vert', 270: 'ur-ll' },
      vertical: { 0: 'vert', 90: 'ur-ll', 180: 'horiz', 270: 'ul-lr' },
    } as const
  )[flip][rotate];
}

/** The same in nvvidconv's numbers. */
const FLIP_METHOD: Readonly<Record<Direction, string>> = {
  identity: '',
  '90l': 'flip-method=1',
  '180': 'flip-method=2',
  '90r': 'flip-method=3',
  horiz: 'flip-method=4',
  'ur-ll': 'flip-method=5',
  vert: 'flip-method=6',
  'ul-lr': 'flip-method=7',
};
