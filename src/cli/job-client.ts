/** Sends pictures as jobs and waits for their answers. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { pictureKind } from '../addon/picture-kinds.js';
import { type JobAnswer, jobAnswerSchema } from '../contract/messages.js';
import type { MaskEncoding } from '../domain/mask.js';
import type { Prompt } from '../domain/prompt.js';
import { FastsamError, messageOf } from '../errors.js';
import type { Connection } from '../mqtt/connection.js';
import { readBytes } from './inputs.js';

/** The answers that are waited for, by the id of the job. */
export class Answers {
  readonly #waiting = new Map<string, (answer: JobAnswer) => void>();

  receive(payload: Buffer): void {
    const answer = jobAnswerSchema.safeParse(parseJson(payload)).data;
    // A job may be answered twice.
    if (answer?.id) this.#waiting.get(answer.id)?.(answer);
  }

  of(id: string): Promise<JobAnswer> & Disposable {
    const answer = new Promise<JobAnswer>((resolve) => {
      this.#waiting.set(id, resolve);
    });
    return Object.assign(answer, { [Symbol.dispose]: () => void this.#waiting.delete(id) });
  }
}

/** What became of a picture: the answer of a node, or why there is none. */
export type Outcome = JobAnswer | { readonly problem: string };

interface JobClientDeps {
  readonly connection: Connection;
  readonly answers: Answers;
  readonly topics: { readonly request: string; readonly response: string };
  /** The same in all jobs. */
  readonly job: { readonly prompts: readonly Prompt[]; readonly objects: string; readonly maskEncoding: MaskEncoding };
  readonly timeoutS: number;
  /** Resolves with the reason when the connection ends, with undefined when the command is to leave. */
  readonly end: Promise<string | undefined>;
}

export class JobClient {
  readonly #deps: JobClientDeps;
  readonly #run = randomUUID().slice(0, 8);
  #number = 0;

  constructor(deps: JobClientDeps) {
    this.#deps = deps;
  }

  /** Undefined when the command is to leave. Errors: BROKER_UNREACHABLE when the connection ends. */
  async do(picture: string): Promise<Outcome | undefined> {
    const { connection, answers, topics, job, timeoutS, end } = this.#deps;
    const id = `cli-${this.#run}-${this.#number++}`;
    let payload: string;
    try {
      payload = JSON.stringify({ id, image: (await jobPicture(picture)).toString('base64'), ...job });
    } catch (error) {
      return { problem: messageOf(error) };
    }
    using answer = answers.of(id);
    try {
      await connection.publish({ topic: topics.request, payload, qos: 1, retain: false, responseTopic: topics.response });
    } catch (error) {
      if (error instanceof FastsamError) throw error;
      return { problem: `the broker refuses the job of ${payload.length} bytes: ${messageOf(error)}` };
    }
    const timer = new AbortController();
    const tooLate = delay(timeoutS * 1000, 'too late' as const, { signal: timer.signal }).catch(() => 'too late' as const);
    try {
      const first = await Promise.race([answer, tooLate, end.then((reason) => ({ reason }))]);
      if (first === 'too late') {
        return {
          problem: `no answer within ${timeoutS} s; is the queue served ("fastsamd job list"), and does jobs.maxBytes of its nodes allow ${payload.length} bytes?`,
        };
      }
      if (!('reason' in first)) return first;
      if (first.reason === undefined) return undefined;
      throw new FastsamError('BROKER_UNREACHABLE', first.reason);
    } finally {
      timer.abort();
    }
  }
}

/** The bytes of a picture, as jobs take it. Errors: SOURCE_NOT_FOUND, SOURCE_UNSUPPORTED. */
async function jobPicture(path: string): Promise<Buffer> {
  const bytes = await readBytes(path);
  const kind = pictureKind(bytes);
  if (kind === 'JPEG' || kind === 'PNG') return bytes;
  throw new FastsamError('SOURCE_UNSUPPORTED', `a job takes JPEG or PNG, this is ${kind ?? 'something else'}`);
}

/** Undefined for what is no JSON. */
export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
