/** `fastsamd request`: asks a node, or all nodes of a group, and prints the answers. */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type ResponseMessage, responseMessageSchema } from '../contract/response.js';
import { VERBS } from '../contract/verbs.js';
import { FastsamError, messageOf } from '../errors.js';
import type { InboundMessage } from '../mqtt/connection.js';
import { withoutControls } from '../printable.js';
import { connectTo, demandNode, readJson, withBroker } from './broker.js';
import type { BrokerOptions } from './broker-options.js';
import { demandRange } from './model-options.js';
import { tell } from './terminal.js';

export interface RequestOptions extends BrokerOptions {
  readonly node: string;
  readonly verb: string;
  readonly json?: string | undefined;
  readonly timeout: number;
  readonly out?: string | undefined;
}

export async function request(given: RequestOptions): Promise<void> {
  const args = await withBroker(given);
  const node = demandNode(args.node);
  demandRange('--timeout', args.timeout, 0.1, 3600);
  if (!/^[a-z0-9-]+(\/[a-z0-9-]+)*$/.test(args.verb)) throw new FastsamError('USAGE', `${args.verb}: expected one of ${VERBS.join(', ')}`);
  const payload = await requestOf(args.json ?? '{}');
  const picture = args.out === undefined ? undefined : pictureTopicOf(args, node, payload);
  const id = typeof payload.id === 'string' ? payload.id : `cli-${randomUUID()}`;
  const group = node.startsWith('@');
  const end = new AbortController();
  const answers: ResponseMessage[] = [];
  let jpeg: Buffer | undefined;
  const endWhenComplete = () => {
    const complete = answers.length > 0 && (picture === undefined || jpeg !== undefined || answers[0]!.status === 'error');
    if (!group && complete) end.abort();
  };
  const onMessage = ({ topic, payload: bytes }: InboundMessage) => {
    if (topic === picture) {
      jpeg = bytes;
      return endWhenComplete();
    }
    const answer = parseAnswer(bytes);
    if (answer?.id !== id) return;
    answers.push(answer);
    process.stdout.write(`${withoutControls(JSON.stringify(answer))}
`);
    endWhenComplete();
  };
  const connection = await connectTo(args, onMessage, new AbortController().signal);
  try {
    await connection.subscribe(`${args.prefix}/${group ? '+' : node}/response/${args.verb}`);
    if (picture !== undefined) await connection.subscribe(picture);
    const topic = `${args.prefix}/${node}/request/${args.verb}`;
    await connection.publish({ topic, payload: JSON.stringify({ ...payload, id }), qos: 1, retain: false });
    const broke = connection.ended.then(({ message }) => Promise.reject(new FastsamError('BROKER_UNREACHABLE', message)));
    await Promise.race([delay(args.timeout * 1000, undefined, { signal: end.signal }).catch(() => undefined), broke]);
  } finally {
    await connection.close(1000);
  }
  if (answers.length === 0) {
    throw new FastsamError(
      'BROKER_UNREACHABLE',
      `${node}: no answer within ${args.timeout} s; "fastsamd watch ${node}" shows whether it is there`,
    );
  }
  if (args.out !== undefined && jpeg) await savePicture(args.out, jpeg);
  if (answers.some(({ status }) => status === 'error')) process.exitCode = 1;
}

async function requestOf(text: string): Promise<Record<string, unknown>> {
  const value = await readJson(text, 'the request');
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new FastsamError('USAGE', 'the request: expected a JSON object, as in \'{"camera":"belt"}\'');
}

/** Where the picture of read/snapshot or read/evidence comes. Errors: USAGE. */
function pictureTopicOf({ prefix, verb }: { prefix: string; verb: string }, node: string, { camera }: Record<string, unknown>): string {
  const kind = { 'read/snapshot': 'snapshot', 'read/evidence': 'evidence' }[verb];
  if (kind === undefined || node.startsWith('@'))
    throw new FastsamError('USAGE', '--out is for read/snapshot and read/evidence of one node');
  if (typeof camera !== 'string') throw new FastsamError('USAGE', `${verb}: expected a camera, as in '{"camera":"belt"}'`);
  return `${prefix}/${node}/cameras/${camera}/${kind}`;
}

async function savePicture(path: string, jpeg: Buffer): Promise<void> {
  try {
    await writeFile(path, jpeg);
  } catch (cause) {
    throw new FastsamError('OUTPUT_UNWRITABLE', `${path}: cannot be written: ${messageOf(cause)}`, { cause });
  }
  tell(`fastsamd: wrote ${path}`);
}

function parseAnswer(bytes: Buffer): ResponseMessage | undefined {
  try {
    return responseMessageSchema.safeParse(JSON.parse(bytes.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
