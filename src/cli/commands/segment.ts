/** Options of `fastsamd segment`. */
import { MASK_ENCODINGS } from '../../domain/mask.js';
import { exportOptions } from '../export-options.js';
import { modelOptions, segmentationOptions } from '../model-options.js';
import { promptOptions } from '../prompt-options.js';
import type { SegmentArguments } from '../segment-sources.js';
import { tileOptions } from '../tile-options.js';
import { trackOptions } from '../track-options.js';
import type { Command } from './command.js';

export const segmentCommand: Command<SegmentArguments> = {
  builder: (yargs) =>
    yargs
      .positional('source', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'Pictures, folders, videos, patterns ("a/*.jpg"), URLs, - for standard input, 0 for the first camera, test:conveyor',
      })
      .options({ ...modelOptions, ...segmentationOptions, ...promptOptions, ...trackOptions, ...tileOptions })
      .options({
        mask: { choices: MASK_ENCODINGS, default: 'rle' as const, describe: 'How masks are written with --json.' },
        frames: { type: 'number', describe: 'Stop after this many frames of each source.' },
        json: { type: 'boolean', default: false, describe: 'One JSON result per frame on stdout, and nothing else.' },
        out: { type: 'string', requiresArg: true, describe: 'Annotated result: a picture, a video (.mp4, .mkv) or a directory.' },
        ...exportOptions,
      })
      .example('$0 segment photo.jpg --model FastSAM-s.onnx --out marked.jpg', 'everything in a photo, drawn')
      .example('$0 segment "photos/*.jpg" --model FastSAM-s.onnx --save-txt labels/ --coco all.json', 'a dataset')
      .example('$0 segment photo.jpg --model FastSAM-s.onnx --point 320,240 --cutouts parts/', 'the object at a point, cut out')
      .example('$0 segment clip.mp4 --model FastSAM-s.onnx --line gate=960,0,960,1080 --out counted.mp4', 'how many cross a line')
      .example('$0 segment photo.jpg --model FastSAM-s.onnx --box 90,40,300,420 --json', 'the object in a box, as JSON')
      .example(
        '$0 segment photo.jpg --model FastSAM-s.onnx --text "a yellow dog"',
        'what a text describes (fastsamd model pull clip-vit-base-patch32)',
      )
      .example('$0 segment ortho.tif --model FastSAM-s.onnx --tile 1024 --coco all.json', 'a large picture, tile by tile')
      .example(
        '$0 segment clip.mp4 --model FastSAM-s.onnx --point 320,240 --point 20,20,0 --out marked.mp4',
        'the object at a point, not the one at another',
      ),
  handler: async (args) => (await import('../segment.js')).segment(args),
};
