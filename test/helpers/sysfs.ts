/** Trees of small files as the kernels of real machines show them, cut down to what is read. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Paths to contents. */
export type Tree = Readonly<Record<string, string | number>>;

export function plant(root: string, tree: Tree): void {
  for (const [file, content] of Object.entries(tree)) {
    const absolute = path.join(root, file);
    mkdirSync(path.dirname(absolute), { recursive: true });
    writeFileSync(absolute, `${content}\n`);
  }
}

function zones(entries: readonly (readonly [type: string, milli: number, trips?: Readonly<Record<string, number>>])[]): Tree {
  return merged(
    entries.map(([type, milli, trips = {}], zone) => ({
      [`sys/class/thermal/thermal_zone${zone}/type`]: type,
      [`sys/class/thermal/thermal_zone${zone}/temp`]: milli,
      ...merged(
        Object.entries(trips).map(([kind, limit], trip) => ({
          [`sys/class/thermal/thermal_zone${zone}/trip_point_${trip}_type`]: kind,
          [`sys/class/thermal/thermal_zone${zone}/trip_point_${trip}_temp`]: limit,
        })),
      ),
    })),
  );
}

function cooling(entries: readonly (readonly [type: string, state: number])[]): Tree {
  return merged(
    entries.map(([type, state], device) => ({
      [`sys/class/thermal/cooling_device${device}/type`]: type,
      [`sys/class/thermal/cooling_device${device}/cur_state`]: state,
    })),
  );
}

interface Channel {
  readonly label: string;
  readonly mV: number;
  readonly mA: number;
  readonly maxMa?: number;
  readonly critMa?: number;
}

/** An INA3221 as the kernel of JetPack 5 and later shows it, with the sum of its shunts as input 7. */
function ina3221(hwmon: number, channels: readonly Channel[]): Tree {
  const folder = `sys/class/hwmon/hwmon${hwmon}`;
  return {
    [`${folder}/name`]: 'ina3221',
    [`${folder}/in7_label`]: 'sum of shunt voltages',
    [`${folder}/in7_input`]: 12,
    ...merged(
      channels.map(({ label, mV, mA, maxMa = 32_760, critMa = 32_760 }, index) => ({
        [`${folder}/in${index + 1}_label`]: label,
        [`${folder}/in${index + 1}_input`]: mV,
        [`${folder}/curr${index + 1}_input`]: mA,
        [`${folder}/curr${index + 1}_max`]: maxMa,
        [`${folder}/curr${index + 1}_crit`]: critMa,
        [`${folder}/curr${index + 1}_max_alarm`]: mA > maxMa ? 1 : 0,
        [`${folder}/curr${index + 1}_crit_alarm`]: mA > critMa ? 1 : 0,
      })),
    ),
  };
}

function overCurrent(hwmon: number, counts: readonly [number, number, number]): Tree {
  const folder = `sys/class/hwmon/hwmon${hwmon}`;
  return {
    [`${folder}/name`]: 'soctherm_oc',
    ...merged(counts.map((count, index) => ({ [`${folder}/oc${index + 1}_event_cnt`]: count, [`${folder}/oc${index + 1}_throt_en`]: 1 }))),
  };
}

function gpu(device: string, hz: number, maxHz: number, load?: number): Tree {
  const folder = `sys/class/devfreq/${device}`;
  return { [`${folder}/cur_freq`]: hz, [`${folder}/max_freq`]: maxHz, ...(load === undefined ? {} : { [`${folder}/device/load`]: load }) };
}

function cpu(clusters: number, khz: number, maxKhz: number): Tree {
  return merged(
    Array.from({ length: clusters }, (_, cluster) => ({
      [`sys/devices/system/cpu/cpufreq/policy${cluster * 4}/scaling_cur_freq`]: khz,
      [`sys/devices/system/cpu/cpufreq/policy${cluster * 4}/scaling_max_freq`]: maxKhz,
    })),
  );
}

function memory(totalKb: number, availableKb: number, swapKb: number): Tree {
  const lines = { MemTotal: totalKb, MemFree: 1000, MemAvailable: availableKb, SwapTotal: swapKb, SwapFree: swapKb };
  return {
    'proc/meminfo': Object.entries(lines)
      .map(([key, kb]) => `${`${key}:`.padEnd(16)}${String(kb).padStart(8)} kB`)
      .join('\n'),
  };
}

