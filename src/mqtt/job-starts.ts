/**
 * Which job a slot has begun, and how often: retained at the broker on `workers/<client id>.job`, beside the slot's session
 * that holds the job. So the record outlives a process that the job ends, and the node that takes the slot over reads it.
 *
 * Records are read and written over the node's main connection. The slot's own connection cannot do so: it handles one
 * message at a time, and an acknowledgement that arrives behind a job is not read before the job is done.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { z } from 'zod';
import { messageOf } from '../errors.js';
import { Deadline } from '../time/deadline.js';
import type { InboundMessage } from './connection.js';
import type { Publication } from './publication.js';

/** A job that was begun so often and never answered has ended the process each time. */
export const MAX_STARTS = 2;

/** End of the topic of a record, after the slot's client id. */
const RECORD_SUFFIX = '.job';
/** Records of other nodes' slots that are kept: more would be a flood of forged names. */
const MAX_FOREIGN_RECORDS = 64;
/** A broker that does not return the marker within this time does not let this node read records. */
const READ_TIMEOUT_MS = 2000;
const HASH_LENGTH = 32;

const recordSchema = z.object({ job: z.string().length(HASH_LENGTH), starts: z.number().int().min(1).max(1000) });

type JobRecord = z.output<typeof recordSchema>;

export interface JobStartsDeps {
  /** Publishes over the main connection; resolves when the broker has the message. */
  readonly send: (publication: Publication) => Promise<void>;
  readonly log: Logger;
}

/** The slot that a topic below `workers/` belongs to when it carries a record; undefined for other topics. */
export function slotOfRecord(name: string): string | undefined {
  return name.endsWith(RECORD_SUFFIX) ? name.slice(0, -RECORD_SUFFIX.length) : undefined;
}

/** Equal for a job that is delivered a second time. */
export function jobKey({ payload, correlationData }: Pick<InboundMessage, 'payload' | 'correlationData'>): string {
  const hash = createHash('sha256').update(payload);
  if (correlationData) hash.update(correlationData);
  return hash.digest('hex').slice(0, HASH_LENGTH);
}

export class JobStarts {
  readonly #deps: JobStartsDeps;
  /** By client id of the slot, as the broker has them. */
  readonly #records = new Map<string, JobRecord>();
  /** Readings under way, by the text of their marker. */
  readonly #reading = new Map<string, () => void>();

  constructor(deps: JobStartsDeps) {
    this.#deps = deps;
  }

  /** A message of a record's topic has arrived. `isOwn`: the record of a slot of this node. */
  receive(clientId: string, text: string, isOwn: boolean): void {
    const known = this.#reading.get(text);
    if (known) known();
    else if (text === '') this.#records.delete(clientId);
    const mayKeep = isOwn || this.#records.has(clientId) || this.#records.size < MAX_FOREIGN_RECORDS;
    const record = mayKeep ? readRecord(text) : undefined;
    if (record) this.#records.set(clientId, record);
  }

  /** The main connection has ended: the next one receives all records again. */
  linkLost(): void {
    this.#records.clear();
  }

  /**
   * How often `job` was begun in the slot before. The broker delivers the messages of a topic in order: a marker that
   * comes back proves that the retained record, if there is one, has arrived. Never rejects; 0 when nothing can be read.
   */
  async read(topic: string, clientId: string, job: string): Promise<number> {
    const marker = JSON.stringify({ marker: randomUUID() });
    const returned = new Promise<void>((resolve) => this.#reading.set(marker, resolve));
    const sent = this.#send({ topic: `${topic}${RECORD_SUFFIX}`, payload: marker, qos: 1, retain: false });
    await new Deadline(READ_TIMEOUT_MS).wait(sent.then((isSent) => (isSent ? returned : undefined)));
    this.#reading.delete(marker);
    const record = this.#records.get(clientId);
    return record?.job === job ? record.starts : 0;
  }

  /** `starts` 0 removes the record. Never rejects: a job whose start cannot be noted is done all the same. */
  async write(topic: string, job: string, starts: number): Promise<void> {
    const payload = starts === 0 ? '' : JSON.stringify({ job, starts } satisfies JobRecord);
    await this.#send({ topic: `${topic}${RECORD_SUFFIX}`, payload, qos: 1, retain: true });
  }

  async #send(publication: Publication): Promise<boolean> {
    try {
      await this.#deps.send(publication);
      return true;
    } catch (error) {
      this.#deps.log.warn({ topic: publication.topic, reason: messageOf(error) }, 'mqtt: the start of a job cannot be noted');
      return false;
    }
  }
}

/** Undefined for what does not fit the schema: anybody with access to the topic may have written it. */
function readRecord(text: string): JobRecord | undefined {
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Jobs side by side, but one that has been begun before alone: if it ends the process a second time, no other job is blamed. */
export class JobRoom {
  readonly #running = new Set<Promise<unknown>>();
  /** The jobs that are done alone, one after the other. */
  #alone: Promise<unknown> = Promise.resolve();

  async enter<T>(alone: boolean, work: () => Promise<T>): Promise<T> {
    if (alone) {
      const turn = this.#alone.then(async () => {
        await Promise.allSettled(this.#running);
        return work();
      });
      this.#alone = turn.catch(() => undefined);
      return turn;
    }
    for (let waited: unknown; waited !== this.#alone; ) {
      waited = this.#alone;
      await waited;
    }
    const running = work();
    this.#running.add(running);
    return running.finally(() => this.#running.delete(running));
  }
}
