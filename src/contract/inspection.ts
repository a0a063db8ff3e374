/** Verdicts about parts: the event `verdict`, the retained `inspection`, and what the verbs of inspection take and answer. */
import { z } from 'zod';
import { idSchema } from '../domain/prompt.js';
import { count, timestamp, version } from './common.js';

export const VERDICTS = ['OK', 'NOK', 'UNSURE'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Pictures of a verdict: as the camera gave it, and with what was measured drawn on it. */
export const EVIDENCE_KINDS = ['original', 'annotated'] as const;
export type EvidenceKind = (typeof EVIDENCE_KINDS)[number];

export const TRIGGER_TYPES = ['mqtt', 'modbus', 'gpio', 'frame', 'continuous', 'crossing'] as const;

/** Why a part is not OK. */
export const NOK_CODES = ['BELOW', 'ABOVE', 'COUNT', 'ABSENT', 'PRESENT', 'OUT_OF_POSITION', 'NO_PART'] as const;
/** Why the node cannot tell. */
export const UNSURE_CODES = [
  'WITHIN_UNCERTAINTY',
  'EDGE_WEAK',
  'EDGE_OFF_MASK',
  'TOUCHES_FRAME',
  'AMBIGUOUS',
  'UNDEFINED',
  'TEXT_PENDING',
  'NO_PART',
  'CALIBRATION_MISSING',
  'TEACH_MISSING',
  'DEGRADED',
  'MISSED_TRIGGER',
  'SOURCE_LOST',
  'TRACK_LOST',
  'TIMEOUT',
  'CANCELLED',
  'INTERRUPTED',
  'FAILED',
] as const;
export type InspectionCode = (typeof NOK_CODES)[number] | (typeof UNSURE_CODES)[number];

const code = z.enum([...new Set([...NOK_CODES, ...UNSURE_CODES])]);

/** Names that a requester gives: printable, bounded. */
const name = z
  .string()
  .min(1)
  .max(100)
  .refine((text) => !/[\p{Cc}\p{Cs}]/u.test(text), 'expected text without control characters');

export const recipeIdentitySchema = z.object({
  id: idSchema,
  revision: count.meta({ description: 'Grows with every change of this recipe on this node; 0 for a recipe that no node keeps.' }),
  sha256: z.string().length(64).meta({ description: 'Of the recipe as canonical JSON (RFC 8785), defaults filled in.' }),
});

export const checkResultSchema = z.object({
  id: idSchema,
  measure: z.string().max(40),
  unit: z.string().max(10).optional(),
  value: z.number().nullable().meta({ description: 'Null where it is undefined. With each: that of the worst member.' }),
  uncertainty: z.number().nullable().meta({ description: 'Standard uncertainty in the unit of the value; null: not known.' }),
  lsl: z.number().optional(),
  usl: z.number().optional(),
  target: z.number().optional(),
  result: z.enum(['ok', 'nok', 'unsure']),
  code: code.optional().meta({ description: 'Why it is not ok.' }),
  message: z.string().max(300).optional().meta({ description: 'For people: what to do where a check could not be judged.' }),
  warn: z.literal(true).optional().meta({ description: 'Ok, and near a limit.' }),
  at: z.tuple([z.number(), z.number()]).optional().meta({ description: 'Pixels x, y of the object.' }),
  of: count.optional().meta({ description: 'Members that were judged.' }),
});

/** What a verdict says, whatever way it is sent or kept. */
export const verdictFields = {
  inspection: count.meta({ description: 'Counts the inspections of this camera from 1, without gaps, over restarts.' }),
  verdict: z.enum(VERDICTS),
  reasons: z.array(code).meta({ description: 'Codes of the checks that are not ok, and of what kept them from being judged; each once.' }),
  part: name.optional(),
  meas: name.optional(),
  product: name.optional(),
  track: count.optional().meta({ description: 'Of the part that crossed the line.' }),
  frames: count.optional().meta({ description: 'Frames of which the median decided; one when absent.' }),
  trigger: z.object({
    id: name.meta({ description: 'Of the request; else given by the node.' }),
    type: z.enum(TRIGGER_TYPES),
    at: timestamp,
  }),
  recipe: recipeIdentitySchema.nullable().meta({ description: 'The recipe that decided; null when there was none.' }),
  calibration: z
    .object({ by: z.string().max(20), sha256: z.string().length(64) })
    .optional()
    .meta({
      description: 'The calibration on which lengths in millimetres stand; SHA-256 of its canonical JSON. Absent with a plain scale.',
    }),
  taught: z
    .object({ sha256: z.string().length(64) })
    .optional()
    .meta({ description: 'The file of "fastsamd teach" that parts are compared with; SHA-256 of its canonical JSON.' }),
  model: z.object({ name: z.string(), backend: z.string() }).nullable(),
  frame: z
    .object({ width: count, height: count, capturedAt: timestamp, seq: count, source: z.string().max(1000).optional() })
    .nullable()
    .meta({ description: 'Null when no frame came.' }),
  checks: z.array(checkResultSchema),
  latencyMs: z.object({
    acquire: z.number().min(0).meta({ description: 'From the trigger to the result of the network.' }),
    measure: z.number().min(0),
    decide: z.number().min(0),
    total: z.number().min(0).meta({ description: 'From the trigger to the verdict.' }),
  }),
  evidence: z.string().max(100).optional().meta({
    description: 'Name of the pictures that are kept of this verdict, where there are some; read/evidence asks for one.',
  }),
  recorded: z.boolean().meta({ description: 'False: the disk failed, a restart would forget this verdict.' }),
};

export const verdictSchema = z.object(verdictFields);

/** Statistics of one check under one revision of a recipe. */
export const checkStatisticsSchema = z.object({
  id: idSchema,
  unit: z.string().optional(),
  lsl: z.number().optional(),
  usl: z.number().optional(),
  n: count,
  mean: z.number().nullable(),
  sd: z.number().nullable().meta({ description: 'Of all values.' }),
  sdWithin: z.number().nullable().meta({ description: 'Short-term, from the mean range of subgroups of five.' }),
  cp: z.number().nullable(),
  cpk: z.number().nullable(),
  pp: z.number().nullable(),
  ppk: z.number().nullable(),
  nelson: z.array(z.number().int().min(1).max(4)).meta({ description: 'Nelson rules that the newest value breaks.' }),
});

/** Robust standard deviations between the median of good parts and a taught limit: 4 is Cpk 1.33. */
export const TEACH_SIGMA = { min: 1, usual: 4, max: 20 } as const;

/** A lesson that runs. It ends with teach/commit, teach/abort, half an hour without a request, and with the daemon. */
const lessonSchema = z.object({
  recipe: recipeIdentitySchema.meta({ description: 'The revision that is being taught.' }),
  parts: count.meta({ description: 'Good parts so far.' }),
  since: timestamp,
});

export const inspectionMessageSchema = z.object({
  v: version,
  camera: idSchema,
  state: z.enum(['not-ready', 'ready', 'inspecting', 'halted']).meta({ description: 'inspecting: triggers wait for their frame.' }),
  reason: z.string().max(1000).optional().meta({ description: 'Why it is not ready.' }),
  since: timestamp,
  recipe: recipeIdentitySchema.nullable(),
  trigger: z.enum(TRIGGER_TYPES).nullable(),
  counts: z
    .object({
      triggers: count,
      ok: count,
      nok: count,
      unsure: count,
      missed: count,
      unseen: count.optional().meta({
        description:
          'Parts on a belt that were first seen behind the line: they have no verdict, and the camera is too slow or the line too early.',
      }),
    })
    .meta({ description: 'Since the present revision of the recipe was activated; missed are among the unsure.' }),
  last: z.object({ inspection: count, verdict: z.enum(VERDICTS), ts: timestamp, part: name.optional() }).nullable(),
  statistics: z
    .array(checkStatisticsSchema)
    .optional()
    .meta({ description: 'Of the newest 1,000 values of each check under this revision; a few seconds behind the verdicts.' }),
  teaching: lessonSchema.optional().meta({ description: 'While somebody teaches this camera from good parts.' }),
});

export const triggerName = name;

/** One request of `inspect/trigger`, without id and camera. */
export const triggerFields = {
  trigger: name.optional().meta({
    description:
      'Names the trigger: the same name again, also after a restart, is answered with the same inspection. The request’s id when absent.',
  }),
  part: name.optional().meta({ description: 'Which part it is; comes back in the verdict.' }),
  meas: name.optional().meta({ description: 'Your number of the measurement; comes back in the verdict.' }),
  wait: z.boolean().default(false).meta({ description: 'Answer with the verdict, once there is one.' }),
};

/** `data` of `inspect/trigger`. */
export const triggerDataSchema = z.object({
  inspection: count,
  verdict: verdictSchema.optional().meta({ description: 'With wait, or when the trigger was known and is decided.' }),
});

export const recipeDataSchema = recipeIdentitySchema.extend({
  active: z.boolean(),
  at: timestamp.meta({ description: 'When this revision was set.' }),
  recipe: z.unknown().optional().meta({ description: 'recipe/get: the recipe, defaults filled in.' }),
});

const taughtLimitsSchema = z.object({
  check: idSchema,
  n: count.meta({ description: 'Values: one for each part, or for each member with each.' }),
  median: z.number(),
  sd: z.number().meta({ description: 'Robust; no less than the uncertainty of a value.' }),
  lsl: z.number().optional(),
  usl: z.number().optional(),
  outside: count.meta({ description: 'Good parts outside of these limits.' }),
  outsideNow: count.meta({ description: 'Good parts outside of the limits that the recipe has.' }),
});

/** `data` of `teach/start` and `teach/add`; that of `teach/abort` is the lesson that was given up. */
export const teachDataSchema = lessonSchema.extend({
  complete: z.boolean().meta({ description: 'False: teach/commit would be refused with TEACH_INCOMPLETE.' }),
  limits: z.array(taughtLimitsSchema).meta({ description: 'What the parts so far propose. Of surfaces, only teach/commit can tell.' }),
  missing: z
    .array(z.object({ check: idSchema.optional(), code: code.optional(), message: z.string().max(300) }))
    .meta({ description: 'What is too little so far, and what could not be measured in the frame just added.' }),
});

/** `data` of `teach/commit`. */
export const taughtDataSchema = recipeDataSchema.extend({
  parts: count,
  limits: z.array(taughtLimitsSchema).meta({ description: 'As they are in the new revision; other checks keep theirs.' }),
  taught: z
    .string()
    .length(64)
    .optional()
    .meta({ description: 'SHA-256 of the golden sample and the surfaces, where the recipe has them.' }),
});

export type LessonData = z.output<typeof lessonSchema>;
export type TeachData = z.output<typeof teachDataSchema>;
export type TaughtData = z.output<typeof taughtDataSchema>;
export type VerdictMessage = z.output<typeof verdictSchema>;
export type CheckResult = z.output<typeof checkResultSchema>;
export type RecipeIdentity = z.output<typeof recipeIdentitySchema>;
export type InspectionMessage = z.output<typeof inspectionMessageSchema>;
export type TriggerData = z.output<typeof triggerDataSchema>;
export type RecipeData = z.output<typeof recipeDataSchema>;
export type CheckStatistics = z.output<typeof checkStatisticsSchema>;
