/**
 * Pipelines of a Jetson on stand-ins for NVIDIA's elements (native/standin/gst_nvidia.cc), with the same caps and habits: they
 * must run, and give the same pictures as those of the processor.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import type { Decoder, Rotation } from '../../src/domain/picture.js';
import {
  csiPipeline,
  customPipeline,
  filePipeline,
  mjpegPipeline,
  type Picture,
  type Platform,
  rtspPipeline,
  v4l2Pipeline,
} from '../../src/source/pipelines.js';
import { platformOf } from '../../src/source/platform.js';
import type { SourceOptions } from '../../src/source/source.js';
import { compileJetsonStandins } from '../helpers/jetson-standins.js';

const here = (path: string) => new URL(path, import.meta.url).pathname;
const addonPath = here('../../build/Release/fastsamd.node');
const encoder = native().features.gstreamer && (await native().hasGstElement!('openh264enc')) ? 'openh264enc' : undefined;

let directory = '';
const at = (name: string) => join(directory, name);

interface Order {
  readonly name: string;
  readonly pipeline: string;
  readonly decoder: Decoder;
  readonly write?: string;
}
interface Shown {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly rgb: Buffer;
  readonly code?: string;
  readonly message?: string;
}

/** Every order in one process of its own, with the stand-in plugin. */
async function run(orders: readonly Order[], env: Readonly<Record<string, string>> = {}): Promise<Map<string, Shown>> {
  const child = spawn(process.execPath, [here('run-pipelines.mjs'), addonPath], {
    env: { ...process.env, GST_PLUGIN_PATH: directory, GST_REGISTRY: at(`registry-${env.FASTSAMD_STANDIN_JETSON ?? ''}`), ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify(orders));
  const shown = (await json(child.stdout)) as (Omit<Shown, 'rgb'> & { readonly rgb?: string })[];
  return new Map(shown.map(({ rgb = '', ...rest }) => [rest.name, { ...rest, rgb: Buffer.from(rgb, 'base64') }]));
}

/** A picture with a colour that 8 bit YUV has nearly exactly, and detail of few pixels, so that a taken nearest pixel shows. */
const SCENE = { width: 480, height: 320 };
const drawn = (format: string) =>
  `videotestsrc num-buffers=1 pattern=zone-plate kx2=40 ky2=40 ! video/x-raw,format=AYUV,width=240,height=320 ! mix. ` +
  `videotestsrc num-buffers=1 pattern=solid-color foreground-color=0xff78c714 ! video/x-raw,format=AYUV,width=240,height=320 ! mix. ` +
  `compositor name=mix sink_1::xpos=240 ! video/x-raw,width=${SCENE.width},height=${SCENE.height} ! videoconvert ! video/x-raw,format=${format},colorimetry=bt601`;

/** A pipeline of the product, from `source` in place of what it cannot have here. `drawn` ends in its own elements. */
const from = (pipeline: string, head: RegExp, source: string) => {
  expect(pipeline).toMatch(head);
  return pipeline.replace(head, () => `${source} ! `);
};

const JPEGS = `${drawn('I420')} ! jpegenc quality=95`;
const SCHEMES: Readonly<Record<string, (platform: Platform, picture: Picture) => string>> = {
  file: (platform, picture) => filePipeline(platform, at('clip.mp4'), false, picture),
  rtsp: (platform, picture) =>
    from(
      rtspPipeline(platform, { url: 'rtsp://camera/1', ...picture }),
      /^rtspsrc .*? ! /,
      `filesrc location=${at('clip.mp4')} ! qtdemux ! h264parse ! rtph264pay config-interval=-1`,
    ),
  http: (platform, picture) =>
    from(
      mjpegPipeline(platform, { url: 'http://camera/video', ...picture }),
      /^souphttpsrc .*? ! /,
      `filesrc location=${at('pictures.multipart')}`,
    ),
  'v4l2 raw': (platform, { width: _, height: __, ...picture }) =>
    from(v4l2Pipeline(platform, '/dev/video0', picture), /^v4l2src .*? ! /, drawn('YUY2')),
  'v4l2 rgb': (platform, { width: _, height: __, ...picture }) =>
    from(
      v4l2Pipeline(platform, '/dev/video0', { pixelFormat: 'rgb', ...picture }),
      /^v4l2src .*? ! /,
      drawn('RGB').replace(',colorimetry=bt601', ''),
    ),
  'v4l2 unasked JPEG': (platform, { width: _, height: __, ...picture }) =>
    from(
      v4l2Pipeline(platform, '/dev/video0', picture),
      /^v4l2src .*? ! /,
      `filesrc location=${at('pictures.multipart')} ! multipartdemux`,
    ),
  'v4l2 JPEG': (platform, { width: _, height: __, ...picture }) =>
    from(
      v4l2Pipeline(platform, '/dev/video0', { pixelFormat: 'mjpeg', ...picture }),
      /^v4l2src .*? ! /,
      `filesrc location=${at('pictures.multipart')} ! multipartdemux`,
    ),
  gst: (platform, picture) => customPipeline(platform, drawn('NV12'), picture),
};
const ROTATIONS: readonly Rotation[] = [0, 90, 180, 270];
const SIZES: readonly Picture[] = [{}, { width: 300 }, { height: 300 }, { width: 200, height: 150 }];
const picturesOf = (scheme: string) =>
  ROTATIONS.flatMap((rotate) => (scheme.startsWith('v4l2') ? [{}] : SIZES).map((size): Picture => ({ rotate, ...size })));

const ordersOf = (platform: Platform, decoder: Decoder, schemes = Object.keys(SCHEMES)): Order[] =>
  schemes.flatMap((scheme) =>
    picturesOf(scheme).map((picture) => ({
      name: `${scheme} ${JSON.stringify(picture)}`,
      pipeline: SCHEMES[scheme]!(platform, { ...picture, decoder }),
      decoder: platform === 'generic' ? 'cpu' : decoder,
    })),
  );

/**
 * The orders without pipelines that are, word for word, among `others`: turning and scaling come after the decoder, the only thing that
 * differs then. One turned and scaled picture of each scheme stays, for the decoder.
 */
function beside(orders: readonly Order[], others: readonly Order[]): Order[] {
  const known = new Set(others.map(({ pipeline }) => pipeline));
  const stays = /^v4l2 .*\{"rotate":90\}$|\{"rotate":90,"width":300\}$/;
  return orders.filter(({ name, pipeline }) => !known.has(pipeline) || stays.test(name));
}

function differenceOf(a: Buffer, b: Buffer): { readonly mean: readonly number[]; readonly each: number } {
  const sums = [0, 0, 0];
  let each = 0;
  for (let k = 0; k < a.length; k += 1) {
    sums[k % 3]! += a[k]! - b[k]!;
    each += Math.abs(a[k]! - b[k]!);
  }
  return { mean: sums.map((sum) => Math.abs(sum) / (a.length / 3)), each: each / a.length };
}

/** Filters of two makers differ this much in mean over all pixels; a nearest pixel in place of a filter differs by more. */
const SAME_PICTURE = 3;

function expectSame(got: Map<string, Shown>, expected: Map<string, Shown>): void {
  const wrong: string[] = [];
  expect([...got.keys()].sort()).toEqual([...expected.keys()].filter((name) => got.has(name)).sort());
  for (const [name, frame] of got) {
    const reference = expected.get(name)!;
    if (frame.code !== undefined) wrong.push(`${name}: ${frame.code} ${frame.message}`);
    else if (frame.width !== reference.width || frame.height !== reference.height)
      wrong.push(`${name}: ${frame.width}×${frame.height}, expected ${reference.width}×${reference.height}`);
    else {
      const { mean, each } = differenceOf(frame.rgb, reference.rgb);
      if (Math.max(...mean) > 1 || each > SAME_PICTURE)
        wrong.push(`${name}: mean colour off by ${mean.map((value) => value.toFixed(2)).join(', ')}, pixels by ${each.toFixed(2)}`);
    }
  }
  expect(wrong).toEqual([]);
}

describe.skipIf(encoder === undefined || !existsSync('/usr/bin/g++'))('on a Jetson (needs g++, GStreamer and openh264enc)', () => {
  let onCpu: Map<string, Shown>;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fastsamd-jetson-'));
    await compileJetsonStandins(directory);
    const encoded = 'appsrc name=src ! videoconvert ! video/x-raw,format=I420';
    const writes = {
      clip: `${encoded} ! ${encoder} bitrate=4000000 ! h264parse ! mp4mux ! filesink location=${at('clip.mp4')}`,
      pictures: `${encoded} ! jpegenc quality=95 ! multipartmux ! filesink location=${at('pictures.multipart')}`,
    };
    const written = await run(
      Object.entries(writes).map(([name, write]) => ({ name, pipeline: customPipeline('generic', drawn('I420')), decoder: 'cpu', write })),
    );
    expect([...written.values()].map(({ message }) => message)).toEqual([undefined, undefined]);
    onCpu = await run(ordersOf('generic', 'cpu'));
    expect([...onCpu.values()].filter(({ code }) => code !== undefined)).toEqual([]);
  }, 240_000);
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('the processor gives frames of the size that is asked for', () => {
    const size = (name: string) => [onCpu.get(name)!.width, onCpu.get(name)!.height];
    expect(size('file {"rotate":0}')).toEqual([480, 320]);
    expect(size('file {"rotate":90}')).toEqual([320, 480]);
    expect(size('rtsp {"rotate":90,"width":300}')).toEqual([300, 450]);
    expect(size('http {"rotate":270,"height":300}')).toEqual([200, 300]);
    expect(size('gst {"rotate":180,"width":200,"height":150}')).toEqual([200, 150]);
  });

  it('Orin: every scheme, turned and scaled, gives the pictures of the processor', { timeout: 240_000 }, async () => {
    expectSame(await run(ordersOf('jetson', 'auto')), onCpu);
  });

  it.each<[string, Decoder, Readonly<Record<string, string>>]>([
    ['Orin', 'hardware', {}],
    ['Orin', 'cpu', {}],
    ['Thor', 'auto', { FASTSAMD_STANDIN_JETSON: 'thor' }],
  ])('%s, decoder %s: so does every scheme', { timeout: 240_000 }, async (_, decoder, env) => {
    const tried = [...(decoder === 'cpu' ? ordersOf('generic', 'cpu') : []), ...ordersOf('jetson', 'auto')];
    const orders = beside(ordersOf('jetson', decoder), tried);
    expect(new Set(orders.map(({ name }) => name.replace(/ \{.*/, '')))).toEqual(new Set(Object.keys(SCHEMES)));
    expectSame(await run(orders, env), onCpu);
  });

  it('Thor, decoder hardware: all but JPEG, which its decoder does not read', { timeout: 240_000 }, async () => {
    const env = { FASTSAMD_STANDIN_JETSON: 'thor' };
    const others = Object.keys(SCHEMES).filter((scheme) => !/http|JPEG/.test(scheme));
    const ofOrin = ordersOf('jetson', 'hardware');
    expectSame(await run(beside(ordersOf('jetson', 'hardware', others), ofOrin), env), onCpu);
    const refused = await run(beside(ordersOf('jetson', 'hardware', ['http', 'v4l2 JPEG']), ofOrin), env);
    expect([...refused.values()].map(({ code }) => code)).toEqual(['SOURCE_UNSUPPORTED', 'SOURCE_UNSUPPORTED']);
  });

  it('a CSI camera is turned, and asked for its size', { timeout: 60_000 }, async () => {
    const orders = ROTATIONS.map(
      (rotate): Order => ({
        name: String(rotate),
        pipeline: csiPipeline(0, { width: 320, height: 180, rotate }),
        decoder: 'auto',
      }),
    );
    const reference = ROTATIONS.map(
      (rotate): Order => ({
        name: String(rotate),
        pipeline: customPipeline('generic', 'videotestsrc ! video/x-raw,format=NV12,width=320,height=180', { rotate }),
        decoder: 'cpu',
      }),
    );
    expectSame(await run(orders), await run(reference));
    const absent = await run([{ name: 'absent', pipeline: csiPipeline(7), decoder: 'auto' }]);
    expect(absent.get('absent')).toMatchObject({ message: expect.stringMatching(/No cameras available/) });
  });

  it.each([
    ['fails', 'broken', /^cpu: clip: /, /^SOURCE_/],
    ['fails while decodebin still tries it', 'failing', /^cpu: clip: .*The decoder stopped working/, /^SOURCE_CORRUPT$/],
    [
      'hangs without an error',
      'hanging',
      /^cpu: clip: .*the hardware decoder has taken \d+ compressed pictures and given no frame/,
      /^SOURCE_LOST$/,
    ],
  ])('a hardware decoder that %s is replaced by the processor, once and told', { timeout: 60_000 }, async (_, how, why, code) => {
    const script = `
      const { GstSource } = await import(process.argv[1]);
      const { filePipeline } = await import(process.argv[2]);
      const { decodingPlan } = await import(process.argv[4]);
      const play = async (decoder) => {
        const told = [];
        const machine = { platform: 'jetson', sharesMemory: false };
        const plan = (way) =>
          decodingPlan({ decoder }, way, (_, chosen) => filePipeline('jetson', process.argv[3], false, { decoder: chosen }), machine);
        const source = new GstSource({ uri: 'clip', live: false, plan }, { onFallback: (to, why) => told.push(to + ': ' + why) });
        let frames = 0;
        try {
          await source.open();
          for await (const frame of source) { frame[Symbol.dispose](); frames += 1; }
        } catch (error) { told.push(error.code); }
        await source.stop();
        return [...told, frames];
      };
      const told = (await Promise.all(['auto', 'hardware'].map(play))).flat();
      process.stdout.write(JSON.stringify(told));
    `;
    // The registry of the runs above: to scan all plugins may take longer than a source may take to start.
    const compiled = (name: string) => here(`../../dist/source/${name}.js`);
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '-e', script, compiled('gst-source'), compiled('pipelines'), at('clip.mp4'), compiled('decoding')],
      { env: { ...process.env, GST_PLUGIN_PATH: directory, GST_REGISTRY: at('registry-'), FASTSAMD_STANDIN_DECODER: how } },
    );
    const [told, frames, lost, none] = JSON.parse(stdout) as [string, number, string, number];
    expect(told).toMatch(why);
    expect([frames, none]).toEqual([4, 0]);
    expect(lost).toMatch(code);
  });

  describe('frames in device memory', () => {
    const surfaces = () => ({ FASTSAMD_NVBUFSURFACE_LIBRARY: at('libnvmm.so'), FASTSAMD_STANDIN_NVMM_REPORT: at('nvmm.json') });
    const LIVE = ['rtsp', 'http', 'v4l2 raw', 'v4l2 rgb', 'v4l2 JPEG', 'gst'];
    const inPlace = (env: Readonly<Record<string, string>> = {}) =>
      run(
        LIVE.flatMap((scheme) =>
          picturesOf(scheme).map((picture) => ({
            name: `${scheme} ${JSON.stringify(picture)}`,
            pipeline: SCHEMES[scheme]!('jetson', { ...picture, decoder: 'auto', inPlace: true }),
            decoder: 'auto' as const,
          })),
        ),
        { ...surfaces(), ...env },
      );
    const counts = async () => JSON.parse(await readFile(at('nvmm.json'), 'utf8')) as Record<string, number>;
    /** Nothing is left mapped, and nothing was undone twice or freed while it was mapped. */
    const expectUndone = async () => {
      const { surfaces: left, maps, mapped, misuses = 0 } = await counts();
      expect({ left, maps, misuses }).toEqual({ left: 0, maps: 0, misuses: 0 });
      return mapped!;
    };

    it('every live scheme, turned and scaled, gives the pictures of the processor', { timeout: 240_000 }, async () => {
      expectSame(await inPlace(), onCpu);
      expect(await expectUndone()).toBeGreaterThan(0);
    });

    it('the matrix and range of the format that a buffer has come before those of the stream', { timeout: 120_000 }, async () => {
      // Limited BT.601 for the colour 120, 199, 20.
      const [y, u, v] = [149.1, 61.1, 106.1].map(Math.round) as [number, number, number];
      const text =
        'videotestsrc num-buffers=1 pattern=solid-color foreground-color=0xff78c714 ! video/x-raw,format=NV12,width=64,height=48';
      const pipeline = customPipeline('jetson', text, { inPlace: true });
      const read = async (format: number) => {
        const env = { ...surfaces(), FASTSAMD_STANDIN_SURFACE_FORMAT: String(format) };
        return [...(await run([{ name: 'device', pipeline, decoder: 'auto' }], env)).get('device')!.rgb.subarray(0, 3)];
      };
      /** By the luma weights of red and blue (ITU-R BT.601, BT.709, BT.2020). */
      const rgbOf = (red: number, blue: number, full: boolean) => {
        const luma = full ? y : ((y - 16) * 255) / 219;
        const chroma = full ? 1 : 255 / 224;
        const r = luma + 2 * (1 - red) * (v - 128) * chroma;
        const b = luma + 2 * (1 - blue) * (u - 128) * chroma;
        return [r, (luma - red * r - blue * b) / (1 - red - blue), b].map((value) => Math.min(Math.max(value, 0), 255));
      };
      // NV12, NV12_ER, NV12_709, NV12_709_ER, NV12_2020 of nvbufsurface.h.
      for (const [format, expected] of [
        [6, rgbOf(0.299, 0.114, false)],
        [7, rgbOf(0.299, 0.114, true)],
        [33, rgbOf(0.2126, 0.0722, false)],
        [34, rgbOf(0.2126, 0.0722, true)],
        [36, rgbOf(0.2627, 0.0593, false)],
      ] as const) {
        const got = await read(format);
        const off = got.map((value, k) => Math.abs(value - expected[k]!));
        expect(Math.max(...off), `format ${format}: ${got} for ${expected.map(Math.round)}`).toBeLessThanOrEqual(2);
      }
    });

    /** Runs a script in a process of its own, with the stand-ins; its answer is what it writes. */
    const inProcess = async (script: string, env: Readonly<Record<string, string>> = {}) => {
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, addonPath, at('')], {
        env: { ...process.env, GST_PLUGIN_PATH: directory, GST_REGISTRY: at('registry-'), ...surfaces(), ...env },
      });
      return JSON.parse(stdout);
    };
    const OPEN = `
      import { createRequire } from 'node:module';
      const addon = createRequire(import.meta.url)(process.argv[1]);
      const NVMM = 'nvvidconv ! video/x-raw(memory:NVMM),format=NV12 ! appsink name=sink sync=false';
      const open = (text) => addon.openCapture({ pipeline: text + ' ! ' + NVMM, live: false, startTimeoutMs: 20000, decoder: 'auto' });
      const say = (value) => process.stdout.write(JSON.stringify(value));
    `;

    it('frames that are kept are copied before the buffers run out, and stay as they are', { timeout: 60_000 }, async () => {
      const { sums, again } = await inProcess(`${OPEN}
        const capture = open('videotestsrc num-buffers=20 pattern=ball ! video/x-raw,format=NV12,width=320,height=240');
        await capture.start();
        const kept = [];
        for (let frame; (frame = await capture.read(20000)); ) kept.push(frame.frame);
        const sum = async (frame) => (await addon.toRgb(frame)).reduce((a, b, k) => (a * 31 + b + k) % 1000003, 0);
        const sums = [];
        for (const frame of kept) sums.push(await sum(frame));
        await capture.stop(20000);
        const again = [];
        for (const frame of kept) { again.push(await sum(frame)); frame.release(); }
        say({ sums, again });
      `);
      expect(sums).toHaveLength(20);
      expect(new Set(sums).size).toBeGreaterThan(15);
      // Frames outlive the capture that they came from.
      expect(again).toEqual(sums);
      // Of eight buffers, three are left to the pipeline.
      expect(await expectUndone()).toBeLessThanOrEqual(8);
    });

    it('another size in mid-stream, a new capture, and a camera that is lost in mid-stream', { timeout: 60_000 }, async () => {
      const { sizes, after, code } = await inProcess(`${OPEN}
        const sized = (w, h) => 'videotestsrc num-buffers=4 ! video/x-raw,format=NV12,width=' + w + ',height=' + h;
        const read = async (capture, seen) => {
          await capture.start();
          for (let frame; (frame = await capture.read(20000)); ) { seen.push(frame.frame.width + 'x' + frame.frame.height); frame.frame.release(); }
          await capture.stop(20000);
        };
        const sizes = [];
        await read(open(sized(320, 240) + ' ! c. ' + sized(160, 120) + ' ! c. concat name=c'), sizes);
        const after = [];
        await read(open(sized(64, 48)), after);
        let code;
        const lost = open('videotestsrc ! video/x-raw,format=NV12,width=64,height=48 ! identity error-after=6');
        let last;
        try {
          await lost.start();
          for (;;) { const frame = await lost.read(20000); last?.release(); last = frame.frame; }
        } catch (error) { code = error.code; }
        await lost.stop(20000);
        await addon.toRgb(last);
        last.release();
        say({ sizes, after, code });
      `);
      expect(sizes).toEqual([...Array(4).fill('320x240'), ...Array(4).fill('160x120')]);
      expect(after).toEqual(Array(4).fill('64x48'));
      expect(code).toMatch(/^SOURCE_/);
      await expectUndone();
    });

    /** What a camera of five frames is told, and what the stand-in of libnvbufsurface counted. */
    const playScene = async (asked: Pick<SourceOptions, 'deviceMemory'>, env: Readonly<Record<string, string>> = {}) => {
      await rm(at('nvmm.json'), { force: true });
      const compiled = (name: string) => here(`../../dist/source/${name}.js`);
      const played = await inProcess(
        `
        const { GstSource } = await import('${compiled('gst-source')}');
        const { customPipeline } = await import('${compiled('pipelines')}');
        const { decodingPlan } = await import('${compiled('decoding')}');
        const told = [];
        const scene = 'videotestsrc num-buffers=5 ! video/x-raw,format=NV12,width=64,height=48';
        const plan = (way) => decodingPlan({ decoder: 'hardware', ...${JSON.stringify(asked)} }, way, (machine, decoder, inPlace) => customPipeline(machine, scene, { decoder, inPlace }),
          { platform: 'jetson', sharesMemory: true });
        const source = new GstSource({ uri: 'scene', live: false, plan }, { onFallback: (to, why) => told.push(to + ': ' + why) });
        await source.open();
        let frames = 0;
        for await (const frame of source) { frame[Symbol.dispose](); frames += 1; }
        await source.stop();
        process.stdout.write(JSON.stringify({ told, frames }));
      `,
        env,
      );
      const { maps = 0, mapped = 0, misuses = 0 } = existsSync(at('nvmm.json')) ? await counts() : {};
      return { ...played, maps, mapped, misuses };
    };

    it.each([
      ['block linear, by an nvvidconv without bl-output', { FASTSAMD_STANDIN_NO_PITCH: '1' }, /^copied: .*block linear/],
      ['not to be mapped', { FASTSAMD_STANDIN_NVMM_FAULT: 'map' }, /^copied: .*cannot be mapped/],
      ['of a format that is not read', { FASTSAMD_STANDIN_SURFACE_FORMAT: '29' }, /^copied: .*color format 29/],
    ])('frames that are %s are copied by the hardware instead, once and told', { timeout: 60_000 }, async (_, env, why) => {
      const { told, frames, maps, misuses } = await playScene({}, env);
      expect(told).toEqual([expect.stringMatching(why)]);
      expect({ frames, maps, misuses }).toEqual({ frames: 5, maps: 0, misuses: 0 });
    });

    it('of a camera with deviceMemory: false are copied by the hardware from the first', { timeout: 60_000 }, async () => {
      expect(await playScene({ deviceMemory: false })).toEqual({ told: [], frames: 5, maps: 0, mapped: 0, misuses: 0 });
    });
  });

  it('the stand-in has the habits that pipelines must know of', { timeout: 60_000 }, async () => {
    const rest = `video/x-raw,format=(string){I420,NV12},width=200,height=150 ! appsink name=sink sync=false`;
    const source = `filesrc location=${at('clip.mp4')} ! decodebin ! nvvidconv`;
    const shown = await run([
      { name: 'nearest', pipeline: `${source} ! ${rest}`, decoder: 'auto' },
      { name: 'smooth', pipeline: `${source} interpolation-method=5 ! ${rest}`, decoder: 'auto' },
      { name: 'ratio', pipeline: `${source} flip-method=3 ! ${rest.replace(',height=150', '')}`, decoder: 'auto' },
      {
        name: 'jpeg',
        pipeline: `${JPEGS} ! nvv4l2decoder mjpeg=1 ! nvvidconv ! fakesink videotestsrc num-buffers=1 ! appsink name=sink`,
        decoder: 'auto',
      },
      { name: 'rgb', pipeline: 'videotestsrc ! video/x-raw,format=RGB ! nvvidconv ! appsink name=sink', decoder: 'auto' },
    ]);
    const expected = onCpu.get('file {"rotate":0,"width":200,"height":150}')!;
    expect(differenceOf(shown.get('nearest')!.rgb, expected.rgb).each).toBeGreaterThan(SAME_PICTURE);
    expect(differenceOf(shown.get('smooth')!.rgb, expected.rgb).each).toBeLessThan(SAME_PICTURE);
    expect([shown.get('ratio')!.width, shown.get('ratio')!.height]).toEqual([200, 133]);
    expect(shown.get('rgb')!.code).toBeDefined();
  });
});

describe('which machine is a Jetson', () => {
  it('one with its devices and its elements', async () => {
    const has = async () => true;
    const lacks = async () => false;
    expect(await platformOf(true, has)).toBe('jetson');
    // DeepStream on a PC has the element.
    expect(await platformOf(false, has)).toBe('generic');
    expect(await platformOf(true, lacks)).toBe('generic');
    expect(await platformOf(true)).toBe('generic');
  });
});
