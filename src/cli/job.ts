/**
 * `fastsamd job`: pictures to the nodes that serve a queue, and who serves it. Answers come to a response topic that no
 * other client knows, or, of nodes that honour another prefix, to the response topic of the queue.
 */
import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { picturesOfFolder } from '../addon/picture-kinds.js';
import { type JobAnswer, jobAnswerSchema } from '../contract/messages.js';
import type { MaskEncoding } from '../domain/mask.js';
import { type Prompt, parsePrompts } from '../domain/prompt.js';
import { FastsamError, messageOf } from '../errors.js';
import { type Connection, type InboundMessage, refusedProtocol } from '../mqtt/connection.js';
import { withoutControls } from '../printable.js';
import { connectTo, readJson, withBroker } from './broker.js';
import type { BrokerArguments, BrokerOptions } from './broker-options.js';
import { Answers, JobClient, type Outcome, parseJson } from './job-client.js';
import { askedToLeave, finishBeforeLeaving, writeLine } from './leaving.js';
import { demandRange } from './model-options.js';
import { startProgress } from './progress.js';
import type { PromptArguments } from './prompt-options.js';
import { promptWords } from './prompt-words.js';
import { promptsOf } from './prompts-of.js';
import { expandSources } from './source-words.js';
import { say, tell } from './terminal.js';

type QueueOptions = Omit<BrokerOptions, 'protocol'>;

export interface SubmitOptions extends QueueOptions, Omit<PromptArguments, 'text-model'> {
  readonly queue: string;
  readonly picture: readonly string[];
  readonly prompts?: string | undefined;
  readonly objects: 'matched' | 'all';
  readonly mask: MaskEncoding;
  readonly parallel: number;
  readonly timeout: number;
  readonly json: boolean;
}

export interface ListOptions extends QueueOptions {
  readonly queue?: string | undefined;
  readonly json: boolean;
}

export type WatchJobsOptions = ListOptions;

/** Retained messages come at once; a pause of this length ends them. */
const QUIET_MS = 500;
const MAX_PARALLEL = 64;

export async function submitJobs(given: SubmitOptions): Promise<void> {
  const queue = demandQueue(given.queue);
  demandRange('--timeout', given.timeout, 0.1, 86_400);
  demandRange('--parallel', given.parallel, 1, MAX_PARALLEL, true);
  demandRange('--min-iou', given['min-iou'], 0, 1);
  const prompts = await promptsOfJob(given);
  const pictures = await picturesOf(given.picture);
  const args = await withBroker(given);
  using finishing = finishBeforeLeaving();
  const answers = new Answers();
  const connection = await connect(args, ({ payload }) => answers.receive(payload));
  const progress = startProgress(pictures.length);
  const client = new JobClient({
    connection,
    answers,
    topics: { request: `${args.prefix}/jobs/${queue}/request`, response: responseTopicOf(args) },
    job: { prompts, objects: given.objects, maskEncoding: given.mask },
    timeoutS: given.timeout,
    end: Promise.race([askedToLeave(finishing), connection.ended.then(({ message }) => message)]),
  });
  let failed = 0;
  const left = pictures.values();
  const worker = async () => {
    for (const picture of left) {
      if (finishing.signal.aborted) return;
      const outcome = await client.do(picture);
      if (outcome === undefined) return;
      if (!('status' in outcome) || outcome.status === 'error') failed += 1;
      progress.advance();
      await progress.print(() => printOutcome(picture, outcome, given.json));
    }
  };
  try {
    await connection.subscribe(responseTopicOf(args));
    // Where access control keeps the answers of others back, it may say so.
    await connection.subscribe(`${args.prefix}/jobs/${queue}/response`).catch(() => undefined);
    await Promise.all(Array.from({ length: Math.min(given.parallel, pictures.length) }, worker));
  } finally {
    progress.stop();
    await connection.close(1000);
  }
  if (failed > 0) process.exitCode = 1;
}

async function printOutcome(picture: string, outcome: Outcome, json: boolean): Promise<void> {
  const name = picture === '/dev/stdin' ? 'stdin' : picture;
  if (!('status' in outcome)) tell(`fastsamd: ${name}: ${outcome.problem}`);
  else if (json) await writeLine(withoutControls(JSON.stringify({ picture: name, ...outcome })));
  else if (outcome.status === 'ok') await writeLine(withoutControls(`${name}: ${answerWords(outcome)}`));
  else tell(`fastsamd: ${name}: ${answerWords(outcome)}`);
}

/** `3 objects, 12.0 ms, node line-3; box matched (0.93)`. */
function answerWords({ node, code, error, result }: JobAnswer): string {
  if (!result) return `${code}: ${error} (node ${node})`;
  return `${result.objects.length} objects, ${result.latencyMs.total.toFixed(1)} ms, node ${node}${promptWords(result.prompts)}`;
}

interface Worker {
  readonly queue: string;
  readonly worker: string;
  /** online, or lost: what its broker still keeps for it is waiting for another node. */
  state: string;
  /** Times that the job in work was begun; absent when none is. */
  begun?: number;
}

