/** Options of `fastsamd bench`. */
import type { BenchArguments } from '../bench.js';
import { modelOptions, segmentationOptions } from '../model-options.js';
import { promptOptions } from '../prompt-options.js';
import { trackOptions } from '../track-options.js';
import type { Command } from './command.js';

export const benchCommand: Command<BenchArguments> = {
  builder: (yargs) =>
    yargs
      .positional('source', {
        type: 'string',
        demandOption: true,
        describe: 'A video, a directory of pictures, or test:shapes?realtime=false',
      })
      .options({ ...modelOptions, ...segmentationOptions })
      .options({
        frames: { type: 'number', default: 100, describe: 'Frames to measure.' },
        text: { ...promptOptions.text, describe: 'Measure what this text prompt adds, too. Repeat for more prompts.' },
        'text-model': promptOptions['text-model'],
        track: { type: 'boolean', default: false, describe: 'Measure what tracking costs, too: rates with and without it, in turns.' },
        'camera-motion': trackOptions['camera-motion'],
        json: { type: 'boolean', default: false, describe: 'The figures as one JSON object on stdout.' },
      })
      .example('$0 bench clip.mp4 --model FastSAM-s.onnx', 'overhead 0.05: the pipeline runs at 95 % of the network’s own rate')
      .example('$0 bench clip.mp4 --model FastSAM-s.onnx --track', 'with tracking 0.99 of the rate without; an update takes 0.42 ms')
      .epilogue(
        'overhead = rate of the network alone / rate of the pipeline − 1, both measured in turns in this run. Test scenes are drawn before the measurement begins.',
      ),
  handler: async (args) => (await import('../bench.js')).bench(args),
};
