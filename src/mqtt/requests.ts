/** Requests over MQTT: from their topics to control, and the answers to the topics where they are awaited. */
import type { Logger } from 'pino';
import type { ResponseMessage } from '../contract/messages.js';
import type { Caller, Control } from '../control/control.js';
import type { InboundMessage } from './connection.js';
import type { Publication } from './publication.js';
import { mayRespondTo, type Topics } from './topics.js';

export interface RequestsDeps {
  readonly control: Pick<Control, 'handle'>;
  /** What the broker's clients may do; MQTT does not say which client asks. */
  readonly role: Caller['role'];
  readonly topics: Topics;
  /** MQTT 5 response topics are honoured below this only; ends with "/". */
  readonly responsePrefix: string;
  readonly respond: (publication: Publication) => void;
  readonly log: Logger;
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

  constructor(deps: RequestsDeps) {
    this.#deps = deps;
  }

  /** Resolves when the request is answered or counted; never rejects. */
  async handle(message: InboundMessage): Promise<void> {
    const { topics, control, role } = this.#deps;
    const verb = topics.verbOf(message.topic);
    // A broker repeats a retained request at every reconnect, long after its sender meant it.
    const isRequest = verb !== undefined && !message.retain;
    const response = isRequest ? await control.handle(verb, message.payload, { via: 'mqtt', role }) : undefined;
    if (isRequest && response) this.#respond(verb, message, response);
    else this.counts.ignored += 1;
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
}
