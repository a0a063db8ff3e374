/** Options of `fastsamd request`. */
import { VERBS } from '../../contract/verbs.js';
import { brokerOptions } from '../broker-options.js';
import type { RequestOptions } from '../request.js';
import type { Command } from './command.js';

export const requestCommand: Command<RequestOptions> = {
  builder: (yargs) =>
    yargs
      .positional('node', { type: 'string', demandOption: true, describe: 'Id of the node, or @GROUP for all nodes of a group.' })
      .positional('verb', { type: 'string', demandOption: true, describe: `What to ask: ${VERBS.join(', ')}.` })
      .positional('json', { type: 'string', describe: 'The request, as JSON, @FILE or - for standard input; {} when absent.' })
      .options(brokerOptions)
      .option('timeout', { type: 'number', requiresArg: true, default: 10, describe: 'Seconds to wait; of a group, for all its answers.' })
      .option('out', {
        type: 'string',
        requiresArg: true,
        describe: 'Of read/snapshot and read/evidence: the file that the picture is written to.',
      })
      .example('$0 request line-3 read/ping', 'is it there?')
      .example(`$0 request line-3 prompt/set '{"camera":"belt","prompts":[{"type":"box","box":[90,40,300,420]}]}'`, 'look for one object')
      .example('$0 request line-3 prompt/set @prompts.json --config node.yaml', 'from a file, at the broker of a node')
      .example(
        `$0 request line-3 teach/add '{"camera":"station-2","verdict":"OK"}'`,
        'the part in view is a good one, see docs/inspection.md',
      )
      .example(`$0 request @fleet prompt/clear`, 'everything again, on all nodes of the group "fleet"')
      .epilogue('One line of JSON per answer. Exit code 0 when every answer is "ok", 1 otherwise or without an answer.'),
  handler: async (args) => (await import('../request.js')).request(args),
};
