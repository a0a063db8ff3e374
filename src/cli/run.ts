/** `fastsamd run`: the daemon. */
import { resolve } from 'node:path';
import { native } from '../addon/addon.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { Daemon } from '../daemon/daemon.js';
import { createLog, isJournal } from '../daemon/log.js';
import { ServiceManager } from '../daemon/service.js';
import { takeStandardError } from '../daemon/standard-error.js';
import { exposures } from '../doctor/exposure.js';
import { messageOf } from '../errors.js';

/** From a signal to the end of the process, whatever hangs: a driver, a model that is being loaded, a disk. */
const STOP_MS = 4200;
/** Told so long after the signal, so that the log names the reason. */
const STOP_WARNING_MS = 3800;
/** From the end of the daemon to the end of the process. */
const EXIT_MS = 1000;

export interface RunArguments {
  readonly config: string;
  /** In place of log.level of the file, after a reload as well. */
  readonly logLevel?: Config['log']['level'] | undefined;
}

export async function run(args: RunArguments): Promise<void> {
  // Node would open its inspector, with which any local user may run code in the daemon.
  process.on('SIGUSR1', () => undefined);
  const file = resolve(args.config);
  const readConfig = async (): Promise<Config> => {
    const config = await loadConfig(file);
    return args.logLevel === undefined ? config : { ...config, log: { ...config.log, level: args.logLevel } };
  };
  const config = await readConfig();
  const readable = process.stderr.isTTY === true;
  const stderr = takeStandardError();
  const log = createLog({ level: config.log.level, node: config.node, destination: stderr, journald: isJournal(process.env), readable });
  const daemon = new Daemon({
    config,
    log,
    readConfig,
    service: new ServiceManager({ environment: process.env, log }),
    lostLogLines: () => stderr.lost,
  });

  for (const line of await exposures(config)) log.warn(line);

  const stopped = new Promise<void>((resolve) => {
    const terminate = async (signal: NodeJS.Signals) => {
      log.info({ signal }, `${signal}: stopping`);
      native().endProcessAfter(STOP_MS, 1);
      const warning = setTimeout(() => log.error(`${signal}: something does not stop; the process ends without it`), STOP_WARNING_MS);
      await daemon.stop(signal);
      clearTimeout(warning);
      native().endProcessAfter(EXIT_MS, 0);
      resolve();
    };
    process.once('SIGTERM', terminate).once('SIGINT', terminate);
  });
  const reload = coalesced(async () => {
    try {
      const { applied, restart } = await daemon.reload(await readConfig());
      log.info(
        { applied, restart },
        `SIGHUP: ${applied.length} changes applied; ${restart.length === 0 ? 'none needs' : `${restart.join(', ')} need`} a restart`,
      );
    } catch (error) {
      log.error({ reason: messageOf(error) }, 'SIGHUP: the configuration stays as it was');
    }
  });
  process.on('SIGHUP', reload);

  // A model that hangs while it is loaded must not hold up the end: what was asked to stop has stopped.
  await Promise.race([daemon.start().then(() => daemon.finished()), stopped]);
}

/** `work` for any number of calls: one run at a time, and one more for all calls that came meanwhile. */
function coalesced(work: () => Promise<void>): () => void {
  let running = false;
  let again = false;
  const run = async () => {
    if (running) {
      again = true;
      return;
    }
    running = true;
    do {
      again = false;
      await work();
    } while (again);
    running = false;
  };
  return () => void run();
}
