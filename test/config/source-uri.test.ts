/** Sources and broker URLs: what is refused when a configuration is read is what could not be used. */
import { describe, expect, it } from 'vitest';
import { parseBrokerUrl } from '../../src/config/broker-url.js';
import { parseConfig } from '../../src/config/load.js';
import { parseSource } from '../../src/config/source-uri.js';
import { createSource } from '../../src/source/open.js';

describe('a source', () => {
  it.each([
    ['rstp://camera/1', {}, /unknown source scheme "rstp"; did you mean "rtsp"\?/],
    ['usb:0', {}, /unknown source scheme "usb"; expected a path or one of file:, v4l2:/],
    ['constructor:x', {}, /unknown source scheme/],
    ['rtsp://', {}, /expected SCHEME:\/\/HOST/],
    ['rtsp:camera/1', {}, /expected SCHEME:\/\/HOST/],
    ['rtsp://:554/1', {}, /expected SCHEME:\/\/HOST/],
    ['rtsp://camera:99999/1', {}, /expected SCHEME:\/\/HOST/],
    ['rtsp://camera:0/1', {}, /expected SCHEME:\/\/HOST/],
    ['rtsp://::1:554/1', {}, /expected SCHEME:\/\/HOST/],
    ['http:camera/1', {}, /expected SCHEME:\/\/HOST/],
    ['v4l2:video0', {}, /did you mean v4l2:\/dev\/video0\?/],
    ['v4l2:', {}, /expected \/dev\/videoN/],
    ['v4l2:serial/', {}, /expected \/dev\/videoN/],
    ['csi:front', {}, /expected csi:N/],
    ['gst: ', {}, /expected gst:PIPELINE/],
    ['file:', {}, /expected file:PATH/],
    ['file://host/x.jpg', {}, /expected file:\/\/\/PATH/],
    ['test:nosuch', {}, /no such test scene/],
    ['test:shapes?widht=10', {}, /unknown parameter "widht"/],
    ['test:shapes?fps=0', {}, /fps must be a number from 0.1 to 1000/],
    ['test:shapes', { rotate: 90 }, /cannot be turned/],
    ['test:shapes', { flip: 'vertical' }, /cannot be turned/],
  ] as const)('%s %o is refused by the configuration and when it is opened', async (source, picture, message) => {
    const config = JSON.stringify({ model: { path: 'm.onnx' }, cameras: [{ id: 'a', source, ...picture }] });
    expect(() => parseConfig(config, '/x/c.yaml')).toThrow(message);
    await expect(createSource(source, picture)).rejects.toMatchObject({
      code: 'SOURCE_UNSUPPORTED',
      message: expect.stringMatching(message),
    });
  });

  it.each([
    ['clip.mp4', { kind: 'file', path: 'clip.mp4' }],
    ['./a:b.mp4', { kind: 'file', path: './a:b.mp4' }],
    ['file:///srv/100%25.jpg', { kind: 'file', path: '/srv/100%.jpg' }],
    ['file://localhost/srv/a.jpg', { kind: 'file', path: '/srv/a.jpg' }],
    ['v4l2:0', { kind: 'v4l2', name: '0' }],
    ['v4l2:by-path/pci-0000:00', { kind: 'v4l2', name: 'by-path/pci-0000:00' }],
    ['csi:1', { kind: 'csi', sensor: 1 }],
    ['RTSP://[::1]:8554/x', { kind: 'rtsp', url: new URL('rtsp://[::1]:8554/x') }],
    ['gst:videotestsrc ! identity', { kind: 'gst', pipeline: 'videotestsrc ! identity' }],
    [
      'test:shapes?twins=true&leave=true&pieces=true&camera=pan&bar=0.3&light=0.5&drop=8',
      {
        kind: 'test',
        settings: {
          ...{ scene: 'shapes', width: 1280, height: 720, fps: 30, seed: 1, plates: false, realtime: true },
          ...{ twins: true, leave: true, pieces: true, camera: 'pan', bar: 0.3, light: 0.5, drop: 8 },
        },
      },
    ],
    ['test:', { kind: 'test', settings: { scene: 'shapes', width: 1280, height: 720, fps: 30, seed: 1, plates: false, realtime: true } }],
  ] as const)('%s is taken apart', (uri, parts) => {
    expect(parseSource(uri)).toEqual(parts);
  });

  it('never shows a password in its message', () => {
    for (const uri of ['v4l2:rtsp://me:s3cret@host', 'file://me:s3cret@host/x', 'rtsp://me:s3cret@host:99999/x', 'csi:me:s3cret@1']) {
      expect(() => parseSource(uri)).toThrow(expect.objectContaining({ message: expect.not.stringContaining('s3cret') }));
    }
  });
});

describe('a broker URL', () => {
  it.each([
    'mqtt://::1:1883',
    'mqtt://127.0.0.1 :1883',
    'mqtt://127.0.0.1\t:1883',
    'mqtt://127.0.0.1:99999',
    'mqtt://127.0.0.1:0',
    'mqtt://:1883',
    'mqtt://',
    'mqtt://host:',
    'mqtt://[::g]:1883',
    'mqtt://me:s3cret@host',
    // The client would take its id from there.
    'mqtt://host?clientId=other',
    'mqtt://host/path',
    'http://host',
    'tcp://host',
  ])('%s is refused by the configuration', (url) => {
    const config = JSON.stringify({ model: { path: 'm.onnx' }, cameras: [{ id: 'a', source: 'test:shapes' }], mqtt: { url } });
    expect(() => parseConfig(config, '/x/c.yaml')).toThrow(/mqtt\.url: expected mqtt:\/\/HOST\[:PORT\]/);
    expect(parseBrokerUrl(url)).toBeUndefined();
  });

  it.each([
    ['mqtt://127.0.0.1', { protocol: 'mqtt', host: '127.0.0.1', port: undefined, path: '/' }],
    ['MQTTS://Broker.example:8883/', { protocol: 'mqtts', host: 'broker.example', port: 8883, path: '/' }],
    ['mqtt://[fe80::1%eth0]:1883', { protocol: 'mqtt', host: 'fe80::1%eth0', port: 1883, path: '/' }],
    ['ws://[::1]:9001/mqtt?x=1', { protocol: 'ws', host: '::1', port: 9001, path: '/mqtt?x=1' }],
    ['wss://bücher.example', { protocol: 'wss', host: 'xn--bcher-kva.example', port: undefined, path: '/' }],
    ['mqtt://my_broker:80', { protocol: 'mqtt', host: 'my_broker', port: 80, path: '/' }],
  ] as const)('%s is taken apart', (url, parts) => {
    expect(parseBrokerUrl(url)).toEqual(parts);
  });
});
