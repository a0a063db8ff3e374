/** Temperatures of all zones with their limits, and what the kernel does about them. */
import type { SensorFiles } from './files.js';

export interface Zone {
  /** `cpu`, `gpu`, `tj` (the junction, hottest of all) on a Jetson. */
  readonly name: string;
  readonly celsius: number | null;
  /** From here on the kernel slows the machine down; null when the zone does not say. */
  readonly throttleCelsius: number | null;
  /** Here it switches off. */
  readonly criticalCelsius: number | null;
}

export interface Cooling {
  /** Null when the machine has no devices that would tell. */
  readonly active: boolean | null;
  /** Those that throttle now: `gpu-throttle-alert`. */
  readonly devices: readonly string[];
}

const THERMAL = '/sys/class/thermal';
const HWMON = '/sys/class/hwmon';
/** What Jetson kernels say for a zone whose unit is powered down, in °C. */
const POWERED_DOWN = -256;
const MAX_TRIP_POINTS = 12;

/** Names of hwmon chips that hold the processor's temperature on a PC. */
const PROCESSOR_CHIPS = ['coretemp', 'k10temp', 'zenpower'];

/** Thermal zones, and on a PC the processor's own sensor under the name `cpu`. */
export function readZones(files: SensorFiles): Zone[] {
  const zones = files
    .list(THERMAL)
    .filter((name) => name.startsWith('thermal_zone'))
    .map((name) => readZone(files, `${THERMAL}/${name}`));
  const named = distinct(zones);
  if (named.some(({ name }) => name === 'cpu')) return named;
  const processor = readProcessor(files);
  return processor ? [...named, processor] : named;
}

function readZone(files: SensorFiles, folder: string): Zone {
  const milli = files.number(`${folder}/temp`, { min: POWERED_DOWN * 1000, max: 200_000 });
  const celsius = milli === null || milli === POWERED_DOWN * 1000 ? null : milli / 1000;
  // JetPack 5 says CPU-therm, 6 and 7 say cpu-thermal, mainline kernels cpu_thermal.
  const type = files.read(`${folder}/type`) ?? folder.slice(THERMAL.length + 1);
  const name = slug(type.replace(/[-_](therm|thermal)$/i, ''));
  let throttleCelsius: number | null = null;
  let criticalCelsius: number | null = null;
  for (let trip = 0; trip < MAX_TRIP_POINTS; trip += 1) {
    const kind = files.read(`${folder}/trip_point_${trip}_type`);
    if (kind === null) break;
    if (kind !== 'passive' && kind !== 'hot' && kind !== 'critical') continue;
    const limit = files.number(`${folder}/trip_point_${trip}_temp`, { min: POWERED_DOWN * 1000, scale: 0.001 });
    if (limit === null || limit <= 0) continue;
    if (kind === 'critical') criticalCelsius = lower(criticalCelsius, limit);
    else throttleCelsius = lower(throttleCelsius, limit);
  }
  return { name, celsius, throttleCelsius, criticalCelsius };
}

function readProcessor(files: SensorFiles): Zone | null {
  for (const chip of files.list(HWMON)) {
    const folder = `${HWMON}/${chip}`;
    if (!PROCESSOR_CHIPS.includes(files.read(`${folder}/name`) ?? '')) continue;
    const limit = (attribute: string) => files.number(`${folder}/temp1_${attribute}`, { max: 200_000, scale: 0.001 });
    return { name: 'cpu', celsius: limit('input'), throttleCelsius: limit('max'), criticalCelsius: limit('crit') };
  }
  return null;
}

/** Alerts of the kernel's thermal framework; a fan that runs is no alert. */
export function readCooling(files: SensorFiles): Cooling {
  const states = files
    .list(THERMAL)
    .filter((name) => name.startsWith('cooling_device'))
    .map((name) => ({ folder: `${THERMAL}/${name}`, type: files.read(`${THERMAL}/${name}/type`) ?? '' }))
    .filter(({ type }) => type.endsWith('-alert'))
    .map(({ folder, type }) => ({ type, state: files.number(`${folder}/cur_state`) }))
    .filter(({ state }) => state !== null);
  const devices = states.filter(({ state }) => state !== 0).map(({ type }) => type);
  return { active: states.length === 0 ? null : devices.length > 0, devices };
}

function lower(a: number | null, b: number): number {
  return a === null ? b : Math.min(a, b);
}

/** Two zones of one name get numbers, so that neither hides the other. */
function distinct(zones: readonly Zone[]): Zone[] {
  const seen = new Map<string, number>();
  return zones.map((zone) => {
    const count = (seen.get(zone.name) ?? 0) + 1;
    seen.set(zone.name, count);
    return count === 1 ? zone : { ...zone, name: `${zone.name}-${count}` };
  });
}

function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 64);
}