function jetson(model: string, release: string, revision: string): Tree {
  return {
    'proc/device-tree/model': `${model}\0`,
    'etc/nv_tegra_release': `# R${release} (release), REVISION: ${revision}, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: Thu Jan  9 2025`,
  };
}

function nvpmodel(mode: number, names: readonly string[]): Tree {
  return {
    'var/lib/nvpmodel/status': `pmode:${String(mode).padStart(4, '0')}`,
    'etc/nvpmodel.conf': [
      ...names.map((name, id) => `< POWER_MODEL ID=${id} NAME=${name} >\nCPU_ONLINE CORE_0 1\nGPU MAX_FREQ 625000000`),
      '< PM_CONFIG DEFAULT=0 >',
    ].join('\n\n'),
  };
}

const ORIN_TRIPS = { passive: 99_000, hot: 101_000, critical: 104_500 };
const ORIN_ALERTS = ['cpu-throttle-alert', 'gpu-throttle-alert', 'cv0-throttle-alert', 'soc0-throttle-alert', 'hot-surface-alert'] as const;

function orinCooling(throttled: readonly string[] = []): Tree {
  return cooling([
    ['pwm-fan', 2],
    ['devfreq-17000000.gpu', 3],
    ...ORIN_ALERTS.map((type) => [type, throttled.includes(type) ? 1 : 0] as const),
  ]);
}

/** The rails of the Orin Nano and Orin NX modules. */
function orinModuleRails(amps: number): Tree {
  return ina3221(1, [
    { label: 'VDD_IN', mV: 4968, mA: amps, maxMa: 4984, critMa: 4984 },
    { label: 'VDD_CPU_GPU_CV', mV: 4960, mA: 480 },
    { label: 'VDD_SOC', mV: 4968, mA: 496 },
  ]);
}

