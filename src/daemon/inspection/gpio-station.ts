/** The GPIO lines of one inspecting camera. */
import type { Logger } from 'pino';
import type { CameraConfig } from '../../config/schema.js';
import { messageOf } from '../../errors.js';
import { GpioLines } from '../../field/gpio.js';
import { GpioPort, OUTPUT_BIT } from '../../field/gpio-port.js';
import type { StatusBoard } from '../../status/board.js';
import { FieldLink } from './field-link.js';

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

/** Triggers on their way to the disk; edges beyond that are refused. */
const MOST_PENDING = 1000;

export class GpioStation {
  /** Undefined without outputs. */
  readonly port: GpioPort | undefined;
  readonly #deps: GpioStationDeps;
  readonly #links: FieldLink<GpioLines>[] = [];
  #pending = 0;
  #isRefusing = false;
  #outputs: FieldLink<GpioLines> | undefined;

  constructor(deps: GpioStationDeps) {
    this.#deps = deps;
    const { output } = deps;
    if (!output) return;
    // The bits of the port count lines in this order; one without a line is left out.
    const most = output.busy === undefined ? OUTPUT_BIT.ok | OUTPUT_BIT.nok : OUTPUT_BIT.ok | OUTPUT_BIT.nok | OUTPUT_BIT.busy;
    this.port = new GpioPort({ pulseMs: output.pulseMs ?? 100, set: (bits) => this.#outputs?.current?.set(bits & most) });
  }

  start(): void {
    const { camera, output, input, log } = this.#deps;
    if (output) {
      const { chip, ok, nok, busy, activeLow = false, staleMs = 1000 } = output;
      const lines = [ok, nok, ...(busy === undefined ? [] : [busy])];
      const onStale = () => log.error(`camera ${camera}: busy for more than ${staleMs} ms, its GPIO outputs were switched off`);
      this.#outputs = this.#link('output', (onLost) =>
        GpioLines.outputs({ chip: nodeOf(chip), lines, activeLow, staleMs }, { onLost, onStale }),
      );
    }
    if (input) {
      const { chip, line, edge = 'rising', debounceUs = 0, activeLow = false } = input;
      const onEdge = (atNs: bigint, missed: number) => this.#onEdge(atNs, missed);
      this.#link('input', (onLost) => GpioLines.input({ chip: nodeOf(chip), line, edge, debounceUs, activeLow }, { onEdge, onLost }));
    }
    for (const link of this.#links) link.start();
  }

  async stop(): Promise<void> {
    this.port?.stop();
    await Promise.all(this.#links.map((link) => link.stop()));
    if (this.#isRefusing) this.#deps.status.clearAlert(this.#refusal);
  }

  get #refusal(): string {
    return `gpio-trigger-${this.#deps.camera}`.slice(0, 64);
  }

  #link(what: 'input' | 'output', linesOf: (onLost: (why: string) => void) => GpioLines): FieldLink<GpioLines> {
    const link = new FieldLink({
      ...this.#deps,
      alert: `gpio-${what}-failing`,
      open: async (onLost) => {
        const lines = linesOf(onLost);
        await lines.start();
        return lines;
      },
      standing: `GPIO ${what} is held`,
      failing: `its GPIO ${what} cannot be used`,
    });
    this.#links.push(link);
    return link;
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

function nodeOf(chip: string): string {
  return chip.startsWith('/') ? chip : `/dev/${chip}`;
}
