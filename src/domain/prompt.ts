/**
 * What an operator asks of each frame. The schemas are the single source of the types; configuration, command line
 * and MQTT requests all go through them.
 */
import { z } from 'zod';
import { FastsamError } from '../errors.js';
import { wordsOf } from './schema-words.js';
import { SELECTIONS, type Selection } from './selection.js';

/** Limits on what one prompt set may cost. */
export const PROMPT_LIMITS = {
  prompts: 100,
  points: 1000,
  coordinate: 1_000_000,
  /** Characters (UTF-16) of one text, label or template. */
  text: 200,
  negatives: 16,
  templates: 16,
  labels: 100,
  /** Different texts of one prompt set, negatives and templates included: what may have to be encoded at once. */
  texts: 500,
} as const;

export const idSchema = z
  .string()
  .regex(/^[a-z0-9-]{1,64}$/, 'expected 1 to 64 of a-z, 0-9 and "-"')
  .meta({ description: 'Identifier: 1 to 64 of a-z, 0-9 and "-".' });

const coordinate = z.number().min(-PROMPT_LIMITS.coordinate).max(PROMPT_LIMITS.coordinate);
const space = z.enum(['pixel', 'normalized']).default('pixel').meta({ description: 'Coordinates in source pixels, or 0…1 of the frame.' });
const FRACTIONS = 'all coordinates are fractions of 1; expected pixels, or space: normalized beside them';

/** Coordinates that are taken for pixels and can only be meant as parts of the frame. */
function areFractions(coordinates: readonly number[]): boolean {
  return coordinates.every((value) => value >= 0 && value <= 1) && coordinates.some((value) => !Number.isInteger(value));
}

const id = idSchema.optional().meta({ description: 'Names the answer; p1, p2, … in order when absent.' });

export const PROMPT_PUBLISH = ['matched', 'all', 'status'] as const;
const publish = z.enum(PROMPT_PUBLISH).optional().meta({
  description:
    "What this prompt sends: the objects it matches, all objects, or its status alone; the camera's publish.objects when absent.",
});

export { SELECTIONS, type Selection };

/** Times of followed prompts where they do not say. */
export const FOLLOW_DEFAULTS = { bindMs: 300, lostAfterMs: 1000, forgetAfterMs: 60_000 } as const;

/** How a lost object may be found again. */
export const REACQUIRE = ['appearance', 'text', 'none'] as const;

/** Most prompts of one camera that follow an object. */
export const MAX_FOLLOWED = 32;

const time = (most: number) => z.number().int().min(0).max(most).optional();
const timings = {
  lostAfterMs: time(600_000).meta({ description: 'follow: unseen for this long, the object is lost; 1000 when absent.' }),
  forgetAfterMs: time(86_400_000).meta({
    description: 'follow: lost for this long, the object is given up; 60000 when absent, 0: never.',
  }),
  reacquire: z.enum(REACQUIRE).optional().meta({
    description:
      'follow: how a lost object is found again elsewhere. appearance (when absent): by colour and size, if nothing else looks almost the same; text: a text prompt takes what its text matches, too; none: only near the place where it is expected, within tracking.keepMs.',
  }),
};
const bootIdOf = z.uuid().meta({ description: 'bootId of the result that was seen.' });
/** The picture that somebody looked at when choosing a place in it. */
const at = z
  .strictObject({
    seq: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).meta({ description: 'seq of the result.' }),
    bootId: bootIdOf,
  })
  .optional()
  .meta({
    description:
      'follow: the result that the place was chosen in, at most 2 s old. The object that was there then is followed, wherever it is by now; without it the objects that are there from now on.',
  });
const following = {
  follow: z.boolean().optional().meta({ description: 'Lock onto the object that matches and follow it. Needs tracking.enabled.' }),
  bindMs: time(10_000).meta({
    description: 'follow: watch this long before locking; the object that matched most often is taken. 300 when absent.',
  }),
  ...timings,
};

export const everythingPromptSchema = z.strictObject({ type: z.literal('everything').meta({ description: 'all objects' }), id, publish });

