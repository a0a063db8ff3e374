/**
 * What a PLC sees of one inspecting camera, and the handshake by which it triggers parts and takes results: bits and registers after those
 * of Cognex In-Sight. Plain state; nothing here knows of a network. docs/inspection.md has the map.
 */
import type { InspectionCode, InspectionMessage, Verdict, VerdictMessage } from '../contract/inspection.js';

/** Addresses of the discrete inputs. */
export const INPUT = {
  online: 0,
  triggerReady: 1,
  triggerAck: 2,
  missedAcq: 3,
  inspecting: 4,
  resultsValid: 5,
  bufferOverrun: 6,
  ok: 7,
  nok: 8,
  unsure: 9,
  error: 10,
  heartbeat: 11,
  recipeAck: 12,
} as const;
export const INPUTS = 16;

/** Addresses of the coils. */
export const COIL = { triggerEnable: 0, trigger: 1, resultsAck: 2, clearError: 3, recipeLoad: 4 } as const;
export const COILS = 5;

/** Holding registers: the part, 32 ASCII characters, two in each, the first one in the high byte. */
export const PART_REGISTERS = 16;
/** The one behind them: the number of the recipe to load. */
export const RECIPE_REGISTER = 16;

/** Addresses of the input registers; numbers of 32 bits have their high half first. */
export const REGISTER = { acquisition: 0, inspection: 2, verdict: 4, revision: 5, code: 7, checks: 8, recipe: 9, values: 10 } as const;
/** Check values that fit beside the rest into one read of 125 registers. */
const MOST_VALUES = 57;
export const INPUT_REGISTERS = REGISTER.values + 2 * MOST_VALUES;

/** Results that wait until the PLC has taken the ones before. */
const BUFFERED = 8;
const HEARTBEAT_MS = 500;

const VERDICT_NUMBERS: Readonly<Record<Verdict, number>> = { OK: 1, NOK: 2, UNSURE: 3 };

/** Never renumbered: programs of PLCs know them. */
export const CODE_NUMBERS: Readonly<Record<InspectionCode, number>> = {
  BELOW: 1,
  ABOVE: 2,
  COUNT: 3,
  ABSENT: 4,
  PRESENT: 5,
  OUT_OF_POSITION: 6,
  NO_PART: 7,
  WITHIN_UNCERTAINTY: 20,
  EDGE_WEAK: 21,
  EDGE_OFF_MASK: 22,
  TOUCHES_FRAME: 23,
  AMBIGUOUS: 24,
  UNDEFINED: 25,
  TEXT_PENDING: 26,
  CALIBRATION_MISSING: 27,
  TEACH_MISSING: 28,
  DEGRADED: 40,
  MISSED_TRIGGER: 41,
  SOURCE_LOST: 42,
  TRACK_LOST: 43,
  TIMEOUT: 44,
  CANCELLED: 45,
  INTERRUPTED: 46,
  FAILED: 47,
};

export interface PlcPortDeps {
  /** Resolves with the number of the inspection, once the trigger is on the disk. */
  readonly trigger: (part: string | undefined) => Promise<number>;
  /** Resolves once the recipe of this number is in force. Rejects where the PLC may not load it, or there is none. */
  readonly loadRecipe: (number: number) => Promise<void>;
}

type State = Pick<InspectionMessage, 'state' | 'trigger'>;

export class PlcPort {
  readonly #deps: PlcPortDeps;
  readonly #coils = new Array<boolean>(COILS).fill(false);
  readonly #holding = new Uint16Array(PART_REGISTERS + 1);
  #state: State = { state: 'not-ready', trigger: null };
  /** The first is the one that is shown. */
  #results: VerdictMessage[] = [];
  #accepting = false;
  #acknowledged = false;
  #loading = false;
  #loaded = false;
  #missed = false;
  #overrun = false;
  #failed = false;
  #acquisition = 0;
  #recipe = 0;
  /** Replaced, never written to: what is read is of one result. */
  #registers: Uint16Array;

  constructor(deps: PlcPortDeps) {
    this.#deps = deps;
    this.#registers = registersOf(undefined, 0, 0);
  }

