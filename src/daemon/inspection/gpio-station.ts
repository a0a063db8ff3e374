/** The GPIO lines of one inspecting camera: holds them, and tries again where they cannot be had. */
import type { Logger } from 'pino';
import type { CameraConfig } from '../../config/schema.js';
import { messageOf } from '../../errors.js';
import { GpioLines } from '../../field/gpio.js';
import { GpioPort, OUTPUT_BIT } from '../../field/gpio-port.js';
import type { StatusBoard } from '../../status/board.js';

type InspectionConfig = NonNullable<CameraConfig['inspection']>;

export interface GpioStationDeps {
  readonly camera: string;
  readonly output: NonNullable<InspectionConfig['output']>['gpio'];
  readonly input: NonNullable<InspectionConfig['input']>['gpio'];
  /** An edge at this time (CLOCK_MONOTONIC). Resolves once the trigger is on the disk. */
  readonly trigger: (atNs: bigint) => Promise<unknown>;
  readonly status: Pick<StatusBoard, 'setAlert' | 'clearAlert'>;
  readonly log: Logger;
}

const AGAIN_MS = 5000;
/** Triggers on their way to the disk; edges beyond that are refused. */
const MOST_PENDING = 1000;

export class GpioStation {
  /** Undefined without outputs. */
  readonly port: GpioPort | undefined;
  readonly #deps: GpioStationDeps;
  readonly #held: Held[] = [];
  #pending = 0;
  #isRefusing = false;
  #outputs: Held | undefined;

  constructor(deps: GpioStationDeps) {
    this.#deps = deps;
    const { output } = deps;
    this.port = output && new GpioPort({ pulseMs: output.pulseMs ?? 100, set: (bits) => this.#outputs?.set(bits) });
  }

  /** Lines that another program holds are an alert, and tried again. */
  start(): void {
    const { camera, output, input, log } = this.#deps;
    if (output) {
      const { chip, ok, nok, busy, activeLow = false, staleMs = 1000 } = output;
      // The bits of the port count lines in this order.
      const lines = [ok, nok, ...(busy === undefined ? [] : [busy])];
      const most = busy === undefined ? OUTPUT_BIT.ok | OUTPUT_BIT.nok : OUTPUT_BIT.ok | OUTPUT_BIT.nok | OUTPUT_BIT.busy;
      this.#outputs = new Held(this.#deps, 'output', most, (onLost) =>
        GpioLines.outputs(
          { chip: nodeOf(chip), lines, activeLow, staleMs },
          { onLost, onStale: () => log.error(`camera ${camera}: busy for more than ${staleMs} ms, its GPIO outputs were switched off`) },
        ),
      );
      this.#held.push(this.#outputs);
    }
    if (input) {
      const { chip, line, edge = 'rising', debounceUs = 0, activeLow = false } = input;
      const wiring = { chip: nodeOf(chip), line, edge, debounceUs, activeLow };
      const onEdge = (atNs: bigint, missed: number) => this.#onEdge(atNs, missed);
      this.#held.push(new Held(this.#deps, 'input', 0, (onLost) => GpioLines.input(wiring, { onEdge, onLost })));
    }
    for (const lines of this.#held) lines.start();
  }

  async stop(): Promise<void> {
    this.port?.stop();
    await Promise.all(this.#held.map((lines) => lines.stop()));
    if (this.#isRefusing) this.#deps.status.clearAlert(this.#refusal);
  }

  get #refusal(): string {
    return `gpio-trigger-${this.#deps.camera}`.slice(0, 64);
  }

  #onEdge(atNs: bigint, missed: number): void {
    if (missed > 0) this.#refuse(`${missed} edges came faster than they could be read`);
    if (this.#pending >= MOST_PENDING) {
      this.#refuse(`more than ${MOST_PENDING} edges wait for the disk`);
      return;
    }
    this.#pending += 1;
    this.#deps
      .trigger(atNs)
      .then(
        () => {
          if (this.#isRefusing && missed === 0) this.#deps.status.clearAlert(this.#refusal);
          if (missed === 0) this.#isRefusing = false;
        },
        (error: unknown) => this.#refuse(messageOf(error)),
      )
      .finally(() => {
        this.#pending -= 1;
      });
  }

  #refuse(why: string): void {
    const { camera, status, log } = this.#deps;
    const message = `camera ${camera}: an edge of its GPIO input triggered nothing: ${why}`;
    if (!this.#isRefusing) log.error(message);
    this.#isRefusing = true;
    status.setAlert(this.#refusal, { severity: 'critical', message: message.slice(0, 1000) });
  }
}

/** Lines that are asked for again until they are held. */
class Held {
  readonly #deps: GpioStationDeps;
  readonly #what: 'input' | 'output';
  readonly #most: number;
  readonly #open: (onLost: (why: string) => void) => GpioLines;
  #lines: GpioLines | undefined;
  #starting: Promise<void> = Promise.resolve();
  #again: NodeJS.Timeout | undefined;
  #isFailing = false;
  #isStopped = false;

  constructor(deps: GpioStationDeps, what: 'input' | 'output', most: number, open: (onLost: (why: string) => void) => GpioLines) {
    this.#deps = deps;
    this.#what = what;
    this.#most = most;
    this.#open = open;
  }

  start(): void {
    this.#starting = this.#hold();
  }

  set(bits: number): void {
    this.#lines?.set(bits & this.#most);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#again);
    await this.#starting;
    await this.#lines?.stop();
    if (this.#isFailing) this.#deps.status.clearAlert(this.#alert);
  }

  get #alert(): string {
    return `gpio-${this.#what}-failing-${this.#deps.camera}`.slice(0, 64);
  }

  async #hold(): Promise<void> {
    const { camera, status, log } = this.#deps;
    const lines = this.#open((why) => {
      this.#lines = undefined;
      this.#fail(why);
    });
    try {
      await lines.start();
      this.#lines = lines;
      log.info({ camera }, `camera ${camera}: GPIO ${this.#what} is held`);
      if (this.#isFailing) status.clearAlert(this.#alert);
      this.#isFailing = false;
    } catch (error) {
      this.#fail(messageOf(error));
    }
  }

  #fail(why: string): void {
    const { camera, status, log } = this.#deps;
    const message = `camera ${camera}: its GPIO ${this.#what} cannot be used: ${why}`;
    if (!this.#isFailing) log.error(message);
    this.#isFailing = true;
    status.setAlert(this.#alert, { severity: 'critical', message: message.slice(0, 1000) });
    if (!this.#isStopped) this.#again = setTimeout(() => this.start(), AGAIN_MS).unref();
  }
}

function nodeOf(chip: string): string {
  return chip.startsWith('/') ? chip : `/dev/${chip}`;
}
