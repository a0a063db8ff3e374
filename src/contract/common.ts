/** What the messages share. Version 1 of every payload lives under a topic prefix that says v1 too. */
import { z } from 'zod';

export const WIRE_VERSION = 1;

export const version = z.literal(WIRE_VERSION).meta({ description: 'Version of the payload.' });
export const timestamp = z.iso.datetime({ precision: 3 }).meta({ description: 'UTC, ISO 8601 with milliseconds.' });
export const count = z.number().int().min(0);
export const milliseconds = z.number().min(0).meta({ description: 'Milliseconds.' });
export const bootId = z.uuid().meta({ description: 'New at every start of the daemon: tells a stale message from a current one.' });

/** Wall-clock time as the wire writes it. `ms`: milliseconds since the Unix epoch. */
export function toTimestamp(ms: number): string {
  return new Date(ms).toISOString();
}
