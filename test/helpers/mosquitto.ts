/** A real broker for tests: mosquitto on a free loopback port, with its files in a folder of its own. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import mqtt, { type IClientOptions, type IClientPublishOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import { killed } from './killed.js';

const BINARY = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/usr/bin/mosquitto'].find((file) => existsSync(file));

/** For `describe.skipIf(!hasMosquitto)('… (needs mosquitto)')`. */
export const hasMosquitto = BINARY !== undefined;

export interface BrokerOptions {
  /** More lines of mosquitto.conf. */
  readonly config?: readonly string[];
  /** Users and passwords; without them anybody may connect. */
  readonly users?: Readonly<Record<string, string>>;
  /** Text of an ACL file. */
  readonly acl?: string;
  /** Default: any free port. */
  readonly port?: number;
}

export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export class Broker implements AsyncDisposable {
  #process: ChildProcess | undefined;
  readonly #clients = new Set<MqttClient>();

  private constructor(
    readonly port: number,
    readonly folder: string,
  ) {}

  static async start(options: BrokerOptions = {}): Promise<Broker> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'mosquitto-'));
    const broker = new Broker(options.port ?? (await freePort()), folder);
    const lines = [`listener ${broker.port} 127.0.0.1`, 'persistence false', ...(options.config ?? [])];
    if (process.getuid?.() === 0) lines.push('user root');
    if (options.users) {
      const file = path.join(folder, 'passwords');
      for (const [index, [user, password]] of Object.entries(options.users).entries()) {
        await promisify(execFile)('mosquitto_passwd', ['-b', ...(index === 0 ? ['-c'] : []), file, user, password]);
      }
      lines.push('allow_anonymous false', `password_file ${file}`);
    } else lines.push('allow_anonymous true');
    if (options.acl !== undefined) {
      const file = path.join(folder, 'acl');
      await writeFile(file, options.acl);
      lines.push(`acl_file ${file}`);
    }
    await writeFile(path.join(folder, 'mosquitto.conf'), `${lines.join('\n')}\n`);
    await broker.#spawn();
    return broker;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  async #spawn(): Promise<void> {
    // The broker must not outlive a test process that is ended before it could dispose of it.
    const command = ['--pdeathsig', 'KILL', BINARY!, '-c', path.join(this.folder, 'mosquitto.conf')];
    const child = spawn('setpriv', command, { stdio: 'ignore' });
    this.#process = child;
    while (!(await answers(this.port))) {
      if (child.exitCode !== null) throw new Error(`mosquitto ended with ${child.exitCode}`);
      await sleep(10);
    }
  }

  /** SIGKILL: no DISCONNECT, nothing saved. */
  kill(): Promise<void> {
    return killed(this.#process);
  }

  /** Starts again on the same port, after `kill`. */
  async restart(): Promise<void> {
    await this.kill();
    await this.#spawn();
  }

  /** The broker stops reading and answering; its sockets stay open. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  /** Reads its access control again, as after `systemctl reload mosquitto`. */
  async reload(acl: string): Promise<void> {
    await writeFile(path.join(this.folder, 'acl'), acl);
    this.#process?.kill('SIGHUP');
  }

  /** Takes effect at the next restart. */
  async setPassword(user: string, password: string): Promise<void> {
    await promisify(execFile)('mosquitto_passwd', ['-b', path.join(this.folder, 'passwords'), user, password]);
  }

  /** A plain client, ended with the broker. */
  async client(options: IClientOptions = {}): Promise<MqttClient> {
    const client = await mqtt.connectAsync(this.url, { protocolVersion: 5, reconnectPeriod: 0, ...options }, false);
    this.#clients.add(client);
    client.once('close', () => this.#clients.delete(client));
    return client;
  }

  /** A client that has subscribed to `filter`. */
  async observe(filter: string, options: IClientOptions = {}): Promise<Observer> {
    const client = await this.client(options);
    const observer = new Observer(client);
    await client.subscribeAsync(filter, { qos: 1, rap: true });
    return observer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.end(true);
    this.resume();
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

export interface Received {
  readonly topic: string;
  readonly text: string;
  readonly packet: IPublishPacket;
}

/** Everything a client received, and waiting for more of it. */
export class Observer {
  readonly received: Received[] = [];
  #waiting: (() => void)[] = [];

  constructor(readonly client: MqttClient) {
    client.on('message', (topic, payload, packet) => {
      this.received.push({ topic, text: payload.toString('utf8'), packet });
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  /** The first message from position `from` on that is on `topic` and passes. The test's own time limit ends a vain wait. */
  async until(topic: string, passes: (text: string) => boolean = () => true, from = 0): Promise<Received> {
    let position = from;
    for (;;) {
      for (; position < this.received.length; position += 1) {
        const message = this.received[position]!;
        if (message.topic === topic && passes(message.text)) return message;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async untilJson<T = Record<string, unknown>>(topic: string, passes: (value: T) => boolean = () => true, from = 0): Promise<T> {
    const { text } = await this.until(topic, (candidate) => passes(JSON.parse(candidate) as T), from);
    return JSON.parse(text) as T;
  }

  async publish(topic: string, payload: string | Buffer, options: IClientPublishOptions = {}): Promise<void> {
    await this.client.publishAsync(topic, payload, { qos: 1, ...options });
  }
}
