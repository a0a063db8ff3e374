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

/** What a verdict is about, beside its judgement. */
interface Occasion {
  readonly trigger: NewTrigger;
  readonly atNs: bigint;
  readonly result?: FrameResult | undefined;
  readonly measureMs?: number;
  readonly decideMs?: number;
  /** Of a part that crossed a line: its track, and the frames of which the median decided. */
  readonly track?: number;
  readonly frames?: number;
  /** What the pictures are made of; without it there are none. */
  readonly shot?: Shot | undefined;
  /** What judged the frame; what is in force when absent. */
  readonly rules?: Rules | undefined;
}

/** What parts are judged by. */
interface Rules {
  readonly stored: StoredRecipe;
  /** What good parts taught. */
  readonly taught: Taught | undefined;
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

const NO_COUNTS = { triggers: 0, ok: 0, nok: 0, unsure: 0, missed: 0 };

export class Inspector implements ResultSink {
  readonly #deps: InspectorDeps;
  #active: Rules | undefined;
  /** The frame under way. */
  #taking: Promise<unknown> = Promise.resolve();
  #teaching: LessonData | undefined;
  #waiting: Waiting[] = [];
  /** Verdicts to come, by inspection: of triggers that wait, and of those that are being recorded. */
  readonly #undecided = new Map<number, Promise<VerdictMessage>>();
  #counts = { ...NO_COUNTS };
  #last: InspectionMessage['last'] = null;
  #statistics: InspectionMessage['statistics'];
  /** Verdicts when the statistics were last asked for. */
  #statisticsAt = 0;
  #since = Date.now();
  #state: InspectionMessage['state'] | undefined;
  #closed = false;
  /** Continuous: what was said last, and what the newest frames agree on. */
  #said: { readonly verdict: Verdict; readonly atMs: number } | undefined;
  #agreeing: { readonly verdict: Verdict; readonly frames: number } | undefined;
  #crossing: Crossing<Seen> | undefined;

  constructor(deps: InspectorDeps) {
    this.#deps = deps;
  }

  get identity(): RecipeIdentity | null {
    return this.#active ? identityOf(this.#active.stored) : null;
  }

  /** Whether there are verdicts, or another recipe, since the statistics were last asked for. */
  get statisticsDue(): boolean {
    return this.#active !== undefined && this.#decided !== this.#statisticsAt;
  }

  /** Tells of statistics that were made under the recipe of this identity. */
  setStatistics(of: RecipeIdentity | null, statistics: NonNullable<InspectionMessage['statistics']>): void {
    const { identity } = this;
    if (this.#closed || !identity || of?.sha256 !== identity.sha256 || of.revision !== identity.revision) return;
    this.#statisticsAt = this.#decided;
    this.#statistics = statistics;
    this.#tell();
  }

  get #decided(): number {
    const { ok, nok, unsure } = this.#counts;
    return ok + nok + unsure;
  }

