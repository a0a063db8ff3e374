/** `fastsamd request`: asks a node, or all nodes of a group, and prints the answers. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandModule } from 'yargs';
import { FastsamError, messageOf } from '../errors.js';
import type { InboundMessage } from '../publish/connection.js';
import { type ResponseMessage, responseMessageSchema, VERBS } from '../wire/messages.js';
import { type BrokerArguments, brokerOptions, connectTo, demandNode } from './broker-options.js';
import { demandRange } from './model-options.js';

interface RequestArguments extends BrokerArguments {
  readonly node: string;
  readonly verb: string;
  readonly json?: string | undefined;
  readonly timeout: number;
}

export const requestCommand: CommandModule<object, RequestArguments> = {
  command: 'request <node> <verb> [json]',
  describe: 'Ask a running node over MQTT: prompts, state, pictures',
  builder: (yargs) =>
    yargs
      .positional('node', { type: 'string', demandOption: true, describe: 'Id of the node, or @GROUP for all nodes of a group.' })
      .positional('verb', { type: 'string', demandOption: true, describe: `What to ask: ${VERBS.join(', ')}.` })
      .positional('json', { type: 'string', describe: 'The request, as JSON; {} when absent.' })
      .options(brokerOptions)
      .option('timeout', { type: 'number', requiresArg: true, default: 10, describe: 'Seconds to wait; of a group, for all its answers.' })
      .example('$0 request line-3 read/ping', 'is it there?')
      .example(`$0 request line-3 prompt/set '{"camera":"belt","prompts":[{"type":"box","box":[90,40,300,420]}]}'`, 'look for one object')
      .example(`$0 request @fleet prompt/clear`, 'everything again, on all nodes of the group "fleet"')
      .epilogue('One line of JSON per answer. Exit code 0 when every answer is "ok", 1 otherwise or without an answer.'),
  handler: request,
};

async function request(args: RequestArguments): Promise<void> {
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
    process.stdout.write(`${JSON.stringify(answer)}\n`);
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
