/** Options of `fastsamd camera list | probe`. */
import type { CommandModule } from 'yargs';
import { TRANSPORTS } from '../../domain/picture.js';
import type { ProbeArguments } from '../camera.js';
import { MAX_FRAMES } from '../probe-measure.js';
import { type Command, subcommands } from './command.js';

const jsonOption = { json: { type: 'boolean', default: false, describe: 'JSON on stdout.' } } as const;

/** What a camera in the configuration may say beside its source, and a probe may need. */
const accessOptions = {
  username: { type: 'string', requiresArg: true, describe: 'Log in to a network camera under this name.' },
  'password-file': { type: 'string', requiresArg: true, describe: 'File whose first line is the password; or FASTSAMD_CAMERA_PASSWORD.' },
  'insecure-tls': { type: 'boolean', default: false, describe: 'rtsps and https: accept any certificate.' },
  transport: { choices: TRANSPORTS, default: 'tcp' as const, describe: 'RTSP: how packets come.' },
  'latency-ms': { type: 'number', default: 200, describe: 'RTSP: how long to wait for late packets.' },
} as const;

const list: CommandModule<object, { readonly json: boolean }> = {
  command: 'list',
  describe: 'The V4L2 cameras of this machine: stable names, formats, sizes and rates',
  builder: (yargs) => yargs.options(jsonOption).example('$0 camera list', 'a stable name goes behind v4l2: as a source'),
  handler: async (args) => (await import('../camera.js')).listCameras(args),
};

const probe: CommandModule<object, ProbeArguments> = {
  command: 'probe <uri>',
  describe: 'Open a source and measure frame rate, jitter and latency',
  builder: (yargs) =>
    yargs
      .positional('uri', { type: 'string', demandOption: true, describe: 'As "source" in the configuration: v4l2:, csi:, rtsp://, …' })
      .options({
        seconds: { type: 'number', default: 5, describe: 'Measure for this long after the first frame.' },
        frames: { type: 'number', default: MAX_FRAMES, describe: 'Stop earlier, after this many frames.' },
        snapshot: { type: 'string', requiresArg: true, describe: 'JPEG file for the last frame.' },
        ...accessOptions,
        ...jsonOption,
      })
      .example('$0 camera probe rtsp://192.168.1.20/stream1 --snapshot view.jpg', 'does it answer, how well, and what does it see')
      .example('$0 camera probe v4l2:/dev/video0 --frames 300 --json', 'for a script')
      .epilogue(
        'Latency: age of a frame when fastsamd gets it. What a network camera and its network add is not in it. Cpu: of this process, decoding included.',
      ),
  handler: async (args) => (await import('../camera.js')).probeCamera(args),
};

export const cameraCommand: Command<object> = {
  builder: (yargs) => yargs.command(subcommands(list, probe)).demandCommand(1, 'expected list or probe'),
  // A subcommand is demanded, so this is never reached.
  handler() {},
};