  /** Tells that somebody teaches this camera, or does no more. */
  setTeaching(lesson: LessonData | undefined): void {
    this.#teaching = lesson;
    if (!this.#closed) this.#tell();
  }

  /**
   * Judges by this recipe from the next frame on, and counts from 0. The caller disposes of what was taught, once it is not in force any
   * more and the frame under way is judged.
   */
  activate(recipe: StoredRecipe, taught?: Taught): void {
    this.#active = { stored: recipe, taught };
    this.#counts = { ...NO_COUNTS };
    this.#statistics = undefined;
    this.#statisticsAt = -1;
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
      this.#counts.triggers += 1;
      const { queue, timeoutMs } = recipe.trigger;
      if (this.#closed || this.#waiting.length >= queue) {
        this.#counts.missed += 1;
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
    this.#counts.triggers += 1;
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
      this.#counts.triggers += 1;
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

  /** Records the verdict and tells of it. `inspection`: of an accepted trigger; without it one is taken. Never rejects. */
  async #decide({ verdict, reasons, checks }: Judgement, occasion: Occasion, inspection?: number): Promise<VerdictMessage> {
    const { trigger, atNs, result, measureMs = 0, decideMs = 0, track, frames, shot, rules = this.#active } = occasion;
    const { camera, record, evidence, calibration, output, log } = this.#deps;
    const { stored: active, taught } = rules ?? {};
    const totalMs = Number(process.hrtime.bigint() - atNs) / 1e6;
    const { part, meas } = trigger;
    const product = active?.recipe.product;
    const identity = { eventId: randomUUID(), ts: toTimestamp(Date.now()) };
    const pictures = shot && evidence?.nameFor(verdict, identity.eventId, Date.parse(identity.ts));
    const message: VerdictMessage = {
      inspection: inspection ?? 0,
      verdict,
      reasons: [...reasons],
      ...(part === undefined ? {} : { part }),
      ...(meas === undefined ? {} : { meas }),
      ...(product === undefined ? {} : { product }),
      ...(track === undefined ? {} : { track, frames }),
      trigger: { id: trigger.trigger, type: trigger.type, at: toTimestamp(trigger.atMs) },
      recipe: active ? identityOf(active) : null,
      ...(calibration ? { calibration: { by: calibration.calibration.by, sha256: calibration.sha256 } } : {}),
      ...(taught ? { taught: { sha256: taught.sha256 } } : {}),
      model: result ? { name: result.model.name, backend: result.model.backend } : null,
      frame: result
        ? {
            width: result.segments.width,
            height: result.segments.height,
            capturedAt: toTimestamp(result.captured.wallMs),
            seq: result.sequence,
            ...(result.file ? { source: result.file.name } : {}),
          }
        : null,
      checks: [...checks],
      latencyMs: {
        acquire: rounded(Math.max(0, totalMs - measureMs - decideMs)),
        measure: rounded(measureMs),
        decide: rounded(decideMs),
        total: rounded(Math.max(0, totalMs)),
      },
      ...(pictures === undefined ? {} : { evidence: pictures }),
      recorded: true,
    };
    // A PLC waits; the disk may take long. Verdicts that the record has yet to number are shown once it has.
    if (inspection !== undefined) output?.show(message);
    const fresh = { camera, ...identity, verdict: message };
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
    this.#count(said);
    this.#deps.onVerdict(said, seq);
    this.#tell();
    return said.verdict;
  }

  #count({ ts, verdict: { inspection, verdict, part } }: Pick<StoredVerdict, 'ts' | 'verdict'>): void {
    const key = verdict === 'OK' ? 'ok' : verdict === 'NOK' ? 'nok' : 'unsure';
    this.#counts[key] += 1;
    this.#last = { inspection, verdict, ts, ...(part === undefined ? {} : { part }) };
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
    const state = this.#closed ? 'halted' : !this.#active ? 'not-ready' : this.#waiting.length > 0 ? 'inspecting' : 'ready';
    if (state !== this.#state) this.#since = Date.now();
    this.#state = state;
    const message: InspectionMessage = {
      v: 1,
      camera: this.#deps.camera,
      state,
      ...(this.#active ? {} : { reason: 'no recipe is active' }),
      since: toTimestamp(this.#since),
      recipe: this.identity,
      trigger: this.#active?.stored.recipe.trigger.type ?? null,
      counts: { ...this.#counts, ...(this.#crossing ? { unseen: this.#crossing.unseen } : {}) },
      last: this.#last,
      ...(this.#statistics ? { statistics: this.#statistics } : {}),
      ...(this.#teaching ? { teaching: this.#teaching } : {}),
    };
    this.#deps.output?.setState(message, this.#active?.stored.recipe.number ?? 0);
    this.#deps.onState(message);
  }
}

export function identityOf({ recipe, revision, sha256 }: Pick<StoredRecipe, 'recipe' | 'revision' | 'sha256'>): RecipeIdentity {
  return { id: recipe.recipe, revision, sha256 };
}

/** What a part is judged to be when nothing could be measured. */
export function unjudged(code: InspectionCode): Judgement {
  return { verdict: 'UNSURE', reasons: [code], checks: [] };
}

function release({ shot }: Seen): void {
  shot?.frame[Symbol.dispose]();
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
