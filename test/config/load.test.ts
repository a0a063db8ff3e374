import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig, parseConfig } from '../../src/config/load.js';
import { FastsamError } from '../../src/errors.js';

const MINIMAL = 'model: { path: m.onnx }\ncameras: [{ id: belt, source: test:shapes }]\n';

/** The problems of a text, one per line. */
function problems(text: string): string[] {
  return problemsOf(() => parseConfig(text, 'c.yaml'));
}

function problemsOf(parse: () => unknown): string[] {
  try {
    parse();
  } catch (error) {
    expect(error).toBeInstanceOf(FastsamError);
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    return (error as Error).message.split('\n');
  }
  return expect.fail('the configuration was accepted');
}

describe('a valid configuration', () => {
  it('gets every default', () => {
    const config = parseConfig(MINIMAL, '/etc/fastsamd/c.yaml');
    expect(config.segmentation).toEqual({ conf: 0.4, iou: 0.9, maxDet: 300, snapToBorder: 'auto' });
    expect(config.cameras[0]).toMatchObject({ id: 'belt', prompts: [], publish: { objects: 'matched', maskEncoding: 'rle' } });
    expect(config.mqtt).toMatchObject({ url: 'mqtt://127.0.0.1:1883', protocol: 5, reconnect: { minMs: 1000, maxMs: 60_000 } });
    expect(config.node).toMatch(/^[a-z0-9-]{1,64}$/);
  });

  it('resolves paths against the folder of the file, and leaves URIs alone', () => {
    const config = parseConfig(
      `model: { path: ../m.onnx }
cameras:
  - { id: a, source: clips/a.mp4 }
  - { id: b, source: "file:clips/b.mp4" }
  - { id: c, source: "file:///srv/c.mp4" }
  - { id: d, source: "v4l2:/dev/video0" }
  - { id: e, source: "rtsp://camera.example/main" }
  - { id: f, source: /srv/f.jpg }
mqtt: { passwordFile: secret, tls: { caFile: ca.pem } }
`,
      '/etc/fastsamd/c.yaml',
    );
    expect(config.model.path).toBe('/etc/m.onnx');
    expect(config.cameras.map((camera) => camera.source)).toEqual([
      '/etc/fastsamd/clips/a.mp4',
      'file:/etc/fastsamd/clips/b.mp4',
      'file:///srv/c.mp4',
      'v4l2:/dev/video0',
      'rtsp://camera.example/main',
      '/srv/f.jpg',
    ]);
    expect(config.mqtt.passwordFile).toBe('/etc/fastsamd/secret');
    expect(config.mqtt.tls).toEqual({ caFile: '/etc/fastsamd/ca.pem', insecure: false });
  });

  it('may use anchors', () => {
    const config = parseConfig(
      'model: { path: m }\ncameras:\n  - { id: a, source: x, publish: &p { maskEncoding: bbox } }\n  - { id: b, source: y, publish: *p }\n',
      'c.yaml',
    );
    expect(config.cameras[1]?.publish.maskEncoding).toBe('bbox');
  });
});

