/** The inspection of one camera: triggers in, frames in, one verdict for each trigger out. */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { toTimestamp } from '../../contract/common.js';
import type {
  InspectionCode,
  InspectionMessage,
  LessonData,
  RecipeIdentity,
  TriggerData,
  Verdict,
  VerdictMessage,
} from '../../contract/messages.js';
import type { Frame } from '../../domain/frame.js';
import type { FrameResult } from '../../domain/result.js';
import { FastsamError, messageOf } from '../../errors.js';
import type { LoadedCalibration } from '../../inspect/calibration-file.js';
import { combine } from '../../inspect/combine.js';
import { Crossing } from '../../inspect/crossing.js';
import { inspectFrame, outlinesOf } from '../../inspect/inspect.js';
import type { Judgement } from '../../inspect/judge.js';
import { type OnlyObject, objectsOf } from '../../inspect/scene.js';
import type { Taught } from '../../inspect/taught.js';
import type { ResultSink } from '../../pipeline/sinks.js';
import type { NewTrigger, RecordedTrigger, StoredRecipe, StoredVerdict } from '../../record/protocol.js';
import type { VerdictRecord } from '../../record/record.js';
import type { CameraEvidence, Shot } from './evidence.js';
import { InspectionState } from './inspection-state.js';
import { type Occasion, type Rules, unjudged, verdictMessage } from './verdict-message.js';

export interface InspectorDeps {
  readonly camera: string;
  readonly record: Pick<VerdictRecord, 'call'>;
  /** Millimetres per pixel. */
  readonly scale?: number | undefined;
  /** In place of the scale. */
  readonly calibration?: LoadedCalibration | undefined;
  /** Keeps pictures of verdicts; none are kept when absent. */
  readonly evidence?: CameraEvidence | undefined;
  /** Is told first, before the record and the event. */
  readonly output?: InspectionOutput | undefined;
  /** The verdict is on the disk, or could not be written there. */
  readonly onVerdict: (verdict: Omit<StoredVerdict, 'seq' | 'hash'>, seq: number | undefined) => void;
  readonly onState: (message: InspectionMessage) => void;
  /** The record cannot be written, or can be again (undefined). */
  readonly onRecord: (problem: string | undefined) => void;
  /** Whether frames come. */
  readonly streaming: () => boolean;
  /** A smaller model or a lower rate is in force: nothing it sees may decide. */
  readonly degraded: () => boolean;
  readonly log: Logger;
}

/** Field outputs of one camera. */
export interface InspectionOutput {
  /** `recipe`: number of the active one; 0 where it has none. */
  setState(message: InspectionMessage, recipe: number): void;
  /** Never throws. */
  show(verdict: VerdictMessage): void;
}

interface Waiting {
  readonly trigger: RecordedTrigger;
  /** CLOCK_MONOTONIC of the request. */
  readonly atNs: bigint;
  readonly decided: Promise<VerdictMessage>;
  readonly resolve: (verdict: VerdictMessage) => void;
  readonly timer: NodeJS.Timeout;
}

/** A part in one of the frames in which it was near the line. */
interface Seen extends Judged {
  readonly result: FrameResult;
  /** The part's own hold of the frame; undefined where no pictures are kept. */
  readonly shot: Shot | undefined;
}

interface Judged {
  readonly judgement: Judgement;
  readonly outlines: Shot['outlines'];
  readonly measureMs: number;
  readonly decideMs: number;
}

export class Inspector implements ResultSink {
  readonly #deps: InspectorDeps;
  readonly #told: InspectionState;
  #active: Rules | undefined;
  /** The frame under way. */
  #taking: Promise<unknown> = Promise.resolve();
  #waiting: Waiting[] = [];
  /** Verdicts to come, by inspection: of triggers that wait, and of those that are being recorded. */
  readonly #undecided = new Map<number, Promise<VerdictMessage>>();
  #closed = false;
  /** Continuous: what was said last, and what the newest frames agree on. */
  #said: { readonly verdict: Verdict; readonly atMs: number } | undefined;
  #agreeing: { readonly verdict: Verdict; readonly frames: number } | undefined;
  #crossing: Crossing<Seen> | undefined;

  constructor(deps: InspectorDeps) {
    this.#deps = deps;
    this.#told = new InspectionState(deps.camera);
  }

  get identity(): RecipeIdentity | null {
    return this.#told.identity;
  }

