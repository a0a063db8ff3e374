/** Options of `fastsamd demo`. */
import type { DemoArguments } from '../demo.js';
import type { Command } from './command.js';

export const demoCommand: Command<DemoArguments> = {
  builder: (yargs) =>
    yargs.options({
      broker: {
        type: 'string',
        requiresArg: true,
        describe: 'mqtt://HOST:PORT of a broker; one is started on a free loopback port when absent.',
      },
      source: { type: 'string', requiresArg: true, describe: 'As for segment; a drawn conveyor belt with prompts when absent.' },
      inspect: {
        type: 'boolean',
        default: false,
        describe: 'A belt of plates with two bores that are inspected: OK, NOK or UNSURE for each.',
      },
      model: {
        type: 'string',
        requiresArg: true,
        describe: 'Name of an installed model (fastsam-s), or an ONNX file; the small one that comes with fastsamd when absent.',
      },
      out: {
        type: 'string',
        requiresArg: true,
        default: 'fastsamd-demo.jpg',
        describe: 'Where to write a frame with what was found drawn on it: a .jpg, .png or .webp file.',
      },
      frames: { type: 'number', requiresArg: true, describe: 'Stop by itself after this many results.' },
    }),
  handler: async (args) => (await import('../demo.js')).demo(args),
};
