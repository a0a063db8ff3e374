/**
 * Pipelines of a Jetson on stand-ins for NVIDIA's elements (native/standin/gst_nvidia.cc), with the same caps and habits: they
 * must run, and give the same pictures as those of the processor.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
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
    env: { ...process.env, GST_PLUGIN_PATH: directory, GST_REGISTRY: at(`registry-${Object.values(env).join('-')}`), ...env },
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
    const packages = ['gstreamer-1.0', 'gstreamer-base-1.0', 'gstreamer-video-1.0'];
    const { stdout } = await promisify(execFile)('pkg-config', ['--cflags', '--libs', ...packages]);
    const flags = ['-std=c++17', '-O1', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-o', at('libgstnvstandin.so')];
    await promisify(execFile)('g++', [...flags, here('../../native/standin/gst_nvidia.cc'), ...stdout.trim().split(/\s+/)]);
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

  it.each<[string, Decoder, Readonly<Record<string, string>>]>([
    ['Orin', 'auto', {}],
    ['Orin', 'hardware', {}],
    ['Orin', 'cpu', {}],
    ['Thor', 'auto', { FASTSAMD_STANDIN_JETSON: 'thor' }],
  ])(
    '%s, decoder %s: every scheme, turned and scaled, gives the pictures of the processor',
    { timeout: 240_000 },
    async (_, decoder, env) => {
      expectSame(await run(ordersOf('jetson', decoder), env), onCpu);
    },
  );

  it('Thor, decoder hardware: all but JPEG, which its decoder does not read', { timeout: 240_000 }, async () => {
    const env = { FASTSAMD_STANDIN_JETSON: 'thor' };
    const others = Object.keys(SCHEMES).filter((scheme) => !/http|JPEG/.test(scheme));
    expectSame(await run(ordersOf('jetson', 'hardware', others), env), onCpu);
    for (const { code } of (await run(ordersOf('jetson', 'hardware', ['http', 'v4l2 JPEG']), env)).values()) {
      expect(code).toBe('SOURCE_UNSUPPORTED');
    }
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

  it('a hardware decoder that fails is replaced by the processor, once and told', { timeout: 60_000 }, async () => {
    const script = `
      const { GstSource } = await import(process.argv[1]);
      const { filePipeline, usesHardware } = await import(process.argv[2]);
      const told = [];
      for (const decoder of ['auto', 'hardware']) {
        const plan = async (cpuOnly) => ({
          pipeline: filePipeline('jetson', process.argv[3], false, { decoder: cpuOnly ? 'cpu' : decoder }),
          decoder: cpuOnly ? 'cpu' : decoder,
          mayFallBack: decoder === 'auto' && !cpuOnly,
        });
        const source = new GstSource({ uri: 'clip', live: false, plan }, { onFallback: (why) => told.push(why) });
        let frames = 0;
        try {
          await source.open();
          for await (const frame of source) { frame[Symbol.dispose](); frames += 1; }
        } catch (error) { told.push(error.code); }
        await source.stop();
        told.push(frames);
      }
      process.stdout.write(JSON.stringify(told));
    `;
    // The registry of the runs above: to scan all plugins may take longer than a source may take to start.
    const compiled = (name: string) => here(`../../dist/source/${name}.js`);
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '-e', script, compiled('gst-source'), compiled('pipelines'), at('clip.mp4')],
      { env: { ...process.env, GST_PLUGIN_PATH: directory, GST_REGISTRY: at('registry-'), FASTSAMD_STANDIN_DECODER: 'broken' } },
    );
    const [why, frames, code, none] = JSON.parse(stdout) as [string, number, string, number];
    expect(why).toMatch(/^clip: /);
    expect([frames, none]).toEqual([4, 0]);
    expect(code).toMatch(/^SOURCE_/);
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