export const boxPromptSchema = z.strictObject({
  type: z.literal('box').meta({ description: 'the object that fills the box best' }),
  id,
  publish,
  ...following,
  at,
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
  ...following,
  at,
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

/** Where the text goes in a template. */
const PLACEHOLDER = '{}';

/** Text is data: bounded, of any script, without what a terminal or a log would take for a command. */
const text = z
  .string()
  .min(1)
  .max(PROMPT_LIMITS.text)
  .refine((value) => /\S/.test(value), 'expected some text')
  .refine((value) => !/[\p{Cc}\p{Cs}]/u.test(value), 'expected text without control characters');

export const textPromptSchema = z.strictObject({
  type: z.literal('text').meta({ description: 'what a text describes' }),
  id,
  publish,
  ...following,
  text: text.meta({ description: 'What is looked for, in words: "a red part".' }),
  negatives: z
    .array(text)
    .max(PROMPT_LIMITS.negatives)
    .optional()
    .meta({ description: 'What it must not be: the score becomes the share of the text among these.' }),
  threshold: z
    .number()
    .min(-1)
    .max(1)
    .optional()
    .meta({ description: 'Least score of a match; text.threshold when absent, 0.5 with negatives.' }),
  select: z.enum(['all', 'best']).default('all').meta({ description: 'All objects above the threshold, or the best of them.' }),
  templates: z
    .array(text.refine((value) => value.split(PLACEHOLDER).length === 2, `expected "${PLACEHOLDER}" once, where the text goes`))
    .min(1)
    .max(PROMPT_LIMITS.templates)
    .optional()
    .meta({ description: 'Sentences around the text, as in "a photo of {}"; their embeddings are averaged. The text alone when absent.' }),
});

export const labelPromptSchema = z.strictObject({
  type: z.literal('label').meta({ description: 'objects of the named classes' }),
  id,
  publish,
  labels: z.array(text).min(1).max(PROMPT_LIMITS.labels).meta({ description: 'Class names of a labelled model.' }),
});

export const trackPromptSchema = z.strictObject({
  type: z.literal('track').meta({ description: 'the object with this track id' }),
  id,
  publish,
  track: z.number().int().min(1).max(4_294_967_295).meta({ description: 'Track id of a result of this run.' }),
  bootId: bootIdOf.optional(),
  ...timings,
});

export const salientPromptSchema = z.strictObject({
  type: z.literal('salient').meta({ description: 'what stands out: sure objects near the middle of the picture' }),
  id,
  publish,
  select: z.enum(['best', 'all']).default('best').meta({ description: 'The most salient object, or all that reach the threshold.' }),
  threshold: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .meta({ description: 'Least score of a match: that of the object, times its nearness to the middle of the frame.' }),
});

/** The sentences that stand for a text: itself, or itself in each template. */
export function sentencesOf(words: string, templates: readonly string[] | undefined): string[] {
  return templates ? templates.map((template) => template.replace(PLACEHOLDER, () => words)) : [words];
}

/** Every sentence that a text prompt needs an embedding of. */
export function sentencesOfPrompt({ text: words, negatives = [], templates }: TextPrompt): string[] {
  return [words, ...negatives].flatMap((each) => sentencesOf(each, templates));
}

export const promptSchema = z
  .discriminatedUnion(
    'type',
    [
      everythingPromptSchema,
      boxPromptSchema,
      pointsPromptSchema,
      textPromptSchema,
      labelPromptSchema,
      trackPromptSchema,
      salientPromptSchema,
    ],
    { error: ({ code }) => (code === 'invalid_union' ? 'expected everything, box, points, text, label, track or salient' : undefined) },
  )
  .superRefine((prompt, ctx) => {
    if (prompt.type === 'box') {
      const [x1, y1, x2, y2] = prompt.box;
      if (x2 <= x1 || y2 <= y1) ctx.addIssue({ code: 'custom', path: ['box'], message: 'expected x1 < x2 and y1 < y2' });
    }
    if ((prompt.type === 'box' || prompt.type === 'points') && prompt.space === 'normalized') {
      const [key, values] = prompt.type === 'box' ? ['box', prompt.box] : ['points', prompt.points.flat()];
      if (values.some((value) => value < 0 || value > 1)) {
        ctx.addIssue({ code: 'custom', path: [key], message: 'expected normalized coordinates within 0…1' });
      }
    }
    if ((prompt.type === 'box' || prompt.type === 'points') && prompt.space === 'pixel') {
      const [key, values] = prompt.type === 'box' ? ['box', prompt.box] : ['points', prompt.points.flat()];
      if (areFractions(values)) ctx.addIssue({ code: 'custom', path: [key], message: FRACTIONS });
    }
    const many =
      (prompt.type === 'points' && (prompt.select === 'all' || prompt.select === 'merge')) ||
      (prompt.type === 'text' && prompt.select === 'all');
    if ('follow' in prompt && prompt.follow && many) {
      ctx.addIssue({
        code: 'custom',
        path: ['select'],
        message: 'expected a selection of one object with follow: best, smallest or largest (text: best)',
      });
    }
    if ('at' in prompt && prompt.at && !prompt.follow) {
      ctx.addIssue({ code: 'custom', path: ['at'], message: 'expected follow: true beside it' });
    }
    if ('reacquire' in prompt && prompt.reacquire === 'text' && prompt.type !== 'text') {
      ctx.addIssue({ code: 'custom', path: ['reacquire'], message: 'expected appearance or none; text is for text prompts' });
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
    const followed = prompts.filter((prompt) => prompt.type === 'track' || ('follow' in prompt && prompt.follow)).length;
    if (followed > MAX_FOLLOWED) {
      ctx.addIssue({ code: 'custom', message: `expected at most ${MAX_FOLLOWED} prompts that follow an object, got ${followed}` });
    }
    const seen = new Set<string>();
    for (const [index, prompt] of prompts.entries()) {
      if (prompt.id === undefined) continue;
      if (seen.has(prompt.id)) ctx.addIssue({ code: 'custom', path: [index, 'id'], message: `"${prompt.id}" is used twice` });
      seen.add(prompt.id);
    }
    const sentences = new Set(prompts.flatMap((prompt) => (prompt.type === 'text' ? sentencesOfPrompt(prompt) : [])));
    if (sentences.size > PROMPT_LIMITS.texts) {
      ctx.addIssue({
        code: 'custom',
        message: `expected at most ${PROMPT_LIMITS.texts} different texts in all, negatives and templates included, got ${sentences.size}`,
      });
    }
  });

export type PromptInput = z.input<typeof promptSchema>;
type ParsedPrompt = z.output<typeof promptSchema>;
/** Prompts that were checked and may still lack ids. */
export type PromptInputs = readonly ParsedPrompt[];
/** A prompt after validation: defaults filled in and an id given. */
export type Prompt = ParsedPrompt & { id: string };
export type BoxPrompt = Extract<Prompt, { type: 'box' }>;
export type PointsPrompt = Extract<Prompt, { type: 'points' }>;
export type TextPrompt = Extract<ParsedPrompt, { type: 'text' }>;
export type LabelPrompt = Extract<Prompt, { type: 'label' }>;
export type SalientPrompt = Extract<Prompt, { type: 'salient' }>;

function hasId(prompt: ParsedPrompt): prompt is Prompt {
  return prompt.id !== undefined;
}

/** Gives every prompt without an id the first free of p1, p2, …, in order. */
export function withIds(prompts: readonly ParsedPrompt[]): Prompt[] {
  const taken = new Set(prompts.flatMap((prompt) => prompt.id ?? []));
  let next = 1;
  return prompts.map((prompt) => {
    // The same object: what follows a prompt knows it by identity, and adding another one must not start it again.
    if (hasId(prompt)) return prompt;
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
  throw new FastsamError('PROMPT_INVALID', `prompts${place}: ${issue ? wordsOf(issue, input) : 'not a list of prompts'}`);
}

/** A prompt that locks onto an object. */
export type FollowedPrompt = Extract<Prompt, { type: 'box' | 'points' | 'text' | 'track' }>;

export function followsObject(prompt: Prompt): prompt is FollowedPrompt {
  return prompt.type === 'track' || ('follow' in prompt && prompt.follow === true);
}
