/** A camera that never answers, beside one that does: it delays neither the other nor the end. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { parseConfig } from '../../src/config/load.js';
import { Daemon } from '../../src/daemon/daemon.js';
import { EMPTY, fakeEngine } from '../helpers/fakes.js';
import { freePort } from '../helpers/mosquitto.js';

/** Accepts connections, and that is all. */
async function listenSilently(): Promise<{ server: net.Server; sockets: Set<net.Socket> }> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, sockets };
}

describe.skipIf(!native().features.gstreamer)('a camera that never answers (needs GStreamer)', { timeout: 120_000 }, () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fastsamd-silent-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('delays neither the first result of another camera nor the end of the daemon', async () => {
    const { server, sockets } = await listenSilently();
    const { port } = server.address() as net.AddressInfo;
    const config = parseConfig(
      JSON.stringify({
        node: 'n',
        model: { path: 'm.onnx' },
        stateDir: join(folder, 'state'),
        cameras: [
          { id: 'silent', source: `rtsp://127.0.0.1:${port}/cam` },
          { id: 'good', source: 'test:shapes?width=64&height=64&fps=50' },
        ],
        mqtt: { url: `mqtt://127.0.0.1:${await freePort()}` },
      }),
      join(folder, 'config.yaml'),
    );
    const happened: string[] = [];
    let delivered = () => {};
    const first = new Promise<void>((resolve) => {
      delivered = resolve;
    });
    const log = pino(
      {},
      {
        write: (line: string) => {
          const { camera, msg } = JSON.parse(line);
          if (camera === 'silent') happened.push(`silent: ${msg}`);
        },
      },
    );
    const daemon = new Daemon({
      config,
      log,
      openEngine: async () => fakeEngine(async () => EMPTY),
      onResult: ({ camera }) => {
        happened.push(`${camera}: result`);
        delivered();
      },
    });
    const asked = once(server, 'connection');
    try {
      await daemon.start();
      await first;
      await asked;
      await daemon.stop('test');
      happened.push('stopped');
      // It was not left behind: whoever lets go of a camera hangs up.
      await Promise.all([...sockets].map((socket) => once(socket, 'close')));
    } finally {
      await daemon.stop('test is over');
      for (const socket of sockets) socket.destroy();
      server.close();
    }
    // Of the silent one nothing was resolved, neither before the first result nor until the end.
    expect([...new Set(happened)]).toEqual([
      'silent: camera silent: opening',
      'silent: camera silent: connecting',
      'good: result',
      'stopped',
    ]);
  });
});
