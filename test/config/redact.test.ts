import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseConfig } from '../../src/config/load.js';
import { redactConfig, redactUri } from '../../src/config/redact.js';
import { readSecret } from '../../src/config/secrets.js';
import { figure, medianOf } from '../helpers/figure.js';

describe('redactUri', () => {
  it.each([
    ['rtsp://user:pass@host/stream', 'rtsp://***@host/stream'],
    ['rtsp://user@host:554/stream', 'rtsp://***@host:554/stream'],
    ['rtsp://user:p/a?s#s@w@host/stream', 'rtsp://***@host/stream'],
    ['http://host/stream?user=a&password=secret&x=1', 'http://host/stream?user=a&password=***&x=1'],
    ['http://host/stream?access_token=secret', 'http://host/stream?access_token=***'],
    ['first rtsp://a:b@h1/x then rtsp://c:d@h2/y', 'first rtsp://***@h1/x then rtsp://***@h2/y'],
    ['rtsp://host:554/stream', 'rtsp://host:554/stream'],
    ['v4l2:/dev/video0', 'v4l2:/dev/video0'],
    ['mail@example', 'mail@example'],
    ['a://b c@d', 'a://b c@d'],
    ['1://@ x', '1://@ x'],
    ['://x@h rtsp://u:p@h', '://x@h rtsp://***@h'],
    ['http://h/?pass=a;b=c', 'http://h/?pass=***;b=c'],
    [`http://h/?${'a'.repeat(100)}pass=b`, `http://h/?${'a'.repeat(100)}pass=***`],
    ['gst:x user-pw = "a \\" b" ! y', 'gst:x user-pw = *** ! y'],
    ['gst:x pass=abc! y pass="never closed ! z', 'gst:x pass=***! y pass=***'],
    ['gst:x location=http://h/?token=abc&y=1 ! z', 'gst:x location=http://h/?token=***&y=1 ! z'],
  ])('%s', (uri, expected) => {
    expect(redactUri(uri)).toBe(expected);
  });
});

describe('redactUri of a hostile text', () => {
  const units = [
    ...['A', 'a-', 'a://', '1://', '1://@', 'a:// @', 'a://@', '?pass', '&token', '?pass=&', '?pass= ', 'pass=x ', 'pass = x ', 'a ='],
    ...[
      'a= "',
      'x="\\"',
      '=',
      'password ',
      `${' '.repeat(50)}a`,
      `${'a'.repeat(64)}=`,
      `${' '.repeat(60)}=`,
      `${'a'.repeat(63)}${' '.repeat(63)}=`,
    ],
  ];
  const prefixes = ['', 'gst:', '?', 'rtsp://', 'gst:pass="', 'A'.repeat(50_000)];
  const ofLength = (length: number) =>
    units.flatMap((unit) =>
      prefixes.flatMap((prefix) => ['', '@', ' @'].map((end) => prefix + unit.repeat((length - prefix.length) / unit.length) + end)),
    );

  it('of 200 KB does not take hours, as where the time grows with the square of the length', () => {
    for (const text of ofLength(2e5)) expect(redactUri(text).slice(0, 4)).toBe(text.slice(0, 4));
  });

  it('of 100 KB takes little time of the processor', () => {
    const times = ofLength(1e5).map((text) => {
      const runs = Array.from({ length: 7 }, () => {
        const before = process.cpuUsage();
        redactUri(text);
        const { user, system } = process.cpuUsage(before);
        return (user + system) / 1000;
      });
      return medianOf(runs);
    });
    figure({ what: `redaction of 100 KB, median of ${times.length} texts, processor time`, value: medianOf(times), unit: 'ms', most: 5 });
    figure({ what: 'redaction of 100 KB, slowest text, processor time', value: Math.max(...times), unit: 'ms', most: 5 });
  });

  it.each([
    ['parameters', '?a=1', '&password=s3cret'],
    ['addresses', 'x', ' rtsp://u:s3cret@h/'],
    ['places without a scheme', 'x ', '1://@'],
    ['properties', 'gst:x', ' user-pw = "s3cret"'],
    ['backslashes', 'gst:x user-pw="', '\\s3cret'],
  ])('with too many %s hides what it does not look at', (_, head, unit) => {
    const shown = redactUri(head + unit.repeat(5000));
    expect(shown).not.toContain('s3cret');
    expect(shown.slice(-3)).toBe('***');
    expect(shown.length).toBeLessThan(30_000);
  });
});

it('redactConfig hides credentials everywhere, keeps the rest and leaves the original alone', () => {
  const config = parseConfig(
    'model: { path: m }\ncameras: [{ id: a, source: "rtsp://u:s3cret@h/x", width: 640 }]\nmqtt: { passwordFile: /run/secret, url: "ws://h/?token=s3cret" }\n',
    'c.yaml',
  );
  const shown = redactConfig(config);
  expect(JSON.stringify(shown)).not.toContain('s3cret');
  expect(shown).toEqual({
    ...config,
    cameras: [{ ...config.cameras[0], source: expect.stringMatching(/^rtsp:\/\/h\/#[0-9a-f]{6}$/) }],
    mqtt: { ...config.mqtt, url: expect.stringMatching(/^ws:\/\/h\/#[0-9a-f]{6}$/) },
  });
  expect(config.cameras[0]?.source).toBe('rtsp://u:s3cret@h/x');
});

describe('readSecret', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'fastsamd-secret-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  afterEach(() => vi.unstubAllEnvs());

  async function file(name: string, content: string): Promise<{ file: string }> {
    await writeFile(path.join(folder, name), content);
    return { file: path.join(folder, name) };
  }

  it('is the first line of a file', async () => {
    expect(await readSecret(await file('lf', ' s3cret \nmore\n'), 'mqtt.password')).toBe(' s3cret ');
    expect(await readSecret(await file('crlf', 's3cret\r\n'), 'mqtt.password')).toBe('s3cret');
  });

  it('is an environment variable', async () => {
    vi.stubEnv('FASTSAMD_TEST_SECRET', 's3cret');
    expect(await readSecret({ env: 'FASTSAMD_TEST_SECRET' }, 'mqtt.password')).toBe('s3cret');
  });

  it('is nothing when nothing is configured', async () => {
    expect(await readSecret({}, 'mqtt.password')).toBeUndefined();
  });

  it.each([
    ['an absent file', async () => ({ file: path.join(folder, 'absent') }), /^mqtt\.passwordFile: .*absent: no such file/],
    ['a directory', async () => ({ file: folder }), /^mqtt\.passwordFile: .*: a directory/],
    ['an empty file', () => file('empty', '\n'), /^mqtt\.passwordFile: .*empty or not set/],
    ['a huge line', () => file('huge', 'x'.repeat(100_000)), /^mqtt\.passwordFile: .*longer than 4096 bytes$/],
    [
      'an unset variable',
      async () => ({ env: 'FASTSAMD_TEST_UNSET' }),
      /^mqtt\.passwordEnv: environment variable FASTSAMD_TEST_UNSET: empty or not set/,
    ],
  ])('names the key for %s', async (_, reference, message) => {
    const error: unknown = await readSecret(await reference(), 'mqtt.password').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) });
  });
});
