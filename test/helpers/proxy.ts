/** A TCP proxy that cuts connections and spoils what a server sends. */
import { once } from 'node:events';
import net from 'node:net';

export class FaultyProxy implements AsyncDisposable {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  connections = 0;
  #isOut = false;
  #spoil: ((chunk: Buffer) => Buffer) | undefined;

  private constructor(target: number) {
    this.#server = net.createServer((client) => {
      if (this.#isOut) {
        client.resetAndDestroy();
        return;
      }
      this.connections += 1;
      const upstream = net.connect(target, '127.0.0.1');
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket);
        socket.on('error', () => socket.destroy());
        socket.on('close', () => {
          this.#sockets.delete(socket);
          client.destroy();
          upstream.destroy();
        });
      }
      client.on('data', (chunk) => upstream.write(chunk));
      upstream.on('data', (chunk: Buffer) => client.write(this.#spoil ? this.#spoil(chunk) : chunk));
    });
  }

  static async start(target: number): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** Ends every connection at once; new ones are accepted. */
  cut(): void {
    for (const socket of [...this.#sockets]) socket.resetAndDestroy();
  }

  /** Ends every connection and takes no new one, until `restore`. */
  outage(): void {
    this.#isOut = true;
    this.cut();
  }

  restore(): void {
    this.#isOut = false;
  }

  /** Passes what the server sends through `change`, or untouched again. */
  spoil(change?: (chunk: Buffer) => Buffer): void {
    this.#spoil = change;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
  }
}