  /** Whether there are verdicts, or another recipe, since the statistics were last asked for. */
  get statisticsDue(): boolean {
    return this.#told.statisticsDue;
  }

  /** Tells of statistics that were made under the recipe of this identity. */
  setStatistics(of: RecipeIdentity | null, statistics: NonNullable<InspectionMessage['statistics']>): void {
    if (!this.#closed && this.#told.keepStatistics(of, statistics)) this.#tell();
  }

  /** Tells that somebody teaches this camera, or does no more. */
  setTeaching(lesson: LessonData | undefined): void {
    this.#told.teaching = lesson;
    if (!this.#closed) this.#tell();
  }

  /**
   * Judges by this recipe from the next frame on, and counts from 0. The caller disposes of what was taught, once it is not in force any
   * more and the frame under way is judged.
   */
  activate(recipe: StoredRecipe, taught?: Taught): void {
    this.#active = { stored: recipe, taught };
    this.#told.activate(recipe);
    this.#said = undefined;
    this.#agreeing = undefined;
    const { trigger } = recipe.recipe;
    this.#crossing?.close();
    this.#crossing = trigger.type === 'crossing' ? new Crossing(trigger, release) : undefined;
    this.#tell();
  }

  /**
   * Resolves once the trigger is on the disk; with `wait`, once it is decided. The same name again gets the same inspection.
   * Errors: REQUEST_INVALID without an active recipe that waits for requests, OUTPUT_UNWRITABLE when the record cannot be written.
   */
  async trigger(request: {
    readonly name: string | undefined;
    part?: string | undefined;
    meas?: string | undefined;
    wait: boolean;
    type?: 'mqtt' | 'modbus' | 'gpio';
    /** CLOCK_MONOTONIC of what triggered; now when absent. */
    atNs?: bigint;
  }): Promise<TriggerData> {
    const now = process.hrtime.bigint();
    const { atNs = now } = request;
    const recipe = this.#active?.stored.recipe;
    const { camera, record } = this.#deps;
    if (!recipe) throw new FastsamError('REQUEST_INVALID', `camera "${camera}" has no active recipe; expected one by recipe/activate`);
    if (recipe.trigger.type !== 'mqtt') {
      const message = `the recipe "${recipe.recipe}" takes no requests (trigger: ${recipe.trigger.type}); expected trigger: {type: mqtt}`;
      throw new FastsamError('REQUEST_INVALID', message);
    }
    const { name = randomUUID(), part, meas, wait, type = 'mqtt' } = request;
    const accepted = await this.#recording(
      record.call('accept', { camera, trigger: name, type, part, meas, atMs: Date.now() - Number(now - atNs) / 1e6 }),
    );
    const { inspection } = accepted.trigger;
    if (accepted.verdict) return { inspection, verdict: accepted.verdict };
    let decided = this.#undecided.get(inspection);
    if (!accepted.known) {
      this.#told.countTrigger();
      const { queue, timeoutMs } = recipe.trigger;
      if (this.#closed || this.#waiting.length >= queue) {
        this.#told.countMissed();
        const code = this.#closed ? 'INTERRUPTED' : 'MISSED_TRIGGER';
        const verdict = await this.#decide(unjudged(code), { trigger: accepted.trigger, atNs }, inspection);
        return { inspection, verdict };
      }
      decided = this.#enqueue(accepted.trigger, atNs, timeoutMs);
    }
    return wait && decided ? { inspection, verdict: await decided } : { inspection };
  }

  /** Gives a trigger that waits up: UNSURE, CANCELLED. Errors: REQUEST_INVALID for one that does not wait (any more). */
  async cancel(name: string): Promise<TriggerData> {
    const waiting = this.#waiting.find(({ trigger }) => trigger.trigger === name);
    if (!waiting) throw new FastsamError('REQUEST_INVALID', `no trigger "${name}" waits; read/verdicts has those that are decided`);
    this.#waiting = this.#waiting.filter((each) => each !== waiting);
    await this.#giveUp(waiting, 'CANCELLED');
    return { inspection: waiting.trigger.inspection, verdict: await waiting.decided };
  }

  take(result: FrameResult, frame: Frame): Promise<void> {
    const taking = this.#take(result, frame);
    this.#taking = taking.catch(() => undefined);
    return taking;
  }

  /** Resolves once the frame under way is judged. */
  async settled(): Promise<void> {
    await this.#taking;
  }

  async #take(result: FrameResult, frame: Frame): Promise<void> {
    const rules = this.#active;
    if (!rules || this.#closed) return;
    const { recipe } = rules.stored;
    const capturedNs = result.captured.monotonicNs;
    const due = this.#waiting.filter(({ atNs }) => atNs <= capturedNs);
    const { type } = recipe.trigger;
    if (type === 'crossing') {
      await this.#takeCrossing(rules, result, frame);
      return;
    }
    if (type === 'mqtt' && due.length === 0) return;
    this.#waiting = this.#waiting.filter((each) => !due.includes(each));
    const { judgement, outlines, measureMs, decideMs } = await this.#judge(rules, result, frame);
    const spent = { result, measureMs, decideMs, shot: { frame, outlines }, rules };
    for (const { trigger, atNs, timer, resolve } of due) {
      clearTimeout(timer);
      resolve(await this.#decide(judgement, { ...spent, trigger, atNs }, trigger.inspection));
    }
    if (type === 'mqtt' || (type === 'continuous' && !this.#isNews(recipe.trigger, judgement.verdict))) return;
    const part = type === 'frame' ? result.file?.name?.slice(0, 100) : undefined;
    const trigger: NewTrigger = { camera: this.#deps.camera, trigger: randomUUID(), type, part, atMs: result.captured.wallMs };
    this.#told.countTrigger();
    await this.#decide(judgement, { ...spent, trigger, atNs: capturedNs });
  }

  /** One verdict for each part that has crossed the line with this frame. */
  async #takeCrossing(rules: Rules, result: FrameResult, frame: Frame): Promise<void> {
    const { segments, tracks, captured } = result;
    const { recipe } = rules.stored;
    const crossing = this.#crossing;
    if (!crossing || !tracks || recipe.trigger.type !== 'crossing') return;
    const set = recipe.trigger.of;
    const { unseen } = crossing;
    for (const { index, keep } of crossing.measure(segments, tracks, new Set(objectsOf(recipe, set, result)))) {
      const judged = await this.#judge(rules, result, frame, { set, index });
      keep({ ...judged, result, shot: this.#deps.evidence && { frame: frame.retain(), outlines: judged.outlines } });
    }
    if (crossing.unseen > unseen) this.#tell();
    for (const { track, kept, lost } of crossing.passed(segments, tracks)) {
      const [nearest] = kept;
      const judgement = nearest && !lost ? combine(kept.map((each) => each.judgement)) : unjudged(lost ? 'TRACK_LOST' : 'NO_PART');
      const trigger: NewTrigger = { camera: this.#deps.camera, trigger: randomUUID(), type: 'crossing', atMs: captured.wallMs };
      const { measureMs = 0, decideMs = 0 } = nearest ?? {};
      this.#told.countTrigger();
      await this.#decide(judgement, {
        trigger,
        atNs: captured.monotonicNs,
        result: nearest?.result ?? result,
        measureMs,
        decideMs,
        track,
        frames: kept.length,
        shot: nearest?.shot,
        rules,
      });
      kept.forEach(release);
    }
  }

  /** Triggers that wait are decided: INTERRUPTED. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#crossing?.close();
    for (const waiting of this.#waiting.splice(0)) await this.#giveUp(waiting, 'INTERRUPTED');
    this.#tell();
  }

  #enqueue(trigger: RecordedTrigger, atNs: bigint, timeoutMs: number): Promise<VerdictMessage> {
    let resolve: (verdict: VerdictMessage) => void = () => undefined;
    const decided = new Promise<VerdictMessage>((settle) => {
      resolve = settle;
    });
    const elapsedMs = Number(process.hrtime.bigint() - atNs) / 1e6;
    const timer = setTimeout(
      () => {
        this.#waiting = this.#waiting.filter((each) => each !== waiting);
        void this.#giveUp(waiting, this.#deps.streaming() ? 'TIMEOUT' : 'SOURCE_LOST');
      },
      Math.max(1, timeoutMs - elapsedMs),
    );
    const waiting: Waiting = { trigger, atNs, decided, resolve, timer };
    this.#waiting.push(waiting);
    this.#undecided.set(trigger.inspection, decided);
    void decided.then(() => this.#undecided.delete(trigger.inspection));
    this.#tell();
    return decided;
  }

  async #giveUp({ trigger, atNs, timer, resolve }: Waiting, code: InspectionCode): Promise<void> {
    clearTimeout(timer);
    resolve(await this.#decide(unjudged(code), { trigger, atNs }, trigger.inspection));
  }

  /** A frame that cannot be measured is UNSURE, and never stops the camera. */
  async #judge({ stored: { recipe }, taught }: Rules, result: FrameResult, frame: Frame, only?: OnlyObject): Promise<Judged> {
    const { scale, calibration, degraded, camera, evidence, log } = this.#deps;
    try {
      const inspected = await inspectFrame(recipe, frame, result, {
        ...{ scale, calibration: calibration?.calibration, taught, only },
        // Pictures show all outlines.
        checksOnly: !evidence,
      });
      const { verdict, reasons, checks, measureMs, decideMs } = inspected;
      const judgement: Judgement = degraded()
        ? { verdict: 'UNSURE', reasons: [...reasons, 'DEGRADED'], checks }
        : { verdict, reasons, checks };
      return { judgement, outlines: evidence ? outlinesOf(recipe, inspected) : [], measureMs, decideMs };
    } catch (error) {
      log.error({ err: error, camera }, `camera ${camera}: a part could not be measured`);
      return { judgement: unjudged('FAILED'), outlines: [], measureMs: 0, decideMs: 0 };
    }
  }

  /**
   * Records the verdict and tells of it. Never rejects. `inspection`: of an accepted trigger; without it one is taken. `shot`: what the
   * pictures are made of; without it there are none. Rules: those in force, where the occasion has none.
   */
  async #decide(
    judgement: Judgement,
    occasion: Occasion & { readonly shot?: Shot | undefined },
    inspection?: number,
  ): Promise<VerdictMessage> {
    const { trigger, shot, rules = this.#active } = occasion;
    const { camera, record, evidence, calibration, output, log } = this.#deps;
    const decidedNs = process.hrtime.bigint();
    const eventId = randomUUID();
    const nowMs = Date.now();
    const pictures = shot && evidence?.nameFor(judgement.verdict, eventId, nowMs);
    const message = verdictMessage(judgement, { ...occasion, rules }, { decidedNs, inspection, calibration, pictures });
    // A PLC waits; the disk may take long. Verdicts that the record has yet to number are shown once it has.
    if (inspection !== undefined) output?.show(message);
    const fresh = { camera, eventId, ts: toTimestamp(nowMs), verdict: message };
    let said: Omit<StoredVerdict, 'seq' | 'hash'> = fresh;
    let seq: number | undefined;
    try {
      const stored = await this.#recording(
        inspection === undefined ? record.call('acceptAndDecide', { trigger, verdict: fresh }) : record.call('decide', fresh),
      );
      said = stored;
      seq = stored.seq;
      if (pictures !== undefined) evidence?.keep(stored, shot!);
    } catch (error) {
      log.error({ camera, reason: messageOf(error) }, `camera ${camera}: a verdict could not be recorded`);
      const { evidence: _unkept, ...unrecorded } = message;
      said = { ...fresh, verdict: { ...unrecorded, recorded: false } };
    }
    if (inspection === undefined) output?.show(said.verdict);
    this.#told.countVerdict(said);
    this.#deps.onVerdict(said, seq);
    this.#tell();
    return said.verdict;
  }

  /** Continuous: a verdict that held for `settle` frames and differs from the last one, or the time has come. */
  #isNews({ everyMs, settle }: { readonly everyMs: number; readonly settle: number }, verdict: Verdict): boolean {
    const frames = this.#agreeing?.verdict === verdict ? this.#agreeing.frames + 1 : 1;
    this.#agreeing = { verdict, frames };
    const now = performance.now();
    const isNews = frames >= settle && (this.#said?.verdict !== verdict || now - this.#said.atMs >= everyMs);
    if (isNews) this.#said = { verdict, atMs: now };
    return isNews;
  }

  async #recording<T>(call: Promise<T>): Promise<T> {
    try {
      const answer = await call;
      this.#deps.onRecord(undefined);
      return answer;
    } catch (error) {
      this.#deps.onRecord(messageOf(error));
      throw error;
    }
  }

  #tell(): void {
    const message = this.#told.message({
      isClosed: this.#closed,
      isWaiting: this.#waiting.length > 0,
      unseen: this.#crossing?.unseen,
    });
    this.#deps.output?.setState(message, this.#active?.stored.recipe.number ?? 0);
    this.#deps.onState(message);
  }
}

function release({ shot }: Seen): void {
  shot?.frame[Symbol.dispose]();
}
