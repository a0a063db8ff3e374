/** The Modbus server of one inspecting camera: listens, and tries again where it cannot. */
import type { Logger } from 'pino';
import type { CameraConfig } from '../../config/schema.js';
import { messageOf } from '../../errors.js';
import { ModbusServer } from '../../field/modbus.js';
import { PlcPort, type PlcPortDeps } from '../../field/plc-port.js';
import type { StatusBoard } from '../../status/board.js';

type ModbusConfig = NonNullable<NonNullable<NonNullable<CameraConfig['inspection']>['output']>['modbus']>;

export interface PlcServerDeps extends PlcPortDeps {
  readonly camera: string;
  readonly modbus: ModbusConfig;
  readonly status: Pick<StatusBoard, 'setAlert' | 'clearAlert'>;
  readonly log: Logger;
}

const AGAIN_MS = 5000;
const LOOPBACK = ['127.0.0.1', '::1'];

export class PlcServer {
  readonly port: PlcPort;
  readonly #deps: PlcServerDeps;
  #server: ModbusServer | undefined;
  #starting: Promise<void> = Promise.resolve();
  #again: NodeJS.Timeout | undefined;
  #failing = false;
  #stopped = false;

  constructor(deps: PlcServerDeps) {
    this.#deps = deps;
    this.port = new PlcPort(deps);
  }

  /** A port that another process holds is an alert, and tried again. */
  start(): void {
    this.#starting = this.#listen();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#again);
    await this.#starting;
    await this.#server?.stop();
    if (this.#failing) this.#deps.status.clearAlert(this.#alert);
  }

  get #alert(): string {
    return `modbus-failing-${this.#deps.camera}`.slice(0, 64);
  }

  async #listen(): Promise<void> {
    const { camera, modbus, status, log } = this.#deps;
    const { host = '127.0.0.1', port = 1502, unit = 1, allow = LOOPBACK } = modbus;
    const server = new ModbusServer({ host, port, unit, allow }, this.port);
    try {
      await server.start();
      this.#server = server;
      log.info({ camera, host, port }, `camera ${camera}: Modbus TCP on ${host}:${port}`);
      if (this.#failing) status.clearAlert(this.#alert);
      this.#failing = false;
    } catch (error) {
      await server.stop();
      const message = `camera ${camera}: Modbus TCP cannot listen on ${host}:${port}: ${messageOf(error)}`;
      if (!this.#failing) log.error(message);
      this.#failing = true;
      status.setAlert(this.#alert, { severity: 'critical', message: message.slice(0, 1000) });
      if (!this.#stopped) this.#again = setTimeout(() => this.start(), AGAIN_MS).unref();
    }
  }
}
