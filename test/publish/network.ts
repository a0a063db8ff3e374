/** What stands between a node and its broker: a relay that can be cut, certificates. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { selfSigned } from '../helpers/certificate.js';

/** A TCP relay in front of the broker, to cut connections as a dying process does, or to swallow all that is sent. */
export class Relay {
  /** New connections are refused while it is not. */
  open = true;

  private constructor(
    readonly server: net.Server,
    readonly sockets: Set<net.Socket>,
  ) {}

  static async start(target: number): Promise<Relay> {
    const sockets = new Set<net.Socket>();
    const server = net.createServer((near) => {
      if (!relay.open) return near.destroy();
      const far = net.connect(target, '127.0.0.1');
      for (const socket of [near, far]) {
        sockets.add(socket);
        socket.on('error', () => undefined);
      }
      near.pipe(far).pipe(near);
      // A peer that was killed resets its connection, which a pipe does not pass on.
      near.once('close', () => far.destroy());
      far.once('close', () => near.destroy());
    });
    const relay = new Relay(server, sockets);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return relay;
  }

  /** From now on nothing gets through on the connections that there are, and nobody is told. */
  freeze(): void {
    for (const socket of this.sockets) {
      socket.unpipe();
      socket.resume();
    }
  }

  get port(): number {
    return (this.server.address() as net.AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await once(this.server, 'close');
  }
}

/** Two self-signed certificates for 127.0.0.1: `broker` and `other`, each with `.crt` and `.key`. */
export class Certificates implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  static async create(): Promise<Certificates> {
    const certificates = new Certificates(await mkdtemp(path.join(os.tmpdir(), 'certificates-')));
    for (const name of ['broker', 'other']) await selfSigned(certificates.folder, name);
    return certificates;
  }

  file(name: string): string {
    return path.join(this.folder, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
