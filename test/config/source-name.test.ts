/** Secrets in the forms that cameras have for them: none is in a name, nor in a message about the source. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.js';
import { redactConfig } from '../../src/config/redact.js';
import { sourceName, withoutSource } from '../../src/config/source-name.js';
import { leaks, SECRET, SECRET_SOURCES } from '../helpers/secret-sources.js';

/** As GStreamer and others write about it. */
const MESSAGES = [
  (uri: string) => `Could not open resource for reading and writing. (${uri})`,
  (uri: string) => `gstrtspsrc.c(8000): gst_rtspsrc_retrieve_sdp (): ${decodeURIComponent(uri)}: Not found (404)`,
  (uri: string) => `GET ${uri.replace(/^[a-z]+:\/\/[^/]*/i, '')} HTTP/1.1: 401`,
  () => `could not set property "user-pw" to "${SECRET}"`,
];

/** The configuration as it is shown, or why it is refused. */
function configuration(uri: string): string {
  const text = JSON.stringify({ model: { path: 'm' }, cameras: [{ id: 'a', source: uri }], mqtt: { url: 'ws://h/?k=1' } });
  try {
    return JSON.stringify(redactConfig(parseConfig(text, 'c.yaml')));
  } catch (error) {
    return String(error);
  }
}

describe('the name of a source', () => {
  it(`shows no secret in any of ${SECRET_SOURCES.length} forms, nor does a message about it, nor the configuration that is shown`, () => {
    expect(SECRET_SOURCES.length).toBeGreaterThanOrEqual(40);
    const found: string[] = [];
    for (const uri of SECRET_SOURCES) {
      const shown = [sourceName(uri), configuration(uri), ...MESSAGES.map((message) => withoutSource(message(uri), uri))];
      for (const text of shown) if (leaks(text)) found.push(`${uri} → ${text}`);
    }
    expect(found).toEqual([]);
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
