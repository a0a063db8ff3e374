/**
 * Worker mode: jobs of shared queues, balanced by the broker over all nodes that name them. A job is acknowledged when
 * its answer has arrived at the broker, so a node that crashes loses none: the broker keeps them for the node's return,
 * and where it does not return, another node takes its place for as long as there is something left.
 */
import type { Logger } from 'pino';
import type { JobsConfig, MqttConfig } from '../config/schema.js';
import { type Job, type JobAnswer, jobSchema, type ResultMessage } from '../contract/messages.js';
import { firstProblem } from '../contract/problem.js';
import { parsePayload } from '../control/payload.js';
import { idSchema } from '../domain/prompt.js';
import { FastsamError, isFastsamError, messageOf } from '../errors.js';
import type { InboundMessage } from './connection.js';
import { JobSlot, SLOT_LOST } from './job-slot.js';
import { JobRoom, JobStarts, MAX_STARTS, slotOfRecord } from './job-starts.js';
import type { Publication } from './publication.js';
import { mayRespondTo } from './topics.js';

/** A vanished node has this long to come back by itself; the random part spreads those that would step in. */
const ADOPT_AFTER_MS = { min: 2000, spread: 4000 } as const;
/** A slot that was taken over is given up after so long without jobs, and again so long after leaving the queue. */
const ADOPTED_IDLE_MS = 1500;

export interface JobWorkerDeps {
  readonly config: MqttConfig;
  readonly jobs: JobsConfig;
  readonly node: string;
  readonly clientId: string;
  readonly responsePrefix: string;
  /** Segments the picture. Errors: those of a job that cannot be done, with their code. */
  readonly run: (job: Job, queue: string) => Promise<ResultMessage>;
  /** Resolves when the broker has the answer. */
  readonly answer: (publication: Publication) => Promise<void>;
  readonly log: Logger;
}

export interface JobCounts {
  done: number;
  failed: number;
  /** Slots of other nodes that were taken over. */
  adopted: number;
}

/** Slots of other nodes that are watched or held at a time: more would be a flood of forged names. */
const MAX_ADOPTIONS = 16;
/** Places of one node in one queue. */
const SLOT_NUMBER = /^[1-9]\d?$/;
const CLIENT_ID = /^[\w.:-]{1,128}$/;
/** Longer than any status, record or marker. */
const MAX_STATUS_BYTES = 200;

interface Adoption {
  readonly timer: NodeJS.Timeout;
  slot?: JobSlot;
}

export class JobWorker {
  readonly counts: JobCounts = { done: 0, failed: 0, adopted: 0 };
  readonly #deps: JobWorkerDeps;
  readonly #slots: JobSlot[];
  /** By client id. */
  readonly #adoptions = new Map<string, Adoption>();
  readonly #room = new JobRoom();
  readonly #starts: JobStarts;
  #stopping = false;

  constructor(deps: JobWorkerDeps) {
    this.#deps = deps;
    this.#starts = new JobStarts({ send: deps.answer, log: deps.log });
    this.#slots = deps.jobs.queues.flatMap((queue) =>
      Array.from({ length: deps.jobs.concurrency }, (_, k) => this.#slot(queue, `${deps.clientId}-job-${queue}-${k + 1}`)),
    );
  }

  /** What the main connection has to subscribe to, so that vanished nodes are noticed. */
  get filters(): readonly string[] {
    return this.#deps.jobs.queues.map((queue) => `${this.#base(queue)}/workers/+`);
  }

