/** Options of `fastsamd watch`. */
import { brokerOptions } from '../broker-options.js';
import type { WatchOptions } from '../watch.js';
import type { Command } from './command.js';

export const watchCommand: Command<WatchOptions> = {
  builder: (yargs) =>
    yargs
      .positional('node', { type: 'string', demandOption: true, describe: 'Id of the node.' })
      .options(brokerOptions)
      .options({
        camera: { type: 'string', requiresArg: true, default: '+', describe: 'Only this camera.' },
        draw: {
          type: 'boolean',
          default: false,
          describe: 'Draw the masks of each result; in letters instead of colours with NO_COLOR or into a pipe.',
        },
        json: { type: 'boolean', default: false, describe: 'One JSON object per message and line: {"topic": …, "message": …}.' },
      })
      .example('$0 watch line-3', 'a line per result')
      .example('$0 watch line-3 --camera belt --draw', 'the masks, in colour')
      .example(`$0 watch line-3 --json | jq 'select(.topic | endswith("/event"))'`, 'events, for other programs')
      .epilogue('Until interrupted.'),
  handler: async (args) => (await import('../watch.js')).watch(args),
};