  /** `recipe`: number of the active one; 0 where it has none. */
  setState({ state, trigger }: State, recipe = 0): void {
    this.#state = { state, trigger };
    if (recipe === this.#recipe) return;
    this.#recipe = recipe;
    this.#refresh();
  }

  /** Behind the results that the PLC has not taken; one too many is lost, and the PLC is told. */
  show(result: VerdictMessage): void {
    if (this.#results.length >= BUFFERED) {
      this.#overrun = true;
      return;
    }
    this.#results.push(result);
    if (this.#results.length === 1) this.#refresh();
  }

  inputs(): readonly boolean[] {
    const result = this.#shown;
    const bits = new Array<boolean>(INPUTS).fill(false);
    bits[INPUT.online] = this.#online;
    bits[INPUT.triggerReady] = this.#ready;
    bits[INPUT.triggerAck] = this.#acknowledged;
    bits[INPUT.missedAcq] = this.#missed;
    bits[INPUT.inspecting] = this.#state.state === 'inspecting';
    bits[INPUT.resultsValid] = result !== undefined;
    bits[INPUT.bufferOverrun] = this.#overrun;
    bits[INPUT.ok] = result?.verdict === 'OK';
    bits[INPUT.nok] = result?.verdict === 'NOK';
    bits[INPUT.unsure] = result?.verdict === 'UNSURE';
    bits[INPUT.error] = this.#failed;
    bits[INPUT.recipeAck] = this.#loaded;
    bits[INPUT.heartbeat] = Math.floor(performance.now() / HEARTBEAT_MS) % 2 === 1;
    return bits;
  }

  inputRegisters(): Uint16Array {
    return this.#registers;
  }

  coils(): readonly boolean[] {
    return this.#coils;
  }

  holdingRegisters(): Uint16Array {
    return this.#holding;
  }

  setHolding(address: number, values: readonly number[]): void {
    this.#holding.set(values, address);
  }

  setCoil(address: number, on: boolean): void {
    const rises = on && !this.#coils[address];
    this.#coils[address] = on;
    if (address === COIL.trigger) {
      if (rises) this.#trigger();
      if (!on) this.#acknowledged = false;
    } else if (address === COIL.resultsAck) {
      // The next result is shown once the PLC has taken back its acknowledgement, so that none passes unseen.
      if (rises) this.#results.shift();
      this.#refresh();
    } else if (address === COIL.recipeLoad) {
      if (rises) this.#loadRecipe();
      if (!on) this.#loaded = false;
    } else if (address === COIL.clearError && rises) {
      this.#missed = false;
      this.#overrun = false;
      this.#failed = false;
    }
  }

  get #online(): boolean {
    return this.#state.state === 'ready' || this.#state.state === 'inspecting';
  }

  get #ready(): boolean {
    return this.#online && this.#state.trigger === 'mqtt' && this.#coils[COIL.triggerEnable]! && !this.#accepting && !this.#loading;
  }

  get #shown(): VerdictMessage | undefined {
    return this.#coils[COIL.resultsAck] ? undefined : this.#results[0];
  }

  #refresh(): void {
    this.#registers = registersOf(this.#shown, this.#acquisition, this.#recipe);
  }

  #trigger(): void {
    if (!this.#ready) {
      this.#missed = true;
      return;
    }
    const part = partOf(this.#holding.subarray(0, PART_REGISTERS));
    if (part === null) {
      this.#failed = true;
      return;
    }
    this.#accepting = true;
    this.#deps
      .trigger(part)
      .then(
        (inspection) => {
          this.#acquisition = inspection;
          this.#acknowledged = this.#coils[COIL.trigger]!;
          this.#refresh();
        },
        () => {
          this.#failed = true;
        },
      )
      .finally(() => {
        this.#accepting = false;
      });
  }

  /** Not while parts wait: they belong to the recipe under which they were triggered. */
  #loadRecipe(): void {
    if (this.#loading || this.#accepting || this.#state.state === 'inspecting') {
      this.#failed = true;
      return;
    }
    this.#loading = true;
    this.#deps
      .loadRecipe(this.#holding[RECIPE_REGISTER]!)
      .then(
        () => {
          this.#loaded = this.#coils[COIL.recipeLoad]!;
        },
        () => {
          this.#failed = true;
        },
      )
      .finally(() => {
        this.#loading = false;
      });
  }
}

function registersOf(result: VerdictMessage | undefined, acquisition: number, recipe: number): Uint16Array {
  const bytes = new DataView(new ArrayBuffer(2 * INPUT_REGISTERS));
  bytes.setUint32(2 * REGISTER.acquisition, acquisition);
  bytes.setUint16(2 * REGISTER.recipe, recipe);
  const checks = (result?.checks ?? []).slice(0, MOST_VALUES);
  if (result) {
    bytes.setUint32(2 * REGISTER.inspection, result.inspection);
    bytes.setUint16(2 * REGISTER.verdict, VERDICT_NUMBERS[result.verdict]);
    bytes.setUint32(2 * REGISTER.revision, result.recipe?.revision ?? 0);
    const [reason] = result.reasons;
    bytes.setUint16(2 * REGISTER.code, reason === undefined ? 0 : CODE_NUMBERS[reason]);
    bytes.setUint16(2 * REGISTER.checks, checks.length);
  }
  for (let k = 0; k < MOST_VALUES; k += 1) bytes.setFloat32(2 * (REGISTER.values + 2 * k), checks[k]?.value ?? Number.NaN);
  return Uint16Array.from({ length: INPUT_REGISTERS }, (_, k) => bytes.getUint16(2 * k));
}

/** Up to the first NUL, without spaces around it; undefined when empty, null for what is not printable ASCII. */
function partOf(registers: Uint16Array): string | undefined | null {
  const text = String.fromCharCode(...Array.from(registers).flatMap((word) => [word >> 8, word & 0xff]));
  const part = text.split('\0', 1)[0]!.trim();
  if (part === '') return undefined;
  return /^[\x20-\x7e]+$/.test(part) ? part : null;
}