export const machines = {
  orinNxJetPack5: merged([
    jetson('NVIDIA Orin NX Developer Kit', '35', '5.0'),
    // JetPack 5 spells zones its own way.
    zones([
      ['CPU-therm', 49_843, ORIN_TRIPS],
      ['GPU-therm', 47_625, ORIN_TRIPS],
      ['CV0-therm', -256_000],
      ['SOC0-therm', 48_000],
      ['tj-therm', 49_843, ORIN_TRIPS],
    ]),
    orinCooling(),
    orinModuleRails(1184),
    overCurrent(3, [0, 0, 2]),
    gpu('17000000.ga10b', 612_000_000, 918_000_000, 437),
    { 'sys/class/devfreq/15340000.vic/cur_freq': 115_200_000 },
    cpu(2, 1_190_400, 1_984_000),
    memory(15_985_000, 12_000_000, 7_992_000),
    nvpmodel(2, ['MAXN', '10W', '15W', '25W']),
  ]),
  orinNanoJetPack6: merged([
    jetson('NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super', '36', '4.3'),
    zones([
      ['cpu-thermal', 63_625, ORIN_TRIPS],
      ['gpu-thermal', 62_000, ORIN_TRIPS],
      ['soc0-thermal', 61_000],
      ['tj-thermal', 63_781, ORIN_TRIPS],
    ]),
    orinCooling(),
    orinModuleRails(2312),
    overCurrent(3, [1, 0, 37]),
    gpu('17000000.gpu', 1_020_000_000, 1_020_000_000, 981),
    cpu(2, 1_728_000, 1_728_000),
    memory(7_802_000, 3_100_000, 3_901_000),
    nvpmodel(2, ['15W', '25W', 'MAXN_SUPER']),
  ]),
  agxOrinJetPack6: merged([
    jetson('NVIDIA Jetson AGX Orin Developer Kit', '36', '3.0'),
    zones([
      ['cpu-thermal', 99_500, ORIN_TRIPS],
      ['gpu-thermal', 97_000, ORIN_TRIPS],
      ['tboard-thermal', 55_000],
      ['tj-thermal', 99_500, ORIN_TRIPS],
    ]),
    orinCooling(['cpu-throttle-alert', 'hot-surface-alert']),
    ina3221(1, [
      { label: 'VDD_GPU_SOC', mV: 19_104, mA: 1560, maxMa: 1200, critMa: 4000 },
      { label: 'VDD_CPU_CV', mV: 19_112, mA: 640 },
      { label: 'VIN_SYS_5V0', mV: 5016, mA: 900 },
    ]),
    ina3221(2, [
      { label: 'NC', mV: 0, mA: 0 },
      { label: 'VDDQ_VDD2_1V8AO', mV: 5016, mA: 120 },
      { label: 'NC', mV: 0, mA: 0 },
    ]),
    overCurrent(4, [0, 3, 12]),
    gpu('17000000.gpu', 306_000_000, 1_300_500_000, 120),
    cpu(3, 729_600, 2_201_600),
    memory(30_697_000, 20_000_000, 15_348_000),
    nvpmodel(3, ['MAXN', 'MODE_15W', 'MODE_30W', 'MODE_50W']),
  ]),
  orinNanoJetPack7: merged([
    jetson('NVIDIA Jetson Orin Nano Developer Kit', '39', '0.1'),
    zones([
      ['cpu-thermal', 51_000, ORIN_TRIPS],
      ['gpu-thermal', 50_500, ORIN_TRIPS],
      ['tj-thermal', 51_250, ORIN_TRIPS],
    ]),
    orinCooling(),
    orinModuleRails(1500),
    overCurrent(2, [0, 0, 0]),
    gpu('17000000.gpu', 624_000_000, 624_000_000, 250),
    cpu(2, 1_510_400, 1_510_400),
    memory(7_600_000, 4_000_000, 3_800_000),
    nvpmodel(0, ['15W', '7W']),
  ]),
  thorJetPack7: merged([
    jetson('NVIDIA Jetson AGX Thor Developer Kit', '38', '2.0'),
    zones([
      ['cpu-thermal', 53_700, { passive: 109_000, critical: 114_500 }],
      ['gpu-thermal', -256_000],
      ['soc012-thermal', 55_100],
      ['soc345-thermal', 53_700],
      ['tj-thermal', 55_100, { passive: 109_000, critical: 114_500 }],
    ]),
    cooling([
      ['pwm-fan', 58],
      ['cpu-throttle-alert', 0],
      ['gpu-throttle-alert', 0],
      ['soc012-throttle-alert', 0],
      ['devfreq-gpu-gpc-0', 18],
    ]),
    // An idle rail may read slightly negative.
    ina3221(3, [
      { label: 'VDD_GPU', mV: 11_800, mA: -32 },
      { label: 'VDD_CPU_SOC_MSS', mV: 11_808, mA: 552 },
      { label: 'VIN_SYS_5V0', mV: 5008, mA: 1302 },
    ]),
    {
      'sys/class/hwmon/hwmon4/name': 'ina238',
      'sys/class/hwmon/hwmon4/label': 'VIN',
      'sys/class/hwmon/hwmon4/in0_input': 4,
      'sys/class/hwmon/hwmon4/in1_input': 20_100,
      'sys/class/hwmon/hwmon4/curr1_input': 1200,
      'sys/class/hwmon/hwmon4/power1_input': 24_120_000,
    },
    overCurrent(5, [0, 0, 179]),
    gpu('gpu-nvd-0', 1_080_000_000, 1_692_000_000),
    gpu('gpu-gpc-0', 1_386_000_000, 1_575_000_000),
    cpu(4, 972_000, 2_601_000),
    memory(128_800_000, 120_000_000, 0),
    nvpmodel(1, ['MAXN', '120W', '90W', '70W']),
  ]),
  pc: merged([
    { 'sys/class/dmi/id/product_name': 'OptiPlex 7090' },
    zones([
      ['acpitz', 27_800, { critical: 105_000 }],
      ['x86_pkg_temp', 44_000],
    ]),
    cooling([
      ['Processor', 0],
      ['intel_powerclamp', 0],
    ]),
    {
      'sys/class/hwmon/hwmon0/name': 'coretemp',
      'sys/class/hwmon/hwmon0/temp1_input': 44_000,
      'sys/class/hwmon/hwmon0/temp1_max': 80_000,
      'sys/class/hwmon/hwmon0/temp1_crit': 100_000,
      'sys/class/hwmon/hwmon1/name': 'nvme',
      'sys/class/hwmon/hwmon1/temp1_input': 35_850,
    },
    cpu(2, 3_100_000, 4_700_000),
    memory(32_000_000, 25_000_000, 2_000_000),
  ]),
} satisfies Record<string, Tree>;

function merged(trees: readonly Tree[]): Tree {
  return Object.assign({}, ...trees) as Tree;
}
