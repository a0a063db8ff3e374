/** `health` and `alert/<id>`: what is wrong with a node, subsystem by subsystem. Both retained. */
import { z } from 'zod';
import { idSchema } from '../domain/prompt.js';
import { bootId, timestamp, version } from './common.js';

const reason = z.string().max(1000).optional().meta({ description: 'With ok false: what is wrong, in one line.' });

export const subsystemHealthSchema = z.object({
  ok: z.boolean().meta({ description: 'Derived from progress, not from being alive.' }),
  reason,
  since: timestamp.meta({ description: 'Since when ok has had this value.' }),
  last: z
    .object({ reason: z.string().max(1000).optional(), since: timestamp, until: timestamp })
    .optional()
    .meta({ description: 'With ok true: the last time it was not. Of the broker nobody could be told meanwhile.' }),
});

export const healthMessageSchema = z.object({
  v: version,
  node: idSchema,
  bootId,
  ts: timestamp,
  ok: z.boolean().meta({ description: 'True when every subsystem is.' }),
  subsystems: z
    .record(z.string().regex(/^[a-z0-9-]{1,64}(\/[a-z0-9-]{1,64})?$/), subsystemHealthSchema)
    .meta({ description: 'By name: camera/<id>, engine, mqtt, disk, thermal, …' }),
});

export const ALERT_SEVERITIES = ['info', 'warning', 'critical'] as const;

export const alertMessageSchema = z.object({
  severity: z.enum(ALERT_SEVERITIES),
  message: z.string().min(1).max(1000).meta({ description: 'What is wrong and what to do, in one line.' }),
  since: timestamp,
});

export type HealthMessage = z.output<typeof healthMessageSchema>;
export type AlertMessage = z.output<typeof alertMessageSchema>;
/** What raises an alert; the publisher adds since when. */
export type Alert = Omit<AlertMessage, 'since'>;
