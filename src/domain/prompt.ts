/**
 * What an operator asks of each frame. The schemas are the single source of the types; configuration, command line
 * and MQTT requests all go through them.
 */
import { z } from 'zod';
import { FastsamError } from '../errors.js';

/** Limits on what one prompt set may cost. */
export const PROMPT_LIMITS = { prompts: 100, points: 1000, coordinate: 1_000_000 } as const;

export const idSchema = z
  .string()
  .regex(/^[a-z0-9-]{1,64}$/, 'expected 1 to 64 of a-z, 0-9 and "-"')
  .meta({ description: 'Identifier: 1 to 64 of a-z, 0-9 and "-".' });

const coordinate = z.number().min(-PROMPT_LIMITS.coordinate).max(PROMPT_LIMITS.coordinate);
const space = z.enum(['pixel', 'normalized']).default('pixel').meta({ description: 'Coordinates in source pixels, or 0…1 of the frame.' });
const id = idSchema.optional().meta({ description: 'Names the answer; p1, p2, … in order when absent.' });

export const PROMPT_PUBLISH = ['matched', 'all', 'status'] as const;
const publish = z.enum(PROMPT_PUBLISH).optional().meta({
  description:
    "What this prompt sends: the objects it matches, all objects, or its status alone; the camera's publish.objects when absent.",
});

export const SELECTIONS = ['best', 'smallest', 'largest', 'all', 'merge'] as const;
export type Selection = (typeof SELECTIONS)[number];

export const everythingPromptSchema = z.strictObject({ type: z.literal('everything').meta({ description: 'all objects' }), id, publish });

export const boxPromptSchema = z.strictObject({
  type: z.literal('box').meta({ description: 'the object that fills the box best' }),
  id,
  publish,
  box: z.tuple([coordinate, coordinate, coordinate, coordinate]).meta({ description: 'x1, y1, x2, y2.' }),
  space,
  minIou: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .meta({ description: 'Below this overlap the answer is "unmatched"; 0 always answers, as FastSAM does.' }),
});

export const pointsPromptSchema = z.strictObject({
  type: z.literal('points').meta({ description: 'what lies under the points' }),
  id,
  publish,
  points: z
    .array(z.tuple([coordinate, coordinate]))
    .min(1)
    .max(PROMPT_LIMITS.points)
    .meta({ description: 'x, y of each point.' }),
  labels: z
    .array(z.union([z.literal(0), z.literal(1)]))
    .max(PROMPT_LIMITS.points)
    .optional()
    .meta({ description: '1 foreground, 0 background, one per point; all foreground when absent.' }),
  space,
  select: z.enum(SELECTIONS).default('best').meta({
    description:
      'Among masks with a foreground and no background point: the best (most points, then smallest), smallest, largest or all; "merge" paints foreground masks and erases background ones into one mask, as FastSAM does.',
  }),
});

export const promptSchema = z
  .discriminatedUnion('type', [everythingPromptSchema, boxPromptSchema, pointsPromptSchema])
  .superRefine((prompt, ctx) => {
    if (prompt.type === 'box') {
      const [x1, y1, x2, y2] = prompt.box;
      if (x2 <= x1 || y2 <= y1) ctx.addIssue({ code: 'custom', path: ['box'], message: 'expected x1 < x2 and y1 < y2' });
    }
    if (prompt.type !== 'everything' && prompt.space === 'normalized') {
      const [key, values] = prompt.type === 'box' ? ['box', prompt.box] : ['points', prompt.points.flat()];
      if (values.some((value) => value < 0 || value > 1)) {
        ctx.addIssue({ code: 'custom', path: [key], message: 'expected normalized coordinates within 0…1' });
      }
    }
    if (prompt.type === 'points' && prompt.labels && prompt.labels.length !== prompt.points.length) {
      ctx.addIssue({
        code: 'custom',
        path: ['labels'],
        message: `expected one label per point (${prompt.points.length}), got ${prompt.labels.length}`,
      });
    }
  });

export const promptSetSchema = z
  .array(promptSchema)
  .max(PROMPT_LIMITS.prompts)
  .superRefine((prompts, ctx) => {
    const seen = new Set<string>();
    for (const [index, prompt] of prompts.entries()) {
      if (prompt.id === undefined) continue;
      if (seen.has(prompt.id)) ctx.addIssue({ code: 'custom', path: [index, 'id'], message: `"${prompt.id}" is used twice` });
      seen.add(prompt.id);
    }
  });

export type PromptInput = z.input<typeof promptSchema>;
type ParsedPrompt = z.output<typeof promptSchema>;
/** Prompts that were checked and may still lack ids. */
export type PromptInputs = readonly ParsedPrompt[];
/** A prompt after validation: defaults filled in and an id given. */
export type Prompt = ParsedPrompt & { id: string };
export type EverythingPrompt = Extract<Prompt, { type: 'everything' }>;
export type BoxPrompt = Extract<Prompt, { type: 'box' }>;
export type PointsPrompt = Extract<Prompt, { type: 'points' }>;

/** Gives every prompt without an id the first free of p1, p2, …, in order. */
export function withIds(prompts: readonly ParsedPrompt[]): Prompt[] {
  const taken = new Set(prompts.flatMap((prompt) => prompt.id ?? []));
  let next = 1;
  return prompts.map((prompt) => {
    if (prompt.id !== undefined) return { ...prompt, id: prompt.id };
    while (taken.has(`p${next}`)) next += 1;
    const id = `p${next}`;
    taken.add(id);
    return { ...prompt, id };
  });
}

/**
 * Checks a prompt set and fills in defaults and ids. Errors: PROMPT_INVALID, naming the first place that is wrong,
 * as in `prompts[2].points: …`.
 */
export function parsePrompts(input: unknown): Prompt[] {
  const parsed = promptSetSchema.safeParse(input);
  if (parsed.success) return withIds(parsed.data);
  const [issue] = parsed.error.issues;
  const place = (issue?.path ?? []).map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  throw new FastsamError('PROMPT_INVALID', `prompts${place}: ${issue?.message ?? 'not a list of prompts'}`);
}

/** The answer to one prompt on one frame. `index` points into the frame's segments. */
export interface PromptAnswer {
  readonly id: string;
  readonly type: Prompt['type'];
  /** The prompt's own choice of what is sent. */
  readonly publish?: (typeof PROMPT_PUBLISH)[number];
  readonly matches: readonly { readonly index: number; readonly score: number }[];
  /** The best score seen when nothing matched. */
  readonly bestScore?: number;
  /** Runs of the merged mask (`select: "merge"`), as in Segments. */
  readonly merged?: Uint32Array;
}
