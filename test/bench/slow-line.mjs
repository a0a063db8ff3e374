/** A TCP proxy that is a slow line: so many bytes a second from the server, and a delay in both directions. */
import { once } from 'node:events';
import net from 'node:net';

/** What routers on the way keep; a sender beyond that has to wait. */
const BUFFER_BYTES = 65_536;
const STEP_MS = 5;

/** Resolves with the port and a way to end it. */
export async function slowLine(target, { bytesPerSecond, delayMs }) {
  const sockets = new Set();
  const server = net.createServer((client) => {
    const upstream = net.connect(target, '127.0.0.1');
    let waiting = [];
    let bytes = 0;
    let credit = 0;
    const timer = setInterval(() => {
      credit = Math.min(credit + (bytesPerSecond * STEP_MS) / 1000, bytesPerSecond / 20);
      while (waiting.length > 0 && credit > 0) {
        const part = waiting[0].subarray(0, Math.ceil(credit));
        if (part.length === waiting[0].length) waiting.shift();
        else waiting[0] = waiting[0].subarray(part.length);
        credit -= part.length;
        bytes -= part.length;
        setTimeout(() => client.writable && client.write(part), delayMs);
      }
      if (bytes < BUFFER_BYTES) upstream.resume();
    }, STEP_MS);
    upstream.on('data', (chunk) => {
      waiting.push(chunk);
      bytes += chunk.length;
      if (bytes >= BUFFER_BYTES) upstream.pause();
    });
    client.on('data', (chunk) => setTimeout(() => upstream.writable && upstream.write(chunk), delayMs));
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        clearInterval(timer);
        waiting = [];
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: server.address().port,
    stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
