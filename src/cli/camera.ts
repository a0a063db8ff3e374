/** `fastsamd camera list | probe`. */
import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { native } from '../addon/addon.js';
import type { VideoDevice, VideoMode } from '../addon/capture.js';
import { cameraSchema } from '../config/sections/camera.js';
import { sourceOptions } from '../daemon/camera-options.js';
import type { Frame } from '../domain/frame.js';
import type { Transport } from '../domain/picture.js';
import { makeDirectory } from '../durable.js';
import { encodeJpeg } from '../encode/snapshot.js';
import { FastsamError, isFastsamError, messageOf } from '../errors.js';
import { type DeviceNames, listDevices } from '../source/devices.js';
import type { Source, SourceOptions } from '../source/source.js';
import { finishBeforeLeaving, withSource } from './leaving.js';
import { demandRange } from './model-options.js';
import { Inputs } from './overwriting.js';
import { type Arrival, MAX_FRAMES, type Measurement, measure } from './probe-measure.js';
import { say } from './terminal.js';

/** A device that captures, or that could not be asked whether it does. */
export type ListedCamera = DeviceNames & (VideoDevice | { readonly problem: string });

export async function listCameras({ json }: { readonly json: boolean }): Promise<void> {
  const cameras = (await Promise.all((await listDevices()).map(queried))).filter((camera) => camera !== undefined);
  if (json) return say(JSON.stringify(cameras));
  if (cameras.length === 0) say('no V4L2 camera found (csi: and network cameras are not listed; try "fastsamd camera probe URI")');
  for (const line of cameras.flatMap(cameraLines)) say(line);
}

/** Undefined for nodes that do not capture: those for metadata, output or a codec. */
async function queried(names: DeviceNames): Promise<ListedCamera | undefined> {
  try {
    return { ...names, ...(await native().queryVideoDevice(names.path)) };
  } catch (error) {
    if (isFastsamError(error, 'NATIVE_UNAVAILABLE')) throw error;
    return isFastsamError(error, 'SOURCE_UNSUPPORTED') ? undefined : { ...names, problem: messageOf(error) };
  }
}

/** A camera as `camera list` shows it. */
export function cameraLines(camera: ListedCamera): string[] {
  const names = camera.stable.map((name) => `  v4l2:${name}`);
  if ('problem' in camera) return [`v4l2:${camera.path}`, ...names, `  ${camera.problem}`];
  const formats = new Map<string, VideoMode[]>();
  for (const mode of camera.modes) formats.set(mode.format, [...(formats.get(mode.format) ?? []), mode]);
  const modes = [...formats].map(([format, sizes]) => `  ${format.padEnd(5)} ${sizes.map(sizeOf).join(', ')}`);
  return [`v4l2:${camera.path}  ${camera.name} (${camera.driver}, ${camera.bus})`, ...names, ...modes];
}

function sizeOf({ width, height, fps }: VideoMode): string {
  return `${width}×${height}${fps > 0 ? ` at ${Math.round(fps * 100) / 100}` : ''}`;
}

const PASSWORD_ENV = 'FASTSAMD_CAMERA_PASSWORD';

export interface ProbeArguments {
  readonly uri: string;
  readonly username?: string | undefined;
  readonly 'password-file'?: string | undefined;
  readonly 'insecure-tls': boolean;
  readonly transport: Transport;
  readonly 'latency-ms': number;
  readonly frames: number;
  readonly seconds: number;
  readonly snapshot?: string | undefined;
  readonly json: boolean;
}

/** Errors: USAGE. */
function askedOf(args: ProbeArguments): SourceOptions {
  const fromEnv = args['password-file'] === undefined && process.env[PASSWORD_ENV] !== undefined;
  const parsed = cameraSchema.safeParse({
    id: 'probe',
    source: args.uri,
    username: args.username,
    passwordFile: args['password-file'],
    ...(fromEnv && { passwordEnv: PASSWORD_ENV }),
    insecureTls: args['insecure-tls'],
    transport: args.transport,
    latencyMs: args['latency-ms'],
  });
  if (parsed.success) return sourceOptions(parsed.data);
  const [issue] = parsed.error.issues;
  throw new FastsamError('USAGE', `${String(issue?.path.at(-1))}: ${issue?.message}`);
}

interface Probed extends Omit<Measurement, 'jitterMs' | 'longestGapMs' | 'latencyMs'> {
  readonly uri: string;
  readonly live: boolean;
  readonly width: number;
  readonly height: number;
  readonly format: string;
  /** From the beginning to the first frame. */
  readonly firstFrameMs: number;
  /** Frames that were measured. */
  readonly frames: number;
  readonly dropped: Readonly<Record<string, number>>;
  /** Cores this process kept busy meanwhile. */
  readonly cpu: number;
  /** These three are null for a source that is read as fast as it can be. */
  readonly jitterMs: number | null;
  readonly longestGapMs: number | null;
  readonly latencyMs: Measurement['latencyMs'] | null;
}

