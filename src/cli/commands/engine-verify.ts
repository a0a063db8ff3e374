/** Options of `fastsamd engine verify`. */

import type { CommandModule } from 'yargs';
import { SEGMENTATION_DEFAULTS } from '../../domain/segmentation.js';
import type { VerifyArguments } from '../engine-verify.js';

export const engineVerify: CommandModule<object, VerifyArguments> = {
  command: 'verify <engine>',
  describe: 'Compare an engine with its ONNX model on pictures, and note the verdict beside the engine',
  builder: (yargs) =>
    yargs
      .positional('engine', { type: 'string', demandOption: true, describe: 'Engine file.' })
      .options({
        against: {
          type: 'string',
          demandOption: true,
          requiresArg: true,
          describe: 'The ONNX model it was built from; runs on onnxruntime.',
        },
        images: {
          type: 'string',
          demandOption: true,
          requiresArg: true,
          describe: 'Folder of pictures, as many as possible of what the camera will see.',
        },
        conf: { type: 'number', default: SEGMENTATION_DEFAULTS.conf, describe: 'Score above which something is an object.' },
        json: { type: 'boolean', default: false, describe: 'The figures as one JSON object on stdout.' },
      })
      .example('$0 engine verify fastsam-s.int8.engine --against fastsam-s.onnx --images pictures', '')
      .epilogue('Exit code 0 when the engine passes, 1 when it does not.'),
  handler: async (args) => (await import('../engine-verify.js')).verifyEngine(args),
};
