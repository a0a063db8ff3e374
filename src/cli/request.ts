/** `fastsamd request`: asks a node, or all nodes of a group, and prints the answers. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { FastsamError, messageOf } from '../errors.js';
import type { InboundMessage } from '../publish/connection.js';
import { type ResponseMessage, responseMessageSchema, VERBS } from '../wire/messages.js';
import { connectTo, demandNode } from './broker.js';
import type { BrokerArguments } from './broker-options.js';
import { demandRange } from './model-options.js';
import { withoutControls } from './terminal.js';

export interface RequestArguments extends BrokerArguments {
  readonly node: string;
  readonly verb: string;
  readonly json?: string | undefined;
  readonly timeout: number;
}

export async function request(args: RequestArguments): Promise<void> {
  const node = demandNode(args.node);
  demandRange('--timeout', args.timeout, 0.1, 3600);
  if (!/^[a-z0-9-]+(\/[a-z0-9-]+)*$/.test(args.verb)) throw new FastsamError('USAGE', `${args.verb}: expected one of ${VERBS.join(', ')}`);
  const payload = parseObject(args.json ?? '{}');
  const id = typeof payload.id === 'string' ? payload.id : `cli-${randomUUID()}`;
  const group = node.startsWith('@');
  const end = new AbortController();
  const answers: ResponseMessage[] = [];
  const onMessage = ({ payload: bytes }: InboundMessage) => {
    const answer = parseAnswer(bytes);
    if (answer?.id !== id) return;
    answers.push(answer);
    process.stdout.write(`${withoutControls(JSON.stringify(answer))}\n`);
    if (!group) end.abort();
  };
  const connection = await connectTo(args, onMessage, new AbortController().signal);
  try {
    await connection.subscribe(`${args.prefix}/${group ? '+' : node}/response/${args.verb}`);
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
  if (answers.some(({ status }) => status === 'error')) process.exitCode = 1;
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (cause) {
    throw new FastsamError('USAGE', `the request is not JSON: ${messageOf(cause)}`, { cause });
  }
  throw new FastsamError('USAGE', 'the request: expected a JSON object, as in \'{"camera":"belt"}\'');
}

function parseAnswer(bytes: Buffer): ResponseMessage | undefined {
  try {
    return responseMessageSchema.safeParse(JSON.parse(bytes.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
