/** All messages by the name of their schema; the single list that documentation and tests go through. */
import { eventMessageSchema } from './event.js';
import { alertMessageSchema, healthMessageSchema } from './health.js';
import { inspectionMessageSchema } from './inspection.js';
import { jobAnswerSchema } from './job.js';
import { cameraStateMessageSchema, infoMessageSchema, promptsMessageSchema, stateMessageSchema } from './node.js';
import { responseMessageSchema } from './response.js';
import { resultMessageSchema } from './result.js';
import { summaryMessageSchema } from './summary.js';
import { telemetryMessageSchema } from './telemetry.js';
import { countsMessageSchema, followMessageSchema, zonesMessageSchema } from './tracking.js';

export const messageSchemas = {
  'fastsam.v1.state': stateMessageSchema,
  'fastsam.v1.info': infoMessageSchema,
  'fastsam.v1.camera-state': cameraStateMessageSchema,
  'fastsam.v1.prompts': promptsMessageSchema,
  'fastsam.v1.inspection': inspectionMessageSchema,
  'fastsam.v1.follow': followMessageSchema,
  'fastsam.v1.zones': zonesMessageSchema,
  'fastsam.v1.counts': countsMessageSchema,
  'fastsam.v1.result': resultMessageSchema,
  'fastsam.v1.summary': summaryMessageSchema,
  'fastsam.v1.event': eventMessageSchema,
  'fastsam.v1.health': healthMessageSchema,
  'fastsam.v1.alert': alertMessageSchema,
  'fastsam.v1.telemetry': telemetryMessageSchema,
  'fastsam.v1.response': responseMessageSchema,
  'fastsam.v1.job-answer': jobAnswerSchema,
} as const;

export type SchemaName = keyof typeof messageSchemas;

export * from './event.js';
export * from './health.js';
export * from './inspection.js';
export * from './job.js';
export * from './node.js';
export * from './request.js';
export * from './response.js';
export * from './result.js';
export * from './summary.js';
export * from './telemetry.js';
export * from './tracking.js';
export * from './verbs.js';
