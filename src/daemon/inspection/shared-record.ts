/** The record that all inspecting cameras write: what is done when it opens, which of its verdicts are published, and its alerts. */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { toTimestamp } from '../../contract/common.js';
import type { CameraEvent, VerdictMessage } from '../../contract/messages.js';
import type { NewVerdict, RecordCalls, RecordedTrigger, StoredRecipe, StoredVerdict } from '../../record/protocol.js';
import { VerdictRecord } from '../../record/record.js';
import type { StatusBoard } from '../../status/board.js';
import type { EventIdentity } from '../../status/feed.js';
import { identityOf } from './verdict-message.js';

const ALERT = 'record-failing';
const DAMAGED_ALERT = 'record-damaged';

export interface SharedRecordDeps {
  readonly file: string;
  readonly maxVerdicts: number;
  readonly status: Pick<StatusBoard, 'setAlert' | 'clearAlert'>;
  readonly publishEvent: (camera: string, event: CameraEvent, identity?: EventIdentity) => void;
  readonly log: Logger;
}

export class SharedRecord {
  readonly #deps: SharedRecordDeps;
  #record: VerdictRecord | undefined;
  /** Newest verdict whose event was handed over; older than one round of `mark`. */
  #handedOver = 0;
  #settled = 0;
  #failing = false;

  constructor(deps: SharedRecordDeps) {
    this.#deps = deps;
  }

  get isOpen(): boolean {
    return this.#record !== undefined;
  }

  /**
   * Opens the record, decides what an earlier run left undecided, and publishes what may not have been published. Errors:
   * OUTPUT_UNWRITABLE.
   */
  async open(): Promise<void> {
    if (this.#record) return;
    const { file, maxVerdicts, status, log } = this.#deps;
    const record = await VerdictRecord.open({ file, maxVerdicts }, (aside) => {
      const message = `${file} was damaged and is kept as ${aside}; a new record was begun, numbered on as far as the old one could be read`;
      log.error(message);
      status.setAlert(DAMAGED_ALERT, { severity: 'critical', message: message.slice(0, 1000) });
    });
    this.#record = record;
    for (const trigger of await record.call('pending', null)) {
      const recipe = await record.call('recipe', { camera: trigger.camera });
      await record.call('decide', interrupted(trigger, recipe));
    }
    for (const verdict of await record.call('unpublished', null)) this.publish(verdict, verdict.seq);
  }

  /** Once it is open. Errors: those of the call. */
  call<K extends keyof RecordCalls>(name: K, ask: RecordCalls[K]['ask']): Promise<RecordCalls[K]['answer']> {
    return this.#record!.call(name, ask);
  }

  /** `seq`: of the verdict on the record, where it could be written. */
  publish({ camera, ts, eventId, verdict }: Omit<StoredVerdict, 'seq' | 'hash'>, seq: number | undefined): void {
    this.#deps.publishEvent(camera, { type: 'verdict', ...verdict }, { eventId, ts });
    if (seq !== undefined) this.#handedOver = Math.max(this.#handedOver, seq);
  }

  /** Marks as published what was handed over before the last call: it has reached the spool's disk long since. */
  mark(): void {
    const upTo = this.#settled;
    this.#settled = this.#handedOver;
    if (upTo > 0) this.#record?.call('published', { upTo }).catch(() => undefined);
  }

  /** Alerts that the record cannot be written, or (undefined) that it can be again. */
  tell(problem: string | undefined): void {
    const { status } = this.#deps;
    if (problem !== undefined) {
      status.setAlert(ALERT, { severity: 'critical', message: `verdicts cannot be recorded: ${problem}`.slice(0, 1000) });
    } else if (this.#failing) status.clearAlert(ALERT);
    this.#failing = problem !== undefined;
  }

  async close(): Promise<void> {
    await this.#record?.close();
  }
}

function interrupted({ inspection, camera, trigger, type, part, meas, atMs }: RecordedTrigger, active: StoredRecipe | null): NewVerdict {
  const verdict: VerdictMessage = {
    inspection,
    verdict: 'UNSURE',
    reasons: ['INTERRUPTED'],
    ...(part === undefined ? {} : { part }),
    ...(meas === undefined ? {} : { meas }),
    trigger: { id: trigger, type, at: toTimestamp(atMs) },
    recipe: active ? identityOf(active) : null,
    model: null,
    frame: null,
    checks: [],
    latencyMs: { acquire: 0, measure: 0, decide: 0, total: 0 },
    recorded: true,
  };
  return { camera, ts: toTimestamp(Date.now()), eventId: randomUUID(), verdict };
}
