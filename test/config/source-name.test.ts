/** Secrets in the forms that cameras have for them: none is in a name, nor in a message about the source. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.js';
import { redactConfig } from '../../src/config/redact.js';
import { sourceName, withoutSource } from '../../src/config/source-name.js';

const SECRET = 'Hunter2xyz';
const FORMS = [
  'rtsp://admin:SECRET@10.0.0.5/stream',
  'rtsp://SECRET@10.0.0.5/stream',
  'rtsp://admin:SECRET@10.0.0.5:554/h264Preview_01_main',
  'rtsp://admin:a/SECRET?b#c@10.0.0.5/stream',
  'rtsp://admin:p@SECRET@10.0.0.5/stream',
  'rtsp://10.0.0.5/user=admin_password=SECRET_channel=1_stream=0.sdp',
  'rtsp://10.0.0.5/user=admin&password=SECRET&channel=1&stream=0.sdp?',
  'rtsp://10.0.0.5:554/cam/realmonitor?channel=1&subtype=0&loginuse=admin&loginpas=SECRET',
  'rtsp://10.0.0.5/live?usr=admin&pwd=SECRET',
  'rtsp://10.0.0.5/live?user=admin&pw=SECRET',
  'rtsp://10.0.0.5/live?p=SECRET',
  'rtsp://10.0.0.5/live/admin/SECRET/ch0',
  'rtsp://10.0.0.5/SECRET',
  'rtsp://10.0.0.5/tcp/av0_0?auth=SECRET',
  'rtsp://10.0.0.5/stream;user=admin;pass=SECRET',
  'rtsp://10.0.0.5/stream#SECRET',
  'rtsps://10.0.0.5:7441/SECRET?enableSrtp',
  'RTSP://admin:SECRET@10.0.0.5/stream',
  'http://10.0.0.5/videostream.cgi?loginuse=admin&loginpas=SECRET',
  'http://10.0.0.5/cgi-bin/CGIStream.cgi?cmd=GetMJStream&usr=admin&pwd=SECRET',
  'http://10.0.0.5/mjpg/video.mjpg?camera=1&secretkey=SECRET',
  'http://10.0.0.5/live?token=SECRET',
  'http://10.0.0.5/live?access_token=SECRET&x=1',
  'http://10.0.0.5/live?jwt=SECRET',
  'http://10.0.0.5/live?sig=SECRET&expires=1',
  'http://10.0.0.5/live?X-Amz-Signature=SECRET',
  'http://10.0.0.5/live?sid=SECRET',
  'http://10.0.0.5/live?k=SECRET',
  'https://admin:SECRET@10.0.0.5/mjpeg',
  'https://10.0.0.5/t/SECRET/mjpeg',
  'https://10.0.0.5/live?code=SECRET%3D%3D',
  'http://admin:SECR%45T@10.0.0.5/mjpeg',
  'gst:rtspsrc location=rtsp://10.0.0.5/s user-id=admin user-pw=SECRET ! decodebin ! videoconvert',
  'gst:souphttpsrc location=http://10.0.0.5/ extra-headers="headers,Authorization=(string)SECRET" ! jpegdec',
  'gst:souphttpsrc location=http://10.0.0.5/ extra-headers="headers,X-Api-Key=\\"SECRET\\"" ! jpegdec',
  'gst:souphttpsrc location="http://10.0.0.5/?pw=SECRET" cookies="session\\=SECRET" ! jpegdec',
  'gst:srtsrc uri="srt://10.0.0.5:7001?passphrase=SECRET" ! decodebin',
  'gst:rtmpsrc location="rtmp://10.0.0.5/live/SECRET live=1" ! decodebin',
  'srt://10.0.0.5:7001?passphrase=SECRET',
  'rtsp//admin:SECRET@10.0.0.5/stream',
  'file:rtsp:/admin=SECRET',
  'v4l2:/dev/video0?password=SECRET',
].map((form) => form.replaceAll('SECRET', SECRET).replace('SECR%45T', 'Hunter2%78yz'));

/** As GStreamer and others write about it. */
const MESSAGES = [
  (uri: string) => `Could not open resource for reading and writing. (${uri})`,
  (uri: string) => `gstrtspsrc.c(8000): gst_rtspsrc_retrieve_sdp (): ${decodeURIComponent(uri)}: Not found (404)`,
  (uri: string) => `GET ${uri.replace(/^[a-z]+:\/\/[^/]*/i, '')} HTTP/1.1: 401`,
  () => `could not set property "user-pw" to "${SECRET}"`,
];

describe('the name of a source', () => {
  it(`shows no secret in any of ${FORMS.length} forms, nor does a message about it, nor the configuration that is shown`, () => {
    expect(FORMS.length).toBeGreaterThanOrEqual(40);
    const leaks: string[] = [];
    for (const uri of FORMS) {
      const config = parseConfig(
        JSON.stringify({ model: { path: 'm' }, cameras: [{ id: 'a', source: uri }], mqtt: { url: 'ws://h/?k=1' } }),
        'c.yaml',
      );
      const shown = [sourceName(uri), JSON.stringify(redactConfig(config)), ...MESSAGES.map((message) => withoutSource(message(uri), uri))];
      for (const text of shown) if (/Hunter2/i.test(text) || text.includes('xyz')) leaks.push(`${uri} → ${text}`);
    }
    expect(leaks).toEqual([]);
  });

  it.each([
    ['rtsp://admin:pw@10.0.0.5:554/stream', /^rtsp:\/\/10\.0\.0\.5:554\/#[0-9a-f]{6}$/],
    ['rtsp://10.0.0.5', /^rtsp:\/\/10\.0\.0\.5$/],
    ['gst:videotestsrc ! videoconvert', /^gst:#[0-9a-f]{6}$/],
    ['mqtt://broker.local:1883', /^mqtt:\/\/broker\.local:1883$/],
    ['test:shapes?width=96&height=64&fps=5', /^test:shapes\?width=96&height=64&fps=5$/],
    ['v4l2:by-id/usb-046d_HD_Pro-video-index0', /^v4l2:by-id\/usb-046d_HD_Pro-video-index0$/],
    ['/var/lib/fastsamd/Bänder/clip 1.mp4', /^\/var\/lib\/fastsamd\/Bänder\/clip 1\.mp4$/],
    ['csi:0', /^csi:0$/],
  ])('of %s', (uri, name) => {
    expect(sourceName(uri)).toMatch(name);
  });

  it('tells sources of one host apart', () => {
    expect(sourceName('rtsp://h/a')).not.toBe(sourceName('rtsp://h/b'));
  });

  it('is made of anything', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (scheme, rest) => {
        const uri = `${scheme}:${rest}`;
        expect(withoutSource(uri, uri).length).toBeGreaterThan(0);
      }),
    );
  });
});
