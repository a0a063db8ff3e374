/**
 * The process that reads sensors: a read that hangs in a driver cannot be cancelled, and a thread stuck in one would
 * keep its process from ending. On stdin one JSON request a line, on stdout "> PATH" before each access (a file, or NVML)
 * and "= READINGS" at the end. It ends with its stdin.
 */
import { existsSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { native } from '../../addon/addon.js';
import { sensorFiles } from './files.js';
import { NVML, withGpus } from './nvml.js';
import { readSensors, type SensorReadings } from './readings.js';

export interface SensorRequest {
  readonly root: string;
  readonly folders: readonly string[];
  readonly skip: readonly string[];
}

/** The driver that NVML belongs to: Thor's and the cards'. Without it the addon is not even loaded. */
const DRIVER = '/proc/driver/nvidia';
/** A library in its place, for tests. */
const hasNvml = existsSync(DRIVER) || process.env.FASTSAMD_NVML_LIBRARY !== undefined;

async function addGpus(readings: SensorReadings): Promise<SensorReadings> {
  writeSync(1, `> ${NVML}\n`);
  try {
    return withGpus(readings, await native().queryGpus());
  } catch {
    return readings;
  }
}

async function serve(): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const { root, folders, skip } = JSON.parse(line) as SensorRequest;
    const files = sensorFiles({ root, skip: new Set(skip), onAccess: (file) => writeSync(1, `> ${file}\n`) });
    const readings = readSensors(files, { folders });
    const whole = hasNvml && readings.gpu.load === null && !skip.includes(NVML) ? await addGpus(readings) : readings;
    writeSync(1, `= ${JSON.stringify(whole)}\n`);
  }
}

void serve();
