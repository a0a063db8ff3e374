/**
 * The process that reads sensors: a read that hangs in a driver cannot be cancelled, and a thread stuck in one would
 * keep its process from ending. On stdin one JSON request a line, on stdout "> PATH" before each access and
 * "= READINGS" at the end. It ends with its stdin.
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { sensorFiles } from './files.js';
import { readSensors } from './readings.js';

export interface SensorRequest {
  readonly root: string;
  readonly folders: readonly string[];
  readonly skip: readonly string[];
}

for await (const line of createInterface({ input: process.stdin })) {
  const { root, folders, skip } = JSON.parse(line) as SensorRequest;
  const files = sensorFiles({ root, skip: new Set(skip), onAccess: (file) => writeSync(1, `> ${file}\n`) });
  writeSync(1, `= ${JSON.stringify(readSensors(files, { folders }))}\n`);
}
