/** `fastsamd doctor`: whether this machine and a configuration will do. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { loadLocatedConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { stateDirectoryOf } from '../daemon/state-directory.js';
import { runAsService } from '../doctor/as-service.js';
import { checkFiles } from '../doctor/files.js';
import { checkMachine } from '../doctor/machine.js';
import { checkAddon, checkBroker, checkCamera, checkModel, checkTensorRt } from '../doctor/parts.js';
import { readMachine } from '../doctor/read-machine.js';
import { type Check, ok, problem, skipped, table } from '../doctor/report.js';
import { messageOf } from '../errors.js';
import { withoutControls } from '../printable.js';
import { SensorProcess } from '../telemetry/sensors/process.js';

export interface DoctorArguments {
  readonly config: string | undefined;
  readonly json: boolean;
  /** The unit in whose sandbox the checks are made. */
  readonly 'as-service': string | undefined;
}

const COMMAND = fileURLToPath(new URL('../../bin/fastsamd', import.meta.url));

export async function doctor({ config: file, json, 'as-service': asService }: DoctorArguments): Promise<void> {
  if (asService !== undefined) {
    const options = [...(file === undefined ? [] : ['--config', resolve(file)]), ...(json ? ['--json'] : [])];
    process.exitCode = await runAsService(asService || 'fastsamd.service', [process.execPath, COMMAND, 'doctor', ...options]);
    return;
  }
  const { config, check } = await read(file);
  const sensors = new SensorProcess({ folders: [], log: pino({ level: 'silent' }) });
  try {
    const machine = await readMachine(await sensors.sample(), stateDirectoryOf(config ?? { node: '', stateDir: undefined }));
    const checks = [checkAddon(), await checkTensorRt(), ...checkMachine(machine), check, ...(config ? await tryParts(config) : [])];
    process.stdout.write(json ? `${JSON.stringify(checks, null, 2)}\n` : withoutControls(table(checks)));
    if (checks.some(({ status }) => status === 'problem')) process.exitCode = 1;
  } finally {
    sensors.stop();
  }
}

async function read(file: string | undefined): Promise<{ config?: Config; check: Check }> {
  if (file === undefined) return { check: skipped('configuration', 'none given: no model, camera or broker was tried (--config FILE)') };
  const remedy = `fastsamd config check ${file}`;
  try {
    const { config, invalid } = await loadLocatedConfig(resolve(file));
    const problems = await checkFiles(config);
    const check = problems.length === 0 ? ok('configuration', file) : problem('configuration', messageOf(invalid(problems)), remedy);
    return { config, check };
  } catch (error) {
    return { check: problem('configuration', messageOf(error), remedy) };
  }
}

/** One after the other: a model that loads would make a camera look slow. */
async function tryParts(config: Config): Promise<Check[]> {
  const checks = [await checkModel(config)];
  const { enabled, smallModel } = config.governor;
  if (enabled && smallModel !== undefined) checks.push(await checkModel(config, smallModel));
  for (const camera of config.cameras) checks.push(await checkCamera(camera));
  checks.push(await checkBroker(config));
  return checks;
}
