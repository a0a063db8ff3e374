/** `fastsamd eval TASK`: figures of a model on a benchmark, comparable with published ones. */
import { type Command, subcommands } from '../commands/command.js';
import { anomalyCommand } from './anomaly.js';
import { buildingsCommand } from './buildings.js';
import { cocoCommand, lvisCommand } from './detection.js';
import { diffCommand } from './diff.js';
import { edgesCommand, saliencyCommand } from './maps.js';
import { scoreCommand } from './score.js';

export const evalCommand: Command<object> = {
  builder: (yargs) =>
    yargs
      .command(
        subcommands(cocoCommand, lvisCommand, edgesCommand, saliencyCommand, anomalyCommand, buildingsCommand, scoreCommand, diffCommand),
      )
      .demandCommand(1, 'expected a task: coco, lvis, edges, saliency, anomaly, buildings, score or diff')
      .example('$0 eval coco --images val2017 --annotations instances_val2017.json --model fastsam-s', 'proposals of FastSAM-s on COCO')
      .example('$0 eval diff fp32.json int8.json', 'what a precision costs, with its interval'),
  handler: () => {},
};
