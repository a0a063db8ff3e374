/**
 * Requests in, answers out. Every request that arrives is answered or counted, whatever is in it; nothing in it is
 * looked at before its size, encoding, nesting and rate are known to be within bounds.
 */
import type { Logger } from 'pino';
import { idSchema } from '../domain/prompt.js';
import { FastsamError, isFastsamError, isRequesterFault, messageOf } from '../errors.js';
import { isVerb, type RequestOf, type ResponseMessage, requestSchemas, VERBS, type Verb } from '../wire/messages.js';
import { firstProblem } from '../wire/problem.js';
import type { Topics } from '../wire/topics.js';
import { Answers } from './answers.js';
import type { InboundMessage } from './connection.js';
import { parsePayload } from './payload.js';
import type { Publication } from './publication.js';
import { mayRespondTo } from './response-topic.js';
import { TokenBucket } from './token-bucket.js';
import { type Answer, changesSomething, handlersOf, type VerbDeps } from './verbs.js';

const RATE = { perSecond: 50, burst: 100 } as const;
/** An answer may hold one path of a schema and one message, never a payload. */
const MAX_ERROR_CHARS = 500;

export interface RequestsDeps extends VerbDeps {
  readonly node: string;
  readonly topics: Topics;
  readonly maxRequestBytes: number;
  /** MQTT 5 response topics are honoured below this only; ends with "/". */
  readonly responsePrefix: string;
  readonly respond: (publication: Publication) => void;
  readonly log: Logger;
  /** Monotonic, milliseconds. */
  readonly now?: () => number;
}

/** How requests fared since the start. `ignored`: retained, or beyond what is worth an answer. */
export interface RequestCounts {
  answered: number;
  failed: number;
  ignored: number;
}

export class Requests {
  readonly counts: RequestCounts = { answered: 0, failed: 0, ignored: 0 };
  readonly #deps: RequestsDeps;
  readonly #handlers;
  readonly #accepted = new TokenBucket(RATE);
  /** A flood is told so at this rate; beyond it, telling would only add to the flood. */
  readonly #refused = new TokenBucket(RATE);
  readonly #applied = new Answers<Answer>();

  constructor(deps: RequestsDeps) {
    this.#deps = deps;
    this.#handlers = handlersOf(deps);
  }

  /** Resolves when the request is answered or counted; never rejects. */
  async handle(message: InboundMessage): Promise<void> {
    const { topics, now = () => performance.now() } = this.#deps;
    const verb = topics.verbOf(message.topic);
    // A retained request would be replayed at every reconnect, long after anybody meant it.
    if (message.retain || verb === undefined) return this.#ignore();
    const accepted = this.#accepted.take(now());
    if (!accepted && !this.#refused.take(now())) return this.#ignore();

    let id: string | null = null;
    try {
      const value = parsePayload(message.payload, this.#deps.maxRequestBytes);
      id = readableId(value);
      if (!accepted) throw new FastsamError('RATE_LIMITED', `expected at most ${RATE.perSecond} requests per second; try again later`);
      if (!isVerb(verb)) throw new FastsamError('REQUEST_INVALID', `unknown request "${verb}"; expected one of ${VERBS.join(', ')}`);
      const answer = await this.#apply(verb, value, message.payload);
      // Who reads the log later has to know why a camera stood still.
      if (verb.startsWith('admin/')) this.#deps.log.info({ verb, id }, `mqtt: ${verb} done`);
      this.#respond(verb, message, { id, node: this.#deps.node, status: 'ok', ...answer });
    } catch (error) {
      this.#respond(verb, message, { id, node: this.#deps.node, status: 'error', ...this.#explain(error, verb) });
    }
  }

  #apply<V extends Verb>(verb: V, value: unknown, payload: Buffer): Promise<Answer> | Answer {
    const { id, ...request } = parseRequest(verb, value);
    const apply = async () => this.#handlers[verb](request);
    return id !== undefined && changesSomething(verb) ? this.#applied.once(`${verb} ${id}`, payload, apply) : apply();
  }

  #explain(error: unknown, verb: string): Pick<ResponseMessage, 'code' | 'error'> {
    // What the camera or the file lacks is said too: the operator is who can mend it.
    if (isFastsamError(error) && (isRequesterFault(error) || isFastsamError(error, 'SOURCE_TIMEOUT', 'SOURCE_LOST', 'CONFIG_INVALID'))) {
      return { code: error.code, error: messageOf(error).slice(0, MAX_ERROR_CHARS) };
    }
    this.#deps.log.error({ err: error, verb }, 'mqtt: request failed');
    return { code: 'INTERNAL', error: 'the request failed inside fastsamd; its log says more' };
  }

  #respond(verb: string, { responseTopic, correlationData }: InboundMessage, response: ResponseMessage): void {
    this.counts[response.status === 'ok' ? 'answered' : 'failed'] += 1;
    const { topics, respond, log } = this.#deps;
    const message = {
      payload: JSON.stringify(response),
      qos: 1,
      retain: false,
      schema: 'fastsam.v1.response',
      ...(correlationData && { correlationData }),
    } as const;
    if (responseTopic !== undefined) {
      const own = responseTopic.startsWith(`${topics.base}/`);
      if (!own && mayRespondTo(responseTopic, this.#deps.responsePrefix)) respond({ ...message, topic: responseTopic });
      else log.debug({ verb }, 'mqtt: response topic outside of the allowed prefix ignored');
    }
    respond({ ...message, topic: topics.response(verb) });
  }

  #ignore(): void {
    this.counts.ignored += 1;
  }
}

function readableId(value: unknown): string | null {
  const id = typeof value === 'object' && value !== null && 'id' in value ? idSchema.safeParse(value.id) : undefined;
  return id?.success ? id.data : null;
}

function parseRequest<V extends Verb>(verb: V, value: unknown): RequestOf<V> {
  const parsed = requestSchemas[verb].safeParse(value);
  if (parsed.success) return parsed.data as RequestOf<V>;
  throw firstProblem(parsed.error.issues);
}
