/** Options of `fastsamd model list | pull | import | convert | info | verify`. */

import type { Argv, CommandModule } from 'yargs';
import { SEGMENTATION_DEFAULTS } from '../../domain/segmentation.js';
import { FastsamError } from '../../errors.js';
import type { FileArguments, ImportArguments, PullArguments } from '../model.js';
import type { ConvertArguments } from '../model-convert.js';
import { type Command, subcommands } from './command.js';

const conversionOptions = {
  imgsz: {
    type: 'string',
    requiresArg: true,
    describe: 'Input size: 640, 1024, or height x width as in 384x640 (16:9 cameras); multiples of 32.',
  },
  half: { type: 'boolean', default: false, describe: 'Store weights as float16: half the file.' },
} as const;

const jsonOption = { json: { type: 'boolean', default: false, describe: 'JSON on stdout.' } } as const;

function fileArguments(yargs: Argv): Argv<FileArguments> {
  return yargs
    .positional('file', { type: 'string', demandOption: true, describe: 'ONNX file, checkpoint, or name of an installed model.' })
    .options(jsonOption);
}

const list: CommandModule<object, { readonly json: boolean }> = {
  command: 'list',
  describe: 'The models that "model pull" knows, and which are installed',
  builder: (yargs) => yargs.options(jsonOption),
  handler: async (args) => (await import('../model.js')).listModels(args),
};

const pull: CommandModule<object, PullArguments> = {
  command: 'pull <name>',
  describe: 'Download a model, check its hash, and import checkpoints as ONNX',
  builder: (yargs) =>
    yargs
      .positional('name', { type: 'string', demandOption: true, describe: 'As "model list" shows.' })
      .options({
        ...conversionOptions,
        from: {
          type: 'string',
          requiresArg: true,
          describe: 'A checkpoint, or the directory of a text model, that is here already (no network); hashes are checked all the same.',
        },
      })
      .example('$0 model pull fastsam-s', 'FastSAM-s at 640×640')
      .example('$0 model pull clip-vit-base-patch32', 'for text prompts')
      .example('$0 model pull fastsam-s --imgsz 384x640', 'for a 16:9 camera: 40 % less work')
      .epilogue('HTTP_PROXY, HTTPS_PROXY and NO_PROXY are respected. An interrupted download goes on where it stopped.'),
  handler: async (args) => (await import('../model.js')).pullModel(args),
};

const importModel: CommandModule<object, ImportArguments> = {
  command: 'import <file>',
  describe: 'Turn a PyTorch checkpoint (FastSAM, YOLOv8n…x-seg) into ONNX, without Python',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', demandOption: true, describe: 'Checkpoint (.pt) as Ultralytics saves it.' })
      .options({
        ...conversionOptions,
        output: { alias: 'o', type: 'string', requiresArg: true, describe: 'ONNX file; beside the checkpoint when absent.' },
      })
      .example('$0 model import FastSAM-s.pt --imgsz 1024', 'writes FastSAM-s.onnx'),
  handler: async (args) => (await import('../model.js')).importModel(args),
};

const convert: CommandModule<object, ConvertArguments> = {
  command: 'convert <model>',
  describe: 'Write a float16 or INT8 copy of an ONNX model',
  builder: (yargs) =>
    yargs
      .positional('model', { type: 'string', demandOption: true, describe: 'Float32 ONNX file or name of an installed model.' })
      .options({
        fp16: { type: 'boolean', default: false, describe: 'Float16: for GPUs. Needs no pictures.' },
        int8: { type: 'boolean', default: false, describe: 'Eight bit integers: fastest on processors without a GPU. Needs --calib.' },
        calib: {
          type: 'string',
          requiresArg: true,
          describe: 'Folder of pictures to calibrate int8 with: 50 or more of what the camera will see.',
        },
        output: {
          alias: 'o',
          type: 'string',
          requiresArg: true,
          describe: 'ONNX file; MODEL.fp16.onnx or MODEL.int8.onnx beside the model when absent.',
        },
      })
      .example('$0 model convert fastsam-s --int8 --calib pictures', 'then: model verify')
      .example('$0 model convert yolov8n-seg.onnx --fp16 -o half.onnx', '')
      .epilogue('Check the result: fastsamd model verify COPY --against MODEL --images DIR'),
  handler: async (args) => (await import('../model-convert.js')).convertModelFile(args),
};

const info: CommandModule<object, FileArguments> = {
  command: 'info <file>',
  describe: 'What a model file is: size, classes, parameters, where it came from',
  builder: fileArguments,
  handler: async (args) => (await import('../model.js')).printModel(args),
};

interface VerifyArguments extends FileArguments {
  readonly against?: string | undefined;
  readonly images?: string | undefined;
  readonly conf: number;
}

const verify: CommandModule<object, VerifyArguments> = {
  command: 'verify <file>',
  describe: 'Check a checkpoint against its published hash, run an ONNX model once, or compare it with another on pictures',
  builder: (yargs) =>
    fileArguments(yargs)
      .options({
        against: {
          type: 'string',
          requiresArg: true,
          describe: 'ONNX model to compare with: the float32 model that FILE was converted from. Needs --images.',
        },
        images: { type: 'string', requiresArg: true, describe: 'Folder of pictures, as many as possible of what the camera will see.' },
        conf: { type: 'number', default: SEGMENTATION_DEFAULTS.conf, describe: 'Score above which something is an object.' },
      })
      .example('$0 model verify fastsam-s.int8.onnx --against fastsam-s.onnx --images pictures', '')
      .epilogue('With --against: exit code 0 when FILE finds what the other model finds, 1 when it does not.'),
  async handler({ against, images, ...args }) {
    if ((against === undefined) !== (images === undefined)) throw new FastsamError('USAGE', '--against MODEL and --images DIR go together');
    if (against === undefined || images === undefined) return (await import('../model.js')).verifyModel(args);
    return (await import('../engine-verify.js')).verifyModelAgainst({ ...args, against, images });
  },
};

export const modelCommand: Command<object> = {
  builder: (yargs) =>
    yargs
      .command(subcommands(list, pull, importModel, convert, info, verify))
      .demandCommand(1, 'expected list, pull, import, convert, info or verify'),
  // A subcommand is demanded, so this is never reached.
  handler() {},
};
