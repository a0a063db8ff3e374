/** A camera that redirects its reader: the password of the camera goes nowhere else. */
import { once } from 'node:events';
import net from 'node:net';
import { expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { WatchedCamera } from '../helpers/camera.js';
import { HostileCamera } from '../helpers/hostile-camera.js';

for (const [kind, path] of [
  ['http-redirect', 'http://127.0.0.1:PORT/video'],
  ['rtsp-redirect', 'rtsp://127.0.0.1:PORT/cam'],
] as const) {
  it.skipIf(!native().features.gstreamer)(`${kind}: is refused with the reason, and the other server hears no password`, async () => {
    let heard = '';
    const elsewhere = net.createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.on('data', (data) => {
        heard += data.toString('latin1');
        socket.end(
          kind === 'http-redirect'
            ? 'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n'
            : `RTSP/1.0 401 Unauthorized\r\nCSeq: ${/CSeq: *(\d+)/.exec(heard)?.[1]}\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n`,
        );
      });
    });
    elsewhere.listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    const target = path.replace('PORT', `${(elsewhere.address() as net.AddressInfo).port}`);
    await using camera = await HostileCamera.start(kind, target);
    await using watched = new WatchedCamera(camera.url.replace('://', '://operator:s3cret@'));
    await watched.untilPhase('lost');
    expect(watched.camera.status.reason).toMatch(/redirect/);
    expect(heard).toBe('');
    elsewhere.close();
  });
}
