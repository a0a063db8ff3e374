/** What stands between a node and its broker: a relay that can be cut, certificates. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Transform } from 'node:stream';
import { selfSigned } from '../helpers/certificate.js';

/** MQTT's types of control packets. */
export const PACKET = { publish: 3, subscribe: 8, suback: 9 } as const;

/** A TCP relay in front of the broker, to cut connections as a dying process does, or to swallow all that is sent. */
export class Relay {
  /** New connections are refused while it is not. */
  open = true;
  /** Sockets of connections that pass nothing on any more, the end of the other side neither. */
  readonly #dead = new Set<net.Socket>();
  #cut: { readonly type: number; readonly minBytes: number; readonly done: () => void } | undefined;

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
      const drop = () => near.destroy();
      near.pipe(relay.#scissors(drop)).pipe(far);
      far.pipe(relay.#scissors(drop)).pipe(near);
      // A peer that was killed resets its connection, which a pipe does not pass on.
      near.once('close', () => relay.#dead.has(near) || far.destroy());
      far.once('close', () => relay.#dead.has(far) || near.destroy());
    });
    const relay = new Relay(server, sockets);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return relay;
  }

  /** From now on nothing gets through on the connections that there are, and nobody is told. */
  freeze(): void {
    for (const socket of this.sockets) {
      this.#dead.add(socket);
      socket.unpipe();
      socket.resume();
    }
  }

  /** From now on nobody takes what is sent on the connections that there are, until their buffers are full. */
  clog(): void {
    for (const socket of this.sockets) {
      this.#dead.add(socket);
      socket.unpipe();
      socket.pause();
    }
  }

  /** Lets half of the next packet of a type and of at least `minBytes` through, and ends its connection. Resolves when it has. */
  cutInside(type: number, minBytes = 0): Promise<void> {
    return new Promise((done) => {
      this.#cut = { type, minBytes, done };
    });
  }

  /** Passes packets on, one by one. */
  #scissors(drop: () => void): Transform {
    let held = Buffer.alloc(0);
    return new Transform({
      transform: (chunk: Buffer, _encoding, pass) => {
        held = Buffer.concat([held, chunk]);
        const whole: Buffer[] = [];
        for (let bytes = packetBytes(held); bytes !== undefined && bytes <= held.length; bytes = packetBytes(held)) {
          const packet = held.subarray(0, bytes);
          held = held.subarray(bytes);
          const cut = this.#cut;
          if (cut && packet[0]! >> 4 === cut.type && bytes >= cut.minBytes) {
            this.#cut = undefined;
            pass(null, Buffer.concat([...whole, packet.subarray(0, bytes / 2)]));
            // The half is on its way to the other side first.
            setImmediate(() => {
              drop();
              cut.done();
            });
            return;
          }
          whole.push(packet);
        }
        pass(null, Buffer.concat(whole));
      },
    });
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

/** Of the packet at the start of `bytes`, its header included; undefined while that is not known yet. */
function packetBytes(bytes: Buffer): number | undefined {
  let length = 0;
  for (let k = 1; k < Math.min(bytes.length, 5); k += 1) {
    length += (bytes[k]! & 0x7f) << (7 * (k - 1));
    if (bytes[k]! < 0x80) return 1 + k + length;
  }
  return undefined;
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