describe('problems name the line, the key and what was expected', () => {
  it.each([
    ['an unknown key', `${MINIMAL}segmentation:\n  cnof: 0.4\n`, 'c.yaml:4:3 segmentation.cnof: unknown key; did you mean "conf"?'],
    ['a key like no other', `${MINIMAL}log: { colour: red }\n`, 'c.yaml:3:8 log.colour: unknown key; expected one of level'],
    [
      'a wrong type',
      `${MINIMAL}segmentation: { conf: high }\n`,
      'c.yaml:3:17 segmentation.conf: expected a number from 0 to 1, got "high"',
    ],
    [
      'a number out of range',
      `${MINIMAL}segmentation: { maxDet: 0 }\n`,
      'c.yaml:3:17 segmentation.maxDet: expected an integer from 1 to 1000, got 0',
    ],
    ['no number', `${MINIMAL}segmentation: { iou: .nan }\n`, 'c.yaml:3:17 segmentation.iou: expected a number from 0 to 1, got NaN'],
    [
      'an empty value',
      `${MINIMAL}log:\n  level:\n`,
      'c.yaml:4:3 log.level: expected "trace", "debug", "info", "warn", "error" or "fatal", got nothing',
    ],
    [
      'a misspelt choice',
      `${MINIMAL}log: { level: wran }\n`,
      'c.yaml:3:8 log.level: expected "trace", "debug", "info", "warn", "error" or "fatal", got "wran"; did you mean "warn"?',
    ],
    [
      'a choice or number',
      `${MINIMAL}segmentation: { snapToBorder: on }\n`,
      'c.yaml:3:17 segmentation.snapToBorder: expected "auto" or a number from 0 to 256, got "on"',
    ],
    ['a mapping that is a list', `${MINIMAL}mqtt: [1]\n`, 'c.yaml:3:1 mqtt: expected a mapping of keys to values, got a list of 1'],
    ['a missing key', 'model: { path: m }\n', 'c.yaml:1:1 cameras: missing; expected a list of 0 to 16 entries'],
    [
      'a rule between keys',
      `${MINIMAL}mqtt: { reconnect: { minMs: 500, maxMs: 100 } }\n`,
      'c.yaml:3:34 mqtt.reconnect.maxMs: expected at least minMs (500)',
    ],
    [
      'two passwords',
      `${MINIMAL}mqtt: { passwordFile: a, passwordEnv: B }\n`,
      'c.yaml:3:26 mqtt.passwordEnv: expected either passwordFile or passwordEnv, got both',
    ],
    [
      'half a client certificate',
      `${MINIMAL}mqtt: { tls: { certFile: a } }\n`,
      'c.yaml:3:16 mqtt.tls.certFile: expected keyFile beside it',
    ],
    [
      'two cameras with one id',
      'model: { path: m }\ncameras:\n  - { id: a, source: x }\n  - { id: a, source: y }\n',
      'c.yaml:4:7 cameras[1].id: "a" is used twice',
    ],
    [
      'an unknown kind of prompt',
      'model: { path: m }\ncameras: [{ id: a, source: x, prompts: [{ type: bx }] }]\n',
      'c.yaml:2:43 cameras[0].prompts[0].type: expected "everything", "box", "points", "text", "label", "track" or "salient", got "bx"; did you mean "box"?',
    ],
    [
      'a key of another kind of prompt',
      'model: { path: m }\ncameras: [{ id: a, source: x, prompts: [{ type: everything, select: best }] }]\n',
      'c.yaml:2:61 cameras[0].prompts[0].select: unknown key; expected one of type, id, publish',
    ],
    [
      'a mistake behind an anchor',
      'model: { path: m }\ncameras: [{ id: a, source: x, publish: &p { png: 1 } }, { id: b, source: y, publish: *p }]\n',
      'c.yaml:2:45 cameras[0].publish.png: unknown key; expected one of objects, maskEncoding, everyNth, maxFps, onChange, snapshots, polygonTolerance',
    ],
    ['a duplicate key', `${MINIMAL}node: a\nnode: b\n`, 'c.yaml:4:1 duplicate key "node"; expected it once'],
    ['a tag', `${MINIMAL}node: !!binary aGk=\n`, 'c.yaml:3:7 the tag !!binary is not supported; expected plain YAML'],
    ['a second document', `${MINIMAL}---\na: 1\n`, 'c.yaml:3:1 a second YAML document; expected one'],
    ['text that is no mapping', 'fastsamd\n', 'c.yaml:1:1 expected a mapping of keys to values, got "fastsamd"'],
    ['an empty file', '# nothing\n', 'c.yaml: empty; expected at least "model" and "cameras" (see "fastsamd config schema")'],
  ])('%s', (_, text, expected) => {
    expect(problems(text)[0]).toBe(expected);
  });

  it('reports broken YAML with its place', () => {
    expect(problems('model: [1\n')[0]).toMatch(/^c\.yaml:\d+:\d+ not valid YAML: /);
    expect(problems('a: *nowhere\n')[0]).toMatch(/not valid YAML: Unresolved alias/);
  });

  it('reports all problems at once, in the order of the file, up to 20', () => {
    expect(problems('modle: 1\nmodel: { path: 1 }\ncameras: 1\n').map((line) => line.split(' ')[0])).toEqual([
      'c.yaml:1:1',
      'c.yaml:2:10',
      'c.yaml:3:1',
    ]);
    const many = problems(`${MINIMAL}${Array.from({ length: 30 }, (_, index) => `key${index}: 1\n`).join('')}`);
    expect(many).toHaveLength(21);
    expect(many.at(-1)).toBe('… and 10 more problems');
  });

  it('never shows credentials', () => {
    expect(problems(`${MINIMAL}mqtt: { url: "mqtt://me:s3cret@broker" }\n`).join()).not.toContain('s3cret');
    expect(problems('model: { path: m }\ncameras: [{ id: a, source: ["rtsp://me:s3cret@h"] }]\n').join()).not.toContain('s3cret');
  });
});

