/** `fastsamd run`: the daemon. */
import { resolve } from 'node:path';
import type { CommandModule } from 'yargs';
import { Daemon } from '../app/daemon.js';
import { createLog, isJournal } from '../app/log.js';
import { ServiceManager } from '../app/service.js';
import { loadConfig } from '../config/load.js';
import { messageOf } from '../errors.js';

interface RunArguments {
  readonly config: string;
}

export const runCommand: CommandModule<object, RunArguments> = {
  command: 'run',
  describe: 'Run the daemon: cameras in, segments and health out over MQTT, until SIGTERM',
  builder: (yargs) =>
    yargs
      .option('config', {
        type: 'string',
        demandOption: true,
        requiresArg: true,
        describe: 'Configuration file (YAML); config/default.yaml is a commented start.',
      })
      .example('$0 run --config /etc/fastsamd/config.yaml', '')
      .epilogue('SIGTERM or SIGINT: finish the frame in flight and exit 0. SIGHUP: read the configuration again.'),
  handler: run,
};

async function run(args: RunArguments): Promise<void> {
  const file = resolve(args.config);
  const config = await loadConfig(file);
  const log = createLog({ level: config.log.level, node: config.node, journald: isJournal(process.env) });
  const daemon = new Daemon({
    config,
    log,
    readConfig: () => loadConfig(file),
    service: new ServiceManager({ environment: process.env, log }),
  });

  const terminate = (signal: NodeJS.Signals) => {
    log.info({ signal }, `${signal}: stopping`);
    void daemon.stop(signal);
  };
  const reload = async () => {
    try {
      const { applied, restart } = await daemon.reload(await loadConfig(file));
      log.info(
        { applied, restart },
        `SIGHUP: ${applied.length} changes applied; ${restart.length === 0 ? 'none needs' : `${restart.join(', ')} need`} a restart`,
      );
    } catch (error) {
      log.error({ reason: messageOf(error) }, 'SIGHUP: the configuration stays as it was');
    }
  };
  process.once('SIGTERM', terminate).once('SIGINT', terminate).on('SIGHUP', reload);

  await daemon.start();
  await daemon.finished();
}
