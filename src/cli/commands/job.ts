/** Options of `fastsamd job submit | list | watch`. */
import type { CommandModule } from 'yargs';
import { MASK_ENCODINGS } from '../../domain/mask.js';
import { brokerOptions } from '../broker-options.js';
import type { ListOptions, SubmitOptions, WatchJobsOptions } from '../job.js';
import { promptOptions } from '../prompt-options.js';
import { type Command, subcommands } from './command.js';

const jsonOption = { json: { type: 'boolean', default: false, describe: 'JSON Lines on stdout.' } } as const;
// Text prompts are not answered in jobs, and there is nothing to follow in one picture.
const { box, 'min-iou': minIou, point, select, salient, label } = promptOptions;

const submit: CommandModule<object, SubmitOptions> = {
  command: 'submit <queue> <picture..>',
  describe: 'Have pictures segmented by the nodes that serve a queue, and print the answers',
  builder: (yargs) =>
    yargs
      .positional('queue', { type: 'string', demandOption: true, describe: 'Name of the queue: jobs.queues of the nodes.' })
      .positional('picture', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'JPEG and PNG files, folders, patterns ("a/*.jpg"), - for standard input.',
      })
      .options({ box, 'min-iou': minIou, point, select, salient, label })
      .options({
        prompts: { type: 'string', requiresArg: true, describe: 'A list of prompts as JSON, @FILE, in place of the options above.' },
        objects: { choices: ['matched', 'all'] as const, default: 'matched' as const, describe: 'With prompts: which objects come back.' },
        mask: { choices: MASK_ENCODINGS, default: 'rle' as const, describe: 'How masks are written with --json.' },
        parallel: { type: 'number', requiresArg: true, default: 4, describe: 'Jobs that wait for their answer at a time.' },
        timeout: { type: 'number', requiresArg: true, default: 60, describe: 'Seconds to wait for the answer to a job.' },
        ...jsonOption,
        ...brokerOptions,
      })
      .example('$0 job submit inspect part.jpg', 'by whichever node is free')
      .example('$0 job submit inspect "photos/*.jpg" --json --mask polygon > results.jsonl', 'a line of JSON per picture')
      .example('$0 job submit inspect part.jpg --box 90,40,300,420 --broker mqtts://plant.example', 'the object in a box')
      .epilogue('Exit code 0 when every picture was segmented, 1 otherwise. An interrupted job is done all the same; its answer is lost.'),
  handler: async (args) => (await import('../job.js')).submitJobs(args),
};

const list: CommandModule<object, ListOptions> = {
  command: 'list [queue]',
  describe: 'The workers of all queues or of one, and whether they have begun a job',
  builder: (yargs) =>
    yargs
      .positional('queue', { type: 'string', describe: 'Only this queue.' })
      .options({ ...jsonOption, ...brokerOptions })
      .example('$0 job list', 'who serves which queue')
      .epilogue('Exit code 1 when no worker is online. How many jobs wait is known to the broker alone.'),
  handler: async (args) => (await import('../job.js')).listWorkers(args),
};

const watch: CommandModule<object, WatchJobsOptions> = {
  command: 'watch [queue]',
  describe: 'Workers that come and go, and the answers that went to no response topic, as they come',
  builder: (yargs) =>
    yargs
      .positional('queue', { type: 'string', describe: 'Only this queue.' })
      .options({ ...jsonOption, ...brokerOptions })
      .example('$0 job watch inspect', 'a line per answer')
      .epilogue('Until interrupted.'),
  handler: async (args) => (await import('../job.js')).watchJobs(args),
};

export const jobCommand: Command<object> = {
  builder: (yargs) => yargs.command(subcommands(submit, list, watch)).demandCommand(1, 'expected submit, list or watch'),
  // A subcommand is demanded, so this is never reached.
  handler() {},
};
