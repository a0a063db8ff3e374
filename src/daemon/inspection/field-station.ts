/** What connects the inspections of one camera to its field: a PLC over Modbus, GPIO lines. */
import type { Logger } from 'pino';
import type { CameraConfig } from '../../config/schema.js';
import { FastsamError, messageOf } from '../../errors.js';
import type { StoredRecipe } from '../../record/protocol.js';
import type { StatusBoard } from '../../status/board.js';
import { GpioStation } from './gpio-station.js';
import type { InspectionOutput } from './inspector.js';
import { PlcServer } from './plc-server.js';

export interface FieldStationDeps {
  readonly camera: string;
  readonly config: Pick<NonNullable<CameraConfig['inspection']>, 'input' | 'output'>;
  /** Resolves with the number of the inspection, once the trigger is on the disk. `atNs`: of the edge. */
  readonly trigger: (trigger: {
    readonly type: 'modbus' | 'gpio';
    readonly part?: string | undefined;
    readonly atNs?: bigint;
  }) => Promise<{ readonly inspection: number }>;
  /** The newest revision of a recipe of this camera; null where there is none. */
  readonly recipe: (id: string) => Promise<StoredRecipe | null>;
  readonly activate: (id: string) => Promise<unknown>;
  readonly status: Pick<StatusBoard, 'setAlert' | 'clearAlert'>;
  readonly log: Logger;
}

export class FieldStation {
  readonly #deps: FieldStationDeps;
  readonly #plc: PlcServer | undefined;
  readonly #gpio: GpioStation | undefined;

  constructor(deps: FieldStationDeps) {
    this.#deps = deps;
    const { camera, config, trigger, status, log } = deps;
    const { input, output } = config;
    if (output?.modbus) {
      const { modbus } = output;
      this.#plc = new PlcServer({
        ...{ camera, modbus, status, log },
        trigger: async (part) => (await trigger({ type: 'modbus', part })).inspection,
        loadRecipe: (number) => this.#load(modbus.recipes ?? [], number),
      });
    }
    if (input?.gpio || output?.gpio) {
      this.#gpio = new GpioStation({
        ...{ camera, input: input?.gpio, output: output?.gpio, status, log },
        trigger: (atNs) => trigger({ type: 'gpio', atNs }),
      });
    }
  }

  /** Where states and verdicts go; undefined without a port. */
  get output(): InspectionOutput | undefined {
    const ports = [this.#plc?.port, this.#gpio?.port].filter((port) => port !== undefined);
    if (ports.length < 2) return ports[0];
    return {
      setState(message, recipe) {
        for (const port of ports) port.setState(message, recipe);
      },
      show(verdict) {
        for (const port of ports) port.show(verdict);
      },
    };
  }

  start(): void {
    this.#plc?.start();
    this.#gpio?.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#plc?.stop(), this.#gpio?.stop()]);
  }

  /** Puts the one recipe of `allowed` into force whose newest revision has this number. */
  async #load(allowed: readonly string[], number: number): Promise<void> {
    const { camera, recipe, activate, log } = this.#deps;
    try {
      const found = (await Promise.all(allowed.map(recipe))).filter((each) => each?.recipe.number === number);
      if (found.length !== 1) {
        const which = found.length === 0 ? 'no recipe' : `${found.length} recipes`;
        throw new FastsamError(
          'REQUEST_INVALID',
          `${which} of output.modbus.recipes (${allowed.join(', ') || 'none'}) with number ${number}`,
        );
      }
      await activate(found[0]!.recipe.recipe);
    } catch (error) {
      log.warn({ camera, number, reason: messageOf(error) }, `camera ${camera}: the PLC asked for a recipe that cannot be loaded`);
      throw error;
    }
  }
}
