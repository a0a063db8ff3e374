/** What output lines say of an inspecting camera: pulses for verdicts, and whether a part waits for its frame. Nothing here knows of a chip. */
import type { InspectionMessage, VerdictMessage } from '../contract/inspection.js';

/** Bits of the lines. */
export const OUTPUT_BIT = { ok: 1, nok: 2, busy: 4 } as const;

/** Between two pulses, where the second verdict comes during the first pulse: long enough for a PLC's input. */
const GAP_MS = 5;

export interface GpioPortDeps {
  readonly pulseMs: number;
  readonly set: (bits: number) => void;
}

export class GpioPort {
  readonly #deps: GpioPortDeps;
  #busy = false;
  #pulse = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: GpioPortDeps) {
    this.#deps = deps;
  }

  setState({ state }: Pick<InspectionMessage, 'state'>): void {
    const isBusy = state === 'inspecting';
    if (isBusy === this.#busy) return;
    this.#busy = isBusy;
    this.#write();
  }

  /** UNSURE is not OK. */
  show({ verdict }: Pick<VerdictMessage, 'verdict'>): void {
    const pulse = verdict === 'OK' ? OUTPUT_BIT.ok : OUTPUT_BIT.nok;
    clearTimeout(this.#timer);
    if (this.#pulse === 0) {
      this.#begin(pulse);
      return;
    }
    this.#pulse = 0;
    this.#write();
    this.#timer = setTimeout(() => this.#begin(pulse), GAP_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#pulse = 0;
    this.#busy = false;
    this.#write();
  }

  #begin(pulse: number): void {
    this.#pulse = pulse;
    this.#write();
    this.#timer = setTimeout(() => {
      this.#pulse = 0;
      this.#write();
    }, this.#deps.pulseMs);
  }

  #write(): void {
    this.#deps.set(this.#pulse | (this.#busy ? OUTPUT_BIT.busy : 0));
  }
}