describe('hostile files', () => {
  const levels = 'abcdefgh';
  const bomb = [...levels]
    .map(
      (name, index) =>
        `${name}: &${name} [${Array(10)
          .fill(index === 0 ? 'x' : `*${levels[index - 1]}`)
          .join(', ')}]`,
    )
    .join('\n');

  it.each([
    ['an alias bomb', bomb, /not valid YAML: Excessive alias count/],
    ['deep brackets', '['.repeat(500_000), /nested deeper than 100 levels/],
    ['deep lists', '- '.repeat(200_000), /nested deeper than 100 levels/],
    ['deep mappings', Array.from({ length: 1000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'), /nested deeper than 100 levels/],
    ['very many entries', `[${'1,'.repeat(400_000)}]`, /more than 200000 YAML tokens/],
    ['itself', '&self [*self]', /expected a mapping of keys to values, got a list of 1/],
  ])('%s', (_, text, expected) => {
    expect(problems(text)[0]).toMatch(expected);
  });

  it('a wide mapping costs no more than its size', () => {
    const wide = problems(Array.from({ length: 20_000 }, (_, index) => `k${index}: 1`).join('\n'));
    expect(wide.at(-1)).toBe('… and 19982 more problems');
  });
});

describe('files that cannot be read', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'fastsamd-config-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function fails(name: string, content?: string | Buffer): Promise<string> {
    const file = path.join(folder, name);
    if (content !== undefined) await writeFile(file, content);
    const error: unknown = await loadConfig(file).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    expect((error as Error).message).toContain(file);
    return (error as Error).message;
  }

  it('missing', async () => {
    expect(await fails('absent.yaml')).toMatch(/no such file/);
  });
  it('a directory', async () => {
    expect(await fails('.')).toMatch(/a directory; expected a configuration file/);
  });
  it('larger than 1 MiB', async () => {
    expect(await fails('large.yaml', `#${'x'.repeat(1024 * 1024)}`)).toMatch(/larger than 1 MiB/);
  });
  it('not text', async () => {
    expect(await fails('binary.yaml', Buffer.from([0xff, 0xfe, 0x00, 0x9f]))).toMatch(/not UTF-8 text/);
  });
  it.skipIf(process.getuid?.() === 0)('not permitted', async () => {
    await writeFile(path.join(folder, 'closed.yaml'), MINIMAL);
    await chmod(path.join(folder, 'closed.yaml'), 0o000);
    expect(await fails('closed.yaml')).toMatch(/not readable by this user/);
  });
  it('a pipe is as good as a file', async () => {
    const pipe = path.join(folder, 'pipe.yaml');
    execFileSync('mkfifo', [pipe]);
    const [config] = await Promise.all([loadConfig(pipe), writeFile(pipe, MINIMAL)]);
    expect(config.cameras).toHaveLength(1);
  });
});
