/** Which commands there are. */
import type { CommandEntry } from './command.js';

/** In the order of `--help`, which loads none of them. One file each, and what runs the command in a file of that name above it. */
export const commands: readonly CommandEntry[] = [
  {
    command: 'run',
    describe: 'Run the daemon: cameras in, segments and health out over MQTT, until SIGTERM',
    load: async () => (await import('./run.js')).runCommand,
  },
  {
    command: 'request <node> <verb> [json]',
    describe: 'Ask a running node over MQTT: prompts, state, pictures',
    load: async () => (await import('./request.js')).requestCommand,
  },
  {
    command: 'watch <node>',
    describe: "Show a running node's results, events and state as they come",
    load: async () => (await import('./watch.js')).watchCommand,
  },
  {
    command: 'job',
    describe: 'Give pictures to the nodes that serve a queue of jobs, see who serves it',
    load: async () => (await import('./job.js')).jobCommand,
  },
  {
    command: 'segment <source..>',
    describe: 'Segment pictures, videos or a camera once',
    load: async () => (await import('./segment.js')).segmentCommand,
  },
  {
    command: 'measure <picture>',
    describe: 'Measure the objects of a picture: sizes, shapes, colours, with their uncertainty',
    load: async () => (await import('./measure.js')).measureCommand,
  },
  {
    command: 'inspect <pictures>',
    describe: 'Judge parts by a recipe: OK, NOK or UNSURE, with the values and limits',
    load: async () => (await import('./inspect.js')).inspectCommand,
  },
  {
    command: 'teach <pictures>',
    describe: 'Learn from good parts: limits for a recipe, a golden sample to compare with',
    load: async () => (await import('./teach.js')).teachCommand,
  },
  {
    command: 'verdicts',
    describe: "Read a node's record of inspections: list, show, export, verify",
    load: async () => (await import('./verdicts.js')).verdictsCommand,
  },
  {
    command: 'calibrate',
    describe: 'Millimetres for a camera: a scale, known places, or a grid of dots',
    load: async () => (await import('./calibrate.js')).calibrateCommand,
  },
  {
    command: 'gauge',
    describe: 'How far a camera and its values can be trusted: stability, repeatability, GRR',
    load: async () => (await import('./gauge.js')).gaugeCommand,
  },
  {
    command: 'bench <source>',
    describe: 'Measure latency per stage, frame rate and overhead over the bare network',
    load: async () => (await import('./bench.js')).benchCommand,
  },
  {
    command: 'eval',
    describe: 'Score a model on a benchmark: COCO, LVIS, edges, saliency, anomalies, buildings',
    load: async () => (await import('../eval/index.js')).evalCommand,
  },
  {
    command: 'camera',
    describe: 'Find cameras and try them',
    load: async () => (await import('./camera.js')).cameraCommand,
  },
  {
    command: 'model',
    describe: 'Get, convert and check models',
    load: async () => (await import('./model.js')).modelCommand,
  },
  {
    command: 'engine',
    describe: 'Build, inspect and verify TensorRT engines',
    load: async () => (await import('./engine.js')).engineCommand,
  },
  {
    command: 'config',
    describe: 'Check, explain and print configuration files.',
    load: async () => (await import('./config.js')).configCommand,
  },
  {
    command: 'console',
    describe: 'Users, invitations and certificates of the web console',
    load: async () => (await import('./console.js')).consoleCommand,
  },
  {
    command: 'doctor',
    describe: 'Check this machine and a configuration, and say what to do',
    load: async () => (await import('./doctor.js')).doctorCommand,
  },
  {
    command: 'demo',
    describe: 'Run the daemon on a drawn conveyor belt, with the model and the broker that come with fastsamd',
    load: async () => (await import('./demo.js')).demoCommand,
  },
  {
    command: 'completion [shell]',
    describe: 'Print what completes commands and options in bash, zsh or fish',
    load: async () => (await import('./completion.js')).completionOf(commands),
  },
];
