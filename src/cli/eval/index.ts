/** `fastsamd eval TASK`: figures of a model on a benchmark, comparable with published ones. */
import { type Command, type CommandEntry, lazily } from '../commands/command.js';

const tasks: readonly CommandEntry[] = [
  {
    command: 'coco',
    describe: 'AP and AR on COCO or any data set in its format, equal to pycocotools',
    load: async () => (await import('./detection.js')).cocoCommand,
  },
  {
    command: 'lvis',
    describe: 'AP and AR on LVIS by its federated rules, equal to lvis-api',
    load: async () => (await import('./detection.js')).lvisCommand,
  },
  {
    command: 'edges',
    describe: 'Boundaries of everything the model finds, on BSDS500',
    load: async () => (await import('./maps.js')).edgesCommand,
  },
  {
    command: 'saliency',
    describe: 'The salient object: score and distance from the middle of the picture',
    load: async () => (await import('./maps.js')).saliencyCommand,
  },
  {
    command: 'anomaly',
    describe: 'The baseline for anomaly maps: deviation from good pictures, pixel by pixel',
    load: async () => (await import('./anomaly.js')).anomalyCommand,
  },
  {
    command: 'buildings',
    describe: 'Footprints of everything the model outlines, against those of a map',
    load: async () => (await import('./buildings.js')).buildingsCommand,
  },
  {
    command: 'text',
    describe: 'Names of categories as text prompts: what they find, and what they find that is not there',
    load: async () => (await import('./text.js')).textCommand,
  },
  {
    command: 'score',
    describe: 'Score results in the format of a benchmark, without a model',
    load: async () => (await import('./score.js')).scoreCommand,
  },
  {
    command: 'diff <a> <b>',
    describe: 'Compare two reports of one data set, picture draw by picture draw',
    load: async () => (await import('./diff.js')).diffCommand,
  },
];

export const evalCommand: Command<object> = {
  builder: (yargs) =>
    yargs
      .command(tasks.map(lazily))
      .demandCommand(1, 'expected a task: coco, lvis, edges, saliency, anomaly, buildings, text, score or diff')
      .example('$0 eval coco --images val2017 --annotations instances_val2017.json --model fastsam-s', 'proposals of FastSAM-s on COCO')
      .example('$0 eval diff fp32.json int8.json', 'what a precision costs, with its interval'),
  handler: () => {},
};