/** Retained `jobs/<queue>/workers/<client id>` and `….job`. */
export async function listWorkers(given: ListOptions): Promise<void> {
  const args = await withBroker(given);
  const queue = given.queue === undefined ? '+' : demandQueue(given.queue);
  const workers = new Map<string, Worker>();
  let heardAt = performance.now();
  const connection = await connect(args, ({ topic, payload }) => {
    heardAt = performance.now();
    const place = workerOf(topic, args.prefix);
    if (!place || payload.length === 0) return;
    const { queue: name, worker, isRecord } = place;
    const known = workers.get(`${name}/${worker}`) ?? { queue: name, worker, state: 'unknown' };
    const starts = isRecord ? (parseJson(payload) as { starts?: unknown } | undefined)?.starts : undefined;
    if (!isRecord) known.state = payload.toString('utf8', 0, 32);
    else if (typeof starts === 'number') known.begun = starts;
    workers.set(`${name}/${worker}`, known);
  });
  try {
    await connection.subscribe(`${args.prefix}/jobs/${queue}/workers/+`);
    heardAt = performance.now();
    while (performance.now() - heardAt < QUIET_MS) await delay(QUIET_MS / 10);
  } finally {
    await connection.close(1000);
  }
  const found = [...workers.values()].sort((a, b) => `${a.queue} ${a.worker}`.localeCompare(`${b.queue} ${b.worker}`));
  if (given.json) for (const worker of found) await writeLine(withoutControls(JSON.stringify(worker)));
  else for (const { queue: name, worker, state, begun } of found) say(`${name}  ${worker}  ${state}${begun ? '  has begun a job' : ''}`);
  if (found.some(({ state }) => state === 'online')) return;
  process.exitCode = 1;
  tell(
    `fastsamd: no worker of ${given.queue === undefined ? 'any queue' : `queue ${given.queue}`} is online; a node serves the queues of its jobs.queues`,
  );
}

export async function watchJobs(given: WatchJobsOptions): Promise<void> {
  const args = await withBroker(given);
  const queue = given.queue === undefined ? '+' : demandQueue(given.queue);
  using finishing = finishBeforeLeaving('success');
  const connection = await connect(args, (message) => {
    const line = lineOf(message, args.prefix, given.json);
    if (line !== undefined) say(line);
  });
  try {
    for (const filter of ['response', 'workers/+']) await connection.subscribe(`${args.prefix}/jobs/${queue}/${filter}`);
    const reason = await Promise.race([connection.ended.then(({ message }) => message), askedToLeave(finishing)]);
    if (reason !== undefined) throw new FastsamError('BROKER_UNREACHABLE', reason);
  } finally {
    await connection.close(1000);
  }
}

function lineOf({ topic, payload }: InboundMessage, prefix: string, json: boolean): string | undefined {
  const value = parseJson(payload);
  const place = workerOf(topic, prefix);
  if (place) {
    if (place.isRecord) return undefined;
    const state = payload.toString('utf8', 0, 32) || 'gone';
    return json ? JSON.stringify({ queue: place.queue, worker: place.worker, state }) : `${place.queue} ${place.worker}: ${state}`;
  }
  const answer = jobAnswerSchema.safeParse(value).data;
  if (!answer) return undefined;
  return json ? JSON.stringify(answer) : `${answer.queue} ${answer.id ?? 'a job without id'}: ${answerWords(answer)}`;
}

/** The worker that a topic is about; `isRecord`: the topic says which job it has begun. */
function workerOf(topic: string, prefix: string): { queue: string; worker: string; isRecord: boolean } | undefined {
  const [queue, workers, name, ...more] = topic.slice(`${prefix}/jobs/`.length).split('/');
  if (queue === undefined || workers !== 'workers' || name === undefined || more.length > 0) return undefined;
  return { queue, worker: name.replace(/\.job$/, ''), isRecord: name.endsWith('.job') };
}

/** Below the user's own name, where access control by user lets answers through. */
const RANDOM_LEVEL = randomUUID();
function responseTopicOf({ prefix, username }: Pick<BrokerArguments, 'prefix' | 'username'>): string {
  return `${prefix}/clients/${username && /^[^+#/]+$/.test(username) ? username : 'fastsamd'}/${RANDOM_LEVEL}`;
}

/** Connects with MQTT 5: MQTT 3.1.1 has neither shared queues nor response topics. Errors: as connectTo. */
async function connect(args: BrokerArguments, onMessage: (message: InboundMessage) => void): Promise<Connection> {
  try {
    return await connectTo({ ...args, protocol: 5 }, onMessage, new AbortController().signal);
  } catch (error) {
    if (error instanceof FastsamError && refusedProtocol(error.cause)) {
      throw new FastsamError('BROKER_UNREACHABLE', 'the broker speaks MQTT 3.1.1 only; jobs need one that speaks MQTT 5', { cause: error });
    }
    throw error;
  }
}

function demandQueue(queue: string): string {
  if (/^[a-z0-9-]{1,64}$/.test(queue)) return queue;
  throw new FastsamError('USAGE', `${queue}: expected the name of a queue (1 to 64 of a-z, 0-9 and "-")`);
}

/** Errors: USAGE. */
async function promptsOfJob(args: SubmitOptions): Promise<Prompt[]> {
  const fromOptions = promptsOf(args);
  if (args.prompts === undefined) return fromOptions;
  if (fromOptions.length > 0)
    throw new FastsamError('USAGE', 'expected either --prompts or --box, --point, --label and --salient, got both');
  try {
    return parsePrompts(await readJson(args.prompts, '--prompts'));
  } catch (cause) {
    throw new FastsamError('USAGE', messageOf(cause), { cause });
  }
}

/** Files, in the order given. Errors: SOURCE_NOT_FOUND. */
async function picturesOf(words: readonly string[]): Promise<string[]> {
  const pictures: string[] = [];
  for (const word of await expandSources(words)) {
    const isFolder = (await stat(word).catch(() => undefined))?.isDirectory() ?? false;
    pictures.push(...(isFolder ? await picturesOfFolder(word) : [word]));
  }
  if (pictures.length === 0) throw new FastsamError('SOURCE_NOT_FOUND', `${words.join(', ')}: no picture there`);
  return pictures;
}
