/** Options of `fastsamd engine build | info | verify`. */
import type { CommandModule } from 'yargs';
import type { BuildArguments, InfoArguments } from '../engine.js';
import { type Command, subcommands } from './command.js';
import { engineVerify } from './engine-verify.js';

const build: CommandModule<object, BuildArguments> = {
  command: 'build <model>',
  describe: "Build a TensorRT engine for this machine's GPU, in a separate process",
  builder: (yargs) =>
    yargs
      .positional('model', { type: 'string', demandOption: true, describe: 'ONNX file or name of an installed model.' })
      .options({
        fp16: { type: 'boolean', default: false, describe: 'Half precision; the default.' },
        fp32: { type: 'boolean', default: false, describe: 'Single precision.' },
        int8: {
          type: 'boolean',
          default: false,
          describe: 'Eight bit integers; needs --calib unless the model is in 8 bit already.',
        },
        calib: {
          type: 'string',
          requiresArg: true,
          describe: 'Folder of pictures of what the camera will see: to calibrate int8 with, and to verify the engine with.',
        },
        workspace: { type: 'number', default: 0, describe: 'Scratch memory of the builder, MiB; 0: all there is.' },
        optimization: {
          type: 'number',
          default: 3,
          describe: 'How long to look for fast tactics, 0 to 5: less builds sooner and with less memory.',
        },
        dla: { type: 'number', describe: 'Deep Learning Accelerator core; layers it lacks run on the GPU.' },
        output: { alias: 'o', type: 'string', requiresArg: true, describe: 'Engine file; MODEL.fp16.engine beside the model when absent.' },
      })
      .example('$0 engine build fastsam-s', 'what "run" would do at its first start')
      .example('$0 engine build FastSAM-s.onnx --int8 --calib pictures', 'calibrates, builds and verifies'),
  handler: async (args) => (await import('../engine.js')).build(args),
};

const info: CommandModule<object, InfoArguments> = {
  command: 'info <file>',
  describe: 'What an engine file was built from and for, and whether this machine can use it',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', demandOption: true, describe: 'Engine file.' })
      .options({ json: { type: 'boolean', default: false, describe: 'JSON on stdout.' } }),
  handler: async (args) => (await import('../engine.js')).printEngine(args),
};

export const engineCommand: Command<object> = {
  builder: (yargs) => yargs.command(subcommands(build, info, engineVerify)).demandCommand(1, 'expected build, info or verify'),
  // A subcommand is demanded, so this is never reached.
  handler() {},
};
