/** Power rails with their alarms (INA3221 and its kin), and the over-current events of Tegra's soctherm. */
import type { SensorFiles } from './files.js';

export interface Rail {
  /** As the board names it: `VDD_IN`, `VDD_CPU_GPU_CV`. */
  readonly name: string;
  readonly volts: number | null;
  readonly amps: number | null;
  readonly watts: number | null;
  /** Current above which the alarm is set; null when there is none. */
  readonly maxAmps: number | null;
  readonly critAmps: number | null;
  readonly maxAlarm: boolean | null;
  readonly critAlarm: boolean | null;
}

/** Events since boot. Each slows the machine down until it is over. */
export interface OverCurrent {
  readonly underVoltage: number | null;
  readonly average: number | null;
  readonly instantaneous: number | null;
}

const HWMON = '/sys/class/hwmon';
const MONITORS = /^ina(3221|2\d\d)/;

/** A calibration offset may show an idle rail as slightly negative; more than this is no reading. */
const MIN_MILLIAMPS = -1000;

export function readRails(files: SensorFiles): Rail[] {
  return files.list(HWMON).flatMap((chip) => {
    const folder = `${HWMON}/${chip}`;
    const driver = files.read(`${folder}/name`) ?? '';
    return MONITORS.test(driver) ? readMonitor(files, folder, driver) : [];
  });
}

function readMonitor(files: SensorFiles, folder: string, driver: string): Rail[] {
  const names = files.list(folder);
  const channels = names.flatMap((name) => /^curr(\d+)_input$/.exec(name)?.[1] ?? []);
  return channels.flatMap((channel) => {
    const label = files.read(`${folder}/in${channel}_label`) ?? files.read(`${folder}/label`) ?? driver;
    // Channels without a load, and the sum of the shunts, which is no rail.
    if (label === 'NC' || label.includes('shunt')) return [];
    const attribute = (name: string, min = 0) => {
      const file = `${name.replace('#', channel)}`;
      return names.includes(file) ? files.number(`${folder}/${file}`, { min }) : null;
    };
    const alarm = (name: string) => {
      const value = attribute(name);
      return value === null ? null : value !== 0;
    };
    const milliVolts = attribute('in#_input');
    const milliAmps = attribute('curr#_input', MIN_MILLIAMPS);
    const microWatts = attribute('power#_input');
    return {
      name: label.slice(0, 64),
      volts: scaled(milliVolts, 1e-3),
      amps: scaled(milliAmps, 1e-3),
      watts: scaled(microWatts ?? product(milliVolts, milliAmps), 1e-6),
      maxAmps: scaled(attribute('curr#_max'), 1e-3),
      critAmps: scaled(attribute('curr#_crit'), 1e-3),
      maxAlarm: alarm('curr#_max_alarm'),
      critAlarm: alarm('curr#_crit_alarm'),
    };
  });
}

/** Null where no hwmon device counts such events. */
export function readOverCurrent(files: SensorFiles): OverCurrent | null {
  for (const chip of files.list(HWMON)) {
    const folder = `${HWMON}/${chip}`;
    if (files.read(`${folder}/name`) !== 'soctherm_oc') continue;
    const events = (kind: number) => files.number(`${folder}/oc${kind}_event_cnt`);
    return { underVoltage: events(1), average: events(2), instantaneous: events(3) };
  }
  return null;
}

function product(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a * b;
}

/** Rounded to thousandths: the sensors resolve no more. */
function scaled(value: number | null, scale: number): number | null {
  return value === null ? null : Math.round(value * scale * 1000) / 1000;
}
