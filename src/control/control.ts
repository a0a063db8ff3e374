/**
 * What a node can be asked, by any transport. Every request is answered or counted, whatever it contains: its size, encoding,
 * nesting and rate are checked before it is parsed, and its role before it is applied.
 */
import type { Logger } from 'pino';
import { isVerb, type RequestOf, type ResponseMessage, requestSchemas, VERBS, type Verb } from '../contract/messages.js';
import { firstProblem } from '../contract/problem.js';
import { idSchema } from '../domain/prompt.js';
import { FastsamError, isFastsamError, isRequesterFault, messageOf } from '../errors.js';
import { TokenBucket } from '../time/token-bucket.js';
import { Answers } from './answers.js';
import { parsePayload } from './payload.js';
import { type Answer, changesSomething, handlersOf, type Role, roleFor, roleSuffices, type VerbDeps } from './verbs.js';

/** Of all requests of one transport. */
const RATE = { perSecond: 50, burst: 100 } as const;
/** Errors that the sender of a request can fix although the request is right: they concern the camera, the model or a file. */
const MENDABLE = ['SOURCE_TIMEOUT', 'SOURCE_LOST', 'CONFIG_INVALID', 'OUTPUT_UNWRITABLE', 'MODEL_UNSUPPORTED', 'TAUGHT_STALE'] as const;
/** An answer may hold one path of a schema and one message, never a payload. */
const MAX_ERROR_CHARS = 500;

/** Who asks: over which transport, and what that transport has found the caller may do. */
export interface Caller {
  readonly via: 'mqtt' | 'http' | 'local';
  readonly role: Role;
  /** The cameras that the caller may see and change; all when absent. */
  readonly cameras?: readonly string[] | undefined;
  /** Who it is, where the transport knows: for the log, and request ids are that caller's own. */
  readonly user?: string | undefined;
}

export interface ControlDeps extends VerbDeps {
  readonly node: string;
  readonly maxRequestBytes: number;
  readonly log: Logger;
  /** Monotonic, milliseconds. */
  readonly now?: () => number;
}

/** What one transport's requests have used up. */
interface Budget {
  readonly accepted: TokenBucket;
  /** Refusals are answered at this rate as well; beyond it, answers would only add to the flood. */
  readonly refused: TokenBucket;
  /** By verb and request id. */
  readonly applied: Answers<Answer>;
}

export class Control {
  readonly #deps: ControlDeps;
  readonly #handlers;
  readonly #budgets = new Map<Caller['via'], Budget>();

  constructor(deps: ControlDeps) {
    this.#deps = deps;
    this.#handlers = handlersOf(deps);
  }

  /** The answer; undefined for requests beyond the rate at which refusals are answered. Never rejects. */
  async handle(verb: string, payload: Uint8Array, caller: Caller): Promise<ResponseMessage | undefined> {
    const { node, maxRequestBytes, now = () => performance.now(), log } = this.#deps;
    const { accepted, refused, applied } = this.#budget(caller);
    const isAccepted = accepted.take(now());
    if (!isAccepted && !refused.take(now())) return undefined;

    let id: string | null = null;
    try {
      const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
      const value = parsePayload(bytes, maxRequestBytes);
      id = readableId(value);
      if (!isAccepted) throw new FastsamError('RATE_LIMITED', `expected at most ${RATE.perSecond} requests per second; try again later`);
      if (!isVerb(verb)) throw new FastsamError('REQUEST_INVALID', `unknown request "${verb}"; expected one of ${VERBS.join(', ')}`);
      const answer = await this.#apply(verb, value, bytes, caller, applied);
      // A reader of the log has to know why a camera stopped, and who changed a prompt.
      const { via, user } = caller;
      if (roleFor(verb) === 'admin' || (user !== undefined && changesSomething(verb)))
        log.info({ verb, id, via, ...(user === undefined ? {} : { user, revision: answer.revision }) }, `${via}: ${verb} done`);
      return { id, node, status: 'ok', ...answer };
    } catch (error) {
      return { id, node, status: 'error', ...this.#explain(error, verb, caller) };
    }
  }

  #apply<V extends Verb>(verb: V, value: unknown, payload: Buffer, caller: Caller, applied: Answers<Answer>): Promise<Answer> | Answer {
    const { id, ...request } = parseRequest(verb, value);
    demandRole(verb, caller);
    demandCamera(verb, request, caller);
    const apply = async () => this.#handlers[verb](request, { id, by: caller.user ?? `${caller.via} (${caller.role})` });
    return id !== undefined && changesSomething(verb) ? applied.once(`${caller.user ?? ''} ${verb} ${id}`, payload, apply) : apply();
  }

  #explain(error: unknown, verb: string, { via }: Caller): Pick<ResponseMessage, 'code' | 'error'> {
    if (isFastsamError(error) && (isRequesterFault(error) || isFastsamError(error, ...MENDABLE))) {
      return { code: error.code, error: messageOf(error).slice(0, MAX_ERROR_CHARS) };
    }
    this.#deps.log.error({ err: error, verb, via }, `${via}: request failed`);
    return { code: 'INTERNAL', error: 'the request failed inside fastsamd; its log says more' };
  }

  #budget({ via }: Caller): Budget {
    let budget = this.#budgets.get(via);
    if (!budget) {
      budget = { accepted: new TokenBucket(RATE), refused: new TokenBucket(RATE), applied: new Answers() };
      this.#budgets.set(via, budget);
    }
    return budget;
  }
}

function demandRole(verb: Verb, { via, role }: Caller): void {
  const wanted = roleFor(verb);
  if (roleSuffices(role, wanted)) return;
  const how = via === 'mqtt' ? 'admin requests are off on this node; expected mqtt.admin: true in its configuration' : undefined;
  throw new FastsamError('REQUEST_FORBIDDEN', how ?? `${verb}: expected the role ${wanted}, got ${role}`);
}

/** A caller with some of the cameras names one of them; what concerns the whole node is not for that caller, except that it is there. */
function demandCamera(verb: Verb, request: object, { cameras }: Caller): void {
  if (cameras === undefined || verb === 'read/ping' || verb === 'read/schema') return;
  const camera = 'camera' in request ? request.camera : undefined;
  if (typeof camera === 'string' && cameras.includes(camera)) return;
  throw new FastsamError('REQUEST_FORBIDDEN', `${verb}: expected one of your cameras: ${cameras.join(', ') || '(none)'}`);
}

function readableId(value: unknown): string | null {
  const id = typeof value === 'object' && value !== null && 'id' in value ? idSchema.safeParse(value.id) : undefined;
  return id?.success ? id.data : null;
}

function parseRequest<V extends Verb>(verb: V, value: unknown): RequestOf<V> {
  const parsed = requestSchemas[verb].safeParse(value);
  if (parsed.success) return parsed.data as RequestOf<V>;
  throw firstProblem(parsed.error.issues, value);
}
