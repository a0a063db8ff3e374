/** The Modbus server of one inspecting camera. */
import type { Logger } from 'pino';
import type { CameraConfig } from '../../config/schema.js';
import { ModbusServer } from '../../field/modbus.js';
import { PlcPort, type PlcPortDeps } from '../../field/plc-port.js';
import type { StatusBoard } from '../../status/board.js';
import { FieldLink } from './field-link.js';

type ModbusConfig = NonNullable<NonNullable<NonNullable<CameraConfig['inspection']>['output']>['modbus']>;

export interface PlcServerDeps extends PlcPortDeps {
  readonly camera: string;
  readonly modbus: ModbusConfig;
  readonly status: Pick<StatusBoard, 'setAlert' | 'clearAlert'>;
  readonly log: Logger;
}

const LOOPBACK = ['127.0.0.1', '::1'];

export class PlcServer {
  readonly port: PlcPort;
  readonly #link: FieldLink<ModbusServer>;

  constructor(deps: PlcServerDeps) {
    const { host = '127.0.0.1', port = 1502, unit = 1, allow = LOOPBACK } = deps.modbus;
    this.port = new PlcPort(deps);
    this.#link = new FieldLink({
      ...deps,
      alert: 'modbus-failing',
      open: async () => {
        const server = new ModbusServer({ host, port, unit, allow }, this.port);
        try {
          await server.start();
        } catch (error) {
          await server.stop();
          throw error;
        }
        return server;
      },
      standing: `Modbus TCP on ${host}:${port}`,
      failing: `Modbus TCP cannot listen on ${host}:${port}`,
    });
  }

  start(): void {
    this.#link.start();
  }

  stop(): Promise<void> {
    return this.#link.stop();
  }
}