  start(): void {
    for (const slot of this.#slots) slot.start();
  }

  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    for (const { timer } of this.#adoptions.values()) clearTimeout(timer);
    const adopted = [...this.#adoptions.values()].flatMap(({ slot }) => slot ?? []);
    await Promise.all([...this.#slots, ...adopted].map((slot) => slot.stop(timeoutMs)));
  }

  /** The main connection has ended. */
  linkLost(): void {
    this.#starts.linkLost();
  }

  /** A message of `filters`: how another node's slot is, or which job a slot has begun. True when it was one. */
  receive(topic: string, payload: Buffer): boolean {
    const queue = this.#deps.jobs.queues.find((each) => topic.startsWith(`${this.#base(each)}/workers/`));
    if (queue === undefined) return false;
    const status = payload.toString('utf8', 0, MAX_STATUS_BYTES);
    const clientId = topic.slice(`${this.#base(queue)}/workers/`.length);
    const recorded = slotOfRecord(clientId);
    if (recorded !== undefined) {
      const isOwn = this.#isOwn(recorded);
      if (isOwn || isSlotOf(queue, recorded)) this.#starts.receive(recorded, status, isOwn);
      return true;
    }
    const known = this.#adoptions.get(clientId);
    if (status !== SLOT_LOST) {
      // Back by itself, or somebody else was faster.
      if (known && !known.slot) this.#forget(clientId);
    } else if (!known && !this.#stopping && this.#mayAdopt(queue, clientId)) {
      const timer = setTimeout(() => this.#adopt(queue, clientId), ADOPT_AFTER_MS.min + Math.random() * ADOPT_AFTER_MS.spread);
      this.#adoptions.set(clientId, { timer });
    }
    return true;
  }

  #mayAdopt(queue: string, clientId: string): boolean {
    return isSlotOf(queue, clientId) && this.#adoptions.size < MAX_ADOPTIONS && !this.#isOwn(clientId);
  }

  #isOwn(clientId: string): boolean {
    return this.#slots.some((slot) => slot.clientId === clientId);
  }

  #base(queue: string): string {
    return `${this.#deps.config.prefix}/jobs/${queue}`;
  }

  #slot(queue: string, clientId: string, onEnd?: () => void): JobSlot {
    const { config, jobs, log } = this.#deps;
    return new JobSlot({
      config,
      clientId,
      sessionExpiryS: jobs.sessionExpiryS,
      maxBytes: jobs.maxBytes,
      filter: `$share/fastsamd/${this.#base(queue)}/request`,
      statusTopic: `${this.#base(queue)}/workers/${clientId}`,
      starts: this.#starts,
      onJob: (message, starts, begin) => this.#do(queue, message, starts, begin),
      ...(onEnd && { onEnd }),
      log,
    });
  }

  #forget(clientId: string): void {
    clearTimeout(this.#adoptions.get(clientId)?.timer);
    this.#adoptions.delete(clientId);
  }

  /** Takes the place of a slot until nothing is left for it. Its own node, coming back, throws us out. */
  #adopt(queue: string, clientId: string): void {
    this.counts.adopted += 1;
    this.#deps.log.warn({ clientId, queue }, 'mqtt: a node vanished; its jobs are taken over');
    const slot = this.#slot(queue, clientId, () => {
      this.#forget(clientId);
      void slot.stop(0);
    });
    const timer = setInterval(() => void this.#giveUpWhenIdle(clientId, slot), ADOPTED_IDLE_MS / 3);
    this.#adoptions.set(clientId, { timer, slot });
    slot.start();
  }

  async #giveUpWhenIdle(clientId: string, slot: JobSlot): Promise<void> {
    if (slot.idleMs < ADOPTED_IDLE_MS) return;
    this.#forget(clientId);
    try {
      await slot.leave();
      while (slot.idleMs < ADOPTED_IDLE_MS) await new Promise((resolve) => setTimeout(resolve, ADOPTED_IDLE_MS / 3));
      await slot.stop(1000, true);
    } catch {
      // The connection broke: its will says so, and one of the nodes takes over again.
      await slot.stop(0);
    }
  }

  async #do(queue: string, message: InboundMessage, starts: number, begin: () => Promise<void>): Promise<void> {
    const { node, run, log } = this.#deps;
    let id: string | null = null;
    let answer: JobAnswer;
    try {
      const job = parseJob(message.payload, this.#deps.jobs.maxBytes, (known) => {
        id = known;
      });
      if (starts >= MAX_STARTS)
        throw new FastsamError('JOB_POISON', `the job was begun ${starts} times and ended the process that did it; it is not tried again`);
      const done = this.#room.enter(starts > 0, async () => {
        await begin();
        return run(job, queue);
      });
      answer = { v: 1, id, node, queue, status: 'ok', result: await done };
      this.counts.done += 1;
    } catch (error) {
      this.counts.failed += 1;
      // No fault of the job: unanswered it stays at the broker, for another node or the next run of this one.
      if (isFastsamError(error, 'ENGINE_LOST')) throw error;
      if (!isFastsamError(error)) log.error({ err: error, queue }, 'mqtt: job failed');
      const said = isFastsamError(error)
        ? { code: error.code, error: messageOf(error).slice(0, 500) }
        : { code: 'INTERNAL', error: 'the job failed inside fastsamd; its log says more' };
      answer = { v: 1, id, node, queue, status: 'error', ...said };
    }
    await this.#deps.answer(this.#publication(queue, message, answer));
  }

  #publication(queue: string, { responseTopic, correlationData }: InboundMessage, answer: JobAnswer): Publication {
    const { responsePrefix } = this.#deps;
    const allowed = responseTopic !== undefined && mayRespondTo(responseTopic, responsePrefix);
    return {
      topic: allowed ? responseTopic : `${this.#base(queue)}/response`,
      payload: JSON.stringify(answer),
      qos: 1,
      retain: false,
      schema: 'fastsam.v1.job-answer',
      ...(correlationData && { correlationData }),
    };
  }
}

/** Whether `clientId` is the one of a slot of `queue`: under another name a session of something else would be taken over. */
function isSlotOf(queue: string, clientId: string): boolean {
  const middle = `-job-${queue}-`;
  const at = clientId.lastIndexOf(middle);
  return at > 0 && CLIENT_ID.test(clientId.slice(0, at)) && SLOT_NUMBER.test(clientId.slice(at + middle.length));
}

/** Errors: REQUEST_INVALID, PROMPT_INVALID. `onId` is told the id as soon as it is known, so that errors carry it. */
function parseJob(payload: Buffer, maxBytes: number, onId: (id: string) => void): Job {
  const value = parsePayload(payload, maxBytes);
  const id = typeof value === 'object' && value !== null && 'id' in value ? idSchema.safeParse(value.id) : undefined;
  if (id?.success) onId(id.data);
  const parsed = jobSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw firstProblem(parsed.error.issues, value);
}
