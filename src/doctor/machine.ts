/** Checks of the machine: device access, JetPack and its libraries, power mode, disk, clock. Pure over what was looked at. */
import type { SensorReadings } from '../telemetry/sensors/readings.js';
import { type Check, ok, problem, skipped, warning } from './report.js';

/** What a look at the machine shows. */
export interface Machine {
  readonly readings: SensorReadings;
  /** Groups of this process by name, and those that the machine has. */
  readonly groups: { readonly mine: readonly string[]; readonly all: readonly string[]; readonly root: boolean };
  /** Device nodes of cameras and GPUs, and whether they open for reading and writing. */
  readonly devices: readonly { readonly path: string; readonly accessible: boolean }[];
  /** Versions of what is installed; null: not found. */
  readonly tensorrt: string | null;
  readonly cuda: string | null;
  /** Null: cannot be told. */
  readonly clock: { readonly year: number; readonly synchronized: boolean | null };
  readonly state: { readonly folder: string; readonly writable: boolean; readonly freeBytes: number | null };
}

interface JetPack {
  readonly name: string;
  /** Jetson Linux. */
  readonly l4t: RegExp;
  readonly tensorrt: string;
  readonly cuda: string;
}

/** Major and minor versions that belong together. */
const JETPACKS: readonly JetPack[] = [
  { name: 'JetPack 5.1', l4t: /^35\./, tensorrt: '8.5', cuda: '11.4' },
  { name: 'JetPack 6.0', l4t: /^36\.[0-3]\b/, tensorrt: '8.6', cuda: '12.2' },
  { name: 'JetPack 6.1 or 6.2', l4t: /^36\./, tensorrt: '10.3', cuda: '12.6' },
  { name: 'JetPack 7.0 or 7.1', l4t: /^38\./, tensorrt: '10.13', cuda: '13.0' },
  { name: 'JetPack 7.2', l4t: /^39\./, tensorrt: '10.16', cuda: '13.2' },
];
const MIN_FREE_BYTES = 1024 ** 3;
/** Before this year a clock was never set. */
const FIRST_YEAR = 2025;

export function checkMachine(machine: Machine): Check[] {
  return [
    checkGroups(machine),
    checkDevices(machine),
    checkJetPack(machine),
    checkPowerMode(machine),
    checkHeat(machine),
    checkSensors(machine),
    checkState(machine),
    checkClock(machine),
  ];
}

function checkGroups({ groups }: Machine): Check {
  const name = 'groups';
  if (groups.root)
    return warning(name, 'running as root, to whom everything is open', 'run as the user of the service: sudo -u fastsamd fastsamd doctor');
  const missing = ['video', 'render'].filter((group) => groups.all.includes(group) && !groups.mine.includes(group));
  if (missing.length === 0) return ok(name, 'in video and render, as far as there are such groups');
  return problem(name, `not in ${missing.join(' and ')}`, `sudo usermod -aG ${missing.join(',')} USER, then log in again`);
}

function checkDevices({ devices }: Machine): Check {
  const name = 'devices';
  const closed = devices.filter(({ accessible }) => !accessible).map(({ path }) => path);
  if (closed.length > 0)
    return problem(
      name,
      `no access to ${closed.join(', ')}`,
      'see groups above; in a container pass the devices in; of the service see DeviceAllow in its unit',
    );
  if (devices.length === 0)
    return warning(name, 'neither a camera nor a GPU is there', 'fine for network cameras and the processor; else plug one in');
  return ok(name, devices.map(({ path }) => path).join(', '));
}