export async function probeCamera(args: ProbeArguments): Promise<void> {
  demandRange('--seconds', args.seconds, 0.1, 3600);
  demandRange('--frames', args.frames, 1, MAX_FRAMES, true);
  if (args.snapshot !== undefined && !/\.jpe?g$/i.test(args.snapshot))
    throw new FastsamError('USAGE', `--snapshot ${args.snapshot}: expected a .jpg file`);
  if (args.snapshot !== undefined) await (await Inputs.of([args.uri])).demandOther(args.snapshot, '--snapshot');
  const probed = await probeSource(args);
  if (!probed) return;
  if (args.json) return say(JSON.stringify(probed));
  for (const line of probeLines(probed)) say(line);
  if (args.snapshot !== undefined) say(`snapshot   ${args.snapshot}`);
}

/** What was measured until the command was interrupted; undefined before the first frame. Errors: as openSource and iterating its source; SOURCE_LOST when it ends without a frame, OUTPUT_UNWRITABLE. */
async function probeSource(args: ProbeArguments): Promise<Probed | undefined> {
  const { uri, frames, seconds, snapshot } = args;
  const beganMs = performance.now();
  using finishing = finishBeforeLeaving();
  let probed: Probed | undefined;
  await withSource(uri, askedOf(args), finishing, async (source) => {
    let used = process.cpuUsage();
    let last: Frame | undefined;
    try {
      const arrivals: Arrival[] = [];
      let firstMs: number | undefined;
      for await (const frame of source) {
        last?.[Symbol.dispose]();
        last = frame;
        const arrivedMs = Number(process.hrtime.bigint()) / 1e6;
        arrivals.push({ capturedMs: Number(frame.captured.monotonicNs) / 1e6, arrivedMs });
        if (firstMs === undefined) {
          firstMs = performance.now();
          // Opening a pipeline costs more than many frames do.
          used = process.cpuUsage();
        }
        if (arrivals.length >= frames || performance.now() - firstMs >= seconds * 1000) break;
      }
      if (!last || firstMs === undefined) throw new FastsamError('SOURCE_LOST', `${source.uri}: ended without a frame`);
      const { user, system } = process.cpuUsage(used);
      const cpu = (user + system) / 1000 / (performance.now() - firstMs);
      if (snapshot !== undefined) await writeSnapshot(snapshot, last);
      probed = { ...probedOf(source, last, arrivals, firstMs - beganMs), cpu: Math.round(cpu * 1000) / 1000 };
    } finally {
      last?.[Symbol.dispose]();
    }
  });
  return probed;
}

function probedOf(source: Source, last: Frame, arrivals: readonly Arrival[], firstFrameMs: number): Omit<Probed, 'cpu'> {
  const { jitterMs, longestGapMs, latencyMs, ...pace } = measure(arrivals);
  return {
    uri: source.uri,
    live: source.live,
    width: last.width,
    height: last.height,
    format: last.format,
    firstFrameMs: Math.round(firstFrameMs),
    frames: arrivals.length,
    dropped: source.dropped(),
    ...pace,
    // Of a file they would tell how long decoding takes, not how its frames came about.
    ...(source.live ? { jitterMs, longestGapMs, latencyMs } : { jitterMs: null, longestGapMs: null, latencyMs: null }),
  };
}

async function writeSnapshot(path: string, frame: Frame): Promise<void> {
  const jpeg = await encodeJpeg(frame);
  try {
    await makeDirectory(dirname(path));
    await writeFile(path, jpeg);
  } catch (cause) {
    throw new FastsamError('OUTPUT_UNWRITABLE', `${path}: cannot be written: ${messageOf(cause)}`, { cause });
  }
}

function probeLines(probed: Probed): string[] {
  const { uri, width, height, format, firstFrameMs, frames, seconds, fps, jitterMs, longestGapMs, latencyMs, live, cpu } = probed;
  const drops = Object.entries(probed.dropped).filter(([, count]) => count > 0);
  const rows: [string, string | null][] = [
    ['source', uri],
    ['picture', `${width}×${height} ${format}`],
    ['opened', `first frame after ${firstFrameMs} ms`],
    ['frames', `${frames} in ${seconds.toFixed(1)} s`],
    ['rate', fps === null ? null : `${fps} frames/s${live ? '' : ', as fast as it can be read'}`],
    ['jitter', jitterMs === null ? null : `${jitterMs} ms; longest gap ${longestGapMs} ms`],
    ['latency', latencyMs && `${latencyMs.p50} ms; 95 % within ${latencyMs.p95} ms, longest ${latencyMs.max} ms`],
    ['cpu', `${(100 * cpu).toFixed(1)} % of a core`],
    ['dropped', drops.length === 0 ? null : drops.map(([reason, count]) => `${count} ${reason}`).join(', ')],
  ];
  return rows.filter(([, value]) => value !== null).map(([name, value]) => `${name.padEnd(10)} ${value}`);
}