function checkJetPack({ readings, tensorrt, cuda }: Machine): Check {
  const name = 'jetpack';
  const { model, l4t } = readings.board;
  const found = `TensorRT ${tensorrt ?? 'not found'}, CUDA ${cuda ?? 'not found'}`;
  if (l4t === null) return skipped(name, `no Jetson (${model ?? 'unknown machine'}); ${found}`);
  const jetpack = JETPACKS.find((each) => each.l4t.test(l4t));
  if (!jetpack) return problem(name, `Jetson Linux ${l4t} is not supported`, 'install JetPack 5.1, 6 or 7');
  const fits = (version: string | null, expected: string) => version !== null && `${version}.`.startsWith(`${expected}.`);
  const expected = `TensorRT ${jetpack.tensorrt}, CUDA ${jetpack.cuda}`;
  if (fits(tensorrt, jetpack.tensorrt) && fits(cuda, jetpack.cuda)) return ok(name, `${jetpack.name} (Jetson Linux ${l4t}), ${found}`);
  return warning(
    name,
    `${jetpack.name} (Jetson Linux ${l4t}) comes with ${expected}; this machine has ${found}`,
    'sudo apt-get install nvidia-jetpack',
  );
}

function checkPowerMode({ readings }: Machine): Check {
  const name = 'power mode';
  const { powerMode } = readings;
  if (powerMode === null) return skipped(name, 'no nvpmodel on this machine');
  const shown = `${powerMode.name ?? 'unknown'} (${powerMode.id})`;
  if (powerMode.name?.startsWith('MAXN')) return ok(name, shown);
  // A mode is somebody's choice: of the power supply, the battery or the cooling.
  return ok(name, `${shown}, which limits the clocks (sudo nvpmodel -p --verbose lists modes)`);
}

function checkHeat({ readings }: Machine): Check {
  const name = 'heat and power';
  const { cooling, overCurrent, zones } = readings;
  if (cooling.active)
    return warning(name, `heat slows the machine down (${cooling.devices.join(', ')})`, 'check fan, heat sink and ambient temperature');
  const events = overCurrent ? (overCurrent.underVoltage ?? 0) + (overCurrent.average ?? 0) : 0;
  if (events > 0)
    return warning(
      name,
      `${events} under-voltage or over-current events since it was switched on`,
      'check the power supply and its cable, or choose a lower power mode',
    );
  const hottest = zones.filter(({ celsius }) => celsius !== null).sort((a, b) => b.celsius! - a.celsius!)[0];
  return hottest ? ok(name, `hottest: ${hottest.name}, ${hottest.celsius!.toFixed(0)} °C`) : skipped(name, 'no temperature sensors');
}

function checkSensors({ readings }: Machine): Check {
  const name = 'sensors';
  if (readings.problems.length === 0) return ok(name, `${readings.zones.length} zones, ${readings.rails.length} power rails`);
  const [first] = readings.problems;
  return warning(
    name,
    `${readings.problems.length} cannot be used; ${first!.path}: ${first!.reason}`,
    'they are null in telemetry; nothing else depends on them',
  );
}

function checkState({ state }: Machine): Check {
  const name = 'state folder';
  if (!state.writable)
    return problem(name, `${state.folder} cannot be written to`, `sudo install -d -o USER ${state.folder}, or set stateDir`);
  if (state.freeBytes !== null && state.freeBytes < MIN_FREE_BYTES)
    return warning(
      name,
      `${Math.round(state.freeBytes / 2 ** 20)} MiB are free in ${state.folder}`,
      'make room: events and prompts are kept there',
    );
  return ok(name, `${state.folder}${state.freeBytes === null ? '' : `, ${(state.freeBytes / 2 ** 30).toFixed(1)} GiB free`}`);
}

function checkClock({ clock }: Machine): Check {
  const name = 'clock';
  if (clock.year < FIRST_YEAR)
    return problem(name, `the year is ${clock.year}`, 'sudo timedatectl set-ntp true; TLS and timestamps need a clock');
  if (clock.synchronized === false) return warning(name, 'not synchronized', 'sudo timedatectl set-ntp true');
  return ok(name, clock.synchronized ? 'synchronized' : 'plausible; whether it is synchronized cannot be told');
}
