/**
 * A recipe: the rules by which a part is judged. One schema for files, MQTT and the library; strict, so that a key with a typing
 * error is refused and not ignored.
 */
import { z } from 'zod';
import { MEASURES } from './measure.js';
import { idSchema, promptSetSchema } from './prompt.js';
import { DIRECTIONS } from './zone.js';

export const RECIPE_LIMITS = { checks: 100, objects: 32, corners: 64, queue: 1000 } as const;

/** What a check can measure beyond the measures of one object. */
export const RELATIONS = ['distance', 'gap', 'position', 'deltaE00', 'coverage', 'difference', 'anomaly'] as const;
export const CHECK_MEASURES = [...MEASURES, ...RELATIONS] as const;
export type CheckMeasure = (typeof CHECK_MEASURES)[number];

/** Whether good parts have to be taught before it can be measured. */
export function isTaughtMeasure(measure: CheckMeasure | undefined): measure is 'difference' | 'anomaly' {
  return measure === 'difference' || measure === 'anomaly';
}

export const DECISION_RULES = ['guarded', 'simple', 'strict'] as const;
export type DecisionRule = (typeof DECISION_RULES)[number];

const finite = z.number().min(-1e12).max(1e12);
const point = z.tuple([finite, finite]);
const lab = z.tuple([finite, finite, finite]);

/** `bores`, or `bores[0]`: members count from 0 by their place, x first, never by score. */
const reference = z
  .string()
  .regex(/^[a-z0-9-]{1,64}(\[\d{1,3}\])?$/, 'expected the name of an object set, or SET[0] for one of its members');

export const objectSetSchema = z
  .strictObject({
    prompt: idSchema.optional().meta({
      description: 'The objects that this prompt matches, of the recipe or of the camera; all objects of the picture when absent.',
    }),
    within: idSchema.optional().meta({ description: 'Only objects that lie at least half inside an object of this set.' }),
    kind: z.enum(['object', 'hole']).default('object').meta({ description: 'hole: the holes in the masks of the set named by within.' }),
    zone: z
      .array(point)
      .min(3)
      .max(RECIPE_LIMITS.corners)
      .optional()
      .meta({ description: 'Only objects whose centroid is in this polygon: x, y of each corner in pixels.' }),
    minArea: z.number().min(0).max(1e12).optional().meta({ description: 'Only objects, or holes, of at least this many pixels.' }),
    expect: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .optional()
      .meta({ description: 'How many there have to be for the checks to mean anything: fewer is NO_PART, more is AMBIGUOUS.' }),
  })
  .superRefine(({ kind, within, prompt }, ctx) => {
    if (kind === 'hole' && within === undefined)
      ctx.addIssue({ code: 'custom', path: ['within'], message: 'expected the set whose holes these are' });
    if (kind === 'hole' && prompt !== undefined)
      ctx.addIssue({ code: 'custom', path: ['prompt'], message: 'holes have no prompt; expected within alone' });
  });

const limit = (description: string) => finite.optional().meta({ description });

export const checkSchema = z
  .strictObject({
    id: idSchema,
    count: idSchema.optional().meta({ description: 'How many objects the set has.' }),
    present: idSchema.optional().meta({ description: 'The set has at least one object.' }),
    absent: idSchema.optional().meta({ description: 'The set has no object.' }),
    measure: z.enum(CHECK_MEASURES).optional().meta({ description: 'What is measured; docs/inspection.md defines each.' }),
    of: reference.optional().meta({ description: 'The object that is measured; difference and anomaly: the whole picture when absent.' }),
    between: z.tuple([reference, reference]).optional().meta({ description: 'distance and gap: the two objects.' }),
    each: z
      .boolean()
      .default(false)
      .meta({ description: 'Judge every member of the set by its worst; else the set must have one member.' }),
    target: z.union([finite, point]).optional().meta({ description: 'Nominal value; x, y in the datum frame for position.' }),
    tol: z.number().min(0).max(1e12).optional().meta({ description: 'Permitted deviation from target either way.' }),
    lsl: limit('Lower specification limit; min means the same.'),
    usl: limit('Upper specification limit; max means the same.'),
    min: limit('Lower specification limit.'),
    max: limit('Upper specification limit.'),
    warn: z
      .number()
      .min(0)
      .max(1e12)
      .optional()
      .meta({ description: 'A warning, which never changes the verdict, for values nearer than this to a limit.' }),
    reference: lab.optional().meta({ description: 'deltaE00: the CIELAB colour to compare with.' }),
    zone: z.array(point).min(3).max(RECIPE_LIMITS.corners).optional().meta({ description: 'coverage: the polygon that is to be covered.' }),
    tolerance: z
      .number()
      .int()
      .min(0)
      .max(16)
      .optional()
      .meta({ description: 'difference: pixels that an edge may lie off; 3 when absent.' }),
    contrast: z
      .number()
      .min(1)
      .max(255)
      .optional()
      .meta({ description: 'difference: grey levels by which a pixel has to differ; 32 when absent.' }),
    minArea: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .meta({ description: 'difference: places that differ on fewer pixels do not count; 4 when absent.' }),
    uncertainty: z
      .number()
      .min(0)
      .max(1e12)
      .optional()
      .meta({ description: 'Standard uncertainty of the value, from a repeatability study; the scatter of the edge when absent.' }),
  })
  .superRefine((check, ctx) => {
    const problem = (path: string, message: string) => ctx.addIssue({ code: 'custom', path: [path], message });
    const kinds = (['count', 'present', 'absent', 'measure'] as const).filter((key) => check[key] !== undefined);
    if (kinds.length !== 1) problem('id', `expected one of count, present, absent or measure, got ${kinds.join(' and ') || 'none'}`);
    const { lsl, usl, min, max, target, tol, measure } = check;
    if (lsl !== undefined && min !== undefined) problem('min', 'lsl and min are the same limit; expected one');
    if (usl !== undefined && max !== undefined) problem('max', 'usl and max are the same limit; expected one');
    const limits = limitsOf(check);
    if (limits.lsl !== undefined && limits.usl !== undefined && limits.lsl > limits.usl)
      problem('id', 'expected a lower limit below the upper one');
    if (tol !== undefined && target === undefined) problem('tol', 'expected target beside it');
    if (tol !== undefined && measure !== 'position' && (lsl ?? usl ?? min ?? max) !== undefined) {
      problem('tol', 'expected either target and tol, or limits');
    }
    if (check.present !== undefined || check.absent !== undefined) return;
    if (limits.lsl === undefined && limits.usl === undefined) problem('id', 'expected a limit: target and tol, lsl, usl, min or max');
    if (measure === undefined) return;
    const pair = measure === 'distance' || measure === 'gap';
    if (pair && check.between === undefined) problem('between', `expected two objects for ${measure}`);
    const isDifference = measure === 'difference';
    const isTaught = isTaughtMeasure(measure);
    for (const key of ['tolerance', 'contrast', 'minArea'] as const) {
      if (check[key] !== undefined && !isDifference) problem(key, 'only for measure: difference');
    }
    if (isTaught && check.each) problem('each', `${measure} compares one object, or the whole picture`);
    if (!pair && !isTaught && check.of === undefined) problem('of', `expected the object whose ${measure} is judged`);
    if (measure === 'position' && !Array.isArray(target)) problem('target', 'expected [x, y] in the datum frame');
    if (measure !== 'position' && Array.isArray(target)) problem('target', 'expected a number');
    if (measure === 'deltaE00' && check.reference === undefined) problem('reference', 'expected a CIELAB colour [L, a, b]');
    if (measure === 'coverage' && check.zone === undefined) problem('zone', 'expected a polygon');
  });

const triggers = [
  z.strictObject({
    type: z.literal('mqtt').meta({ description: 'the next frame after a request inspect/trigger' }),
    timeoutMs: z.number().int().min(10).max(600_000).default(5000).meta({ description: 'No frame within this time: UNSURE, TIMEOUT.' }),
    queue: z
      .number()
      .int()
      .min(1)
      .max(RECIPE_LIMITS.queue)
      .default(8)
      .meta({ description: 'Triggers that may wait for their frame; one more is UNSURE, MISSED_TRIGGER.' }),
  }),
  z.strictObject({
    type: z.literal('frame').meta({ description: 'every frame; of a directory every picture, the part is its file name' }),
  }),
  z.strictObject({
    type: z.literal('continuous').meta({ description: 'when the verdict changes, and at intervals' }),
    everyMs: z.number().int().min(10).max(86_400_000).default(1000).meta({ description: 'A verdict at least this often.' }),
    settle: z.number().int().min(1).max(1000).default(3).meta({ description: 'A change counts once so many frames in a row agree.' }),
  }),
  z
    .strictObject({
      type: z.literal('crossing').meta({ description: 'once for each part that crosses a line; needs tracking.enabled of the camera' }),
      of: idSchema.meta({ description: 'The object set that the parts belong to. In the checks of a part this set has that part alone.' }),
      line: z.tuple([point, point]).meta({ description: 'x, y of both ends.' }),
      space: z.enum(['pixel', 'normalized']).default('pixel').meta({ description: 'Coordinates in pixels, or 0…1 of the frame.' }),
      direction: z
        .enum(['left', 'right', 'up', 'down'])
        .default('right')
        .meta({ description: 'The side of the picture to which parts go.' }),
      anchor: z.enum(['centroid', 'bottom', 'box-center']).default('centroid').meta({ description: 'The point of a part that crosses.' }),
      margin: z.number().min(1).max(10_000).optional().meta({
        description:
          'Pixels on both sides of the line in which a part is measured; 6 % of the shorter side when absent. Beyond it the part has crossed.',
      }),
      frames: z
        .number()
        .int()
        .min(1)
        .max(9)
        .default(3)
        .meta({ description: 'The frames nearest to the line decide, each check by the median of its values.' }),
    })
    .superRefine(({ line: [[ax, ay], [bx, by]], direction }, ctx) => {
      const [nx, ny] = DIRECTIONS[direction];
      if ((bx - ax) * ny - (by - ay) * nx === 0)
        ctx.addIssue({ code: 'custom', path: ['direction'], message: `nothing crosses this line to the ${direction}` });
    }),
] as const;

export const recipeSchema = z
  .strictObject({
    recipe: idSchema.meta({ description: 'Name of the recipe.' }),
    number: z
      .number()
      .int()
      .min(1)
      .max(65_535)
      .optional()
      .meta({ description: 'Number by which a PLC knows the recipe: Modbus shows that of the active one.' }),
    product: z.string().min(1).max(100).optional().meta({ description: 'What is made; comes back in every verdict.' }),
    unit: z
      .enum(['px', 'mm'])
      .default('px')
      .meta({ description: 'Unit of lengths; areas are in its square. mm needs the scale of the camera.' }),
    prompts: promptSetSchema.default([]).meta({ description: 'Prompts of the recipe itself; box, points and label.' }),
    trigger: z.discriminatedUnion('type', triggers).prefault({ type: 'mqtt' }).meta({ description: 'When a part is judged.' }),
    edge: z
      .enum(['refined', 'mask'])
      .default('refined')
      .meta({ description: 'refined: outlines are found again in the picture; mask: as the network gives them.' }),
    objects: z.record(idSchema, objectSetSchema).meta({ description: 'Named sets of objects that the checks speak of.' }),
    datum: z
      .strictObject({
        origin: reference.meta({ description: 'The object whose centroid is 0, 0.' }),
        axis: reference.optional().meta({ description: 'The object whose orientation is the x axis; the picture’s when absent.' }),
      })
      .optional()
      .meta({ description: 'The coordinate frame of position, x and y; the corner of the picture when absent.' }),
    decision: z
      .strictObject({
        rule: z.enum(DECISION_RULES).default('guarded').meta({
          description:
            'guarded (ISO 14253-1): a value nearer to a limit than its expanded uncertainty is UNSURE; simple: the value alone decides; strict: uncertain is NOK.',
        }),
        coverage: z.number().min(0).max(10).default(2).meta({ description: 'Expanded uncertainty in standard uncertainties.' }),
      })
      .prefault({}),
    taught: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional()
      .meta({
        description:
          'SHA-256 of the golden sample and the surfaces that the checks compare with, which the node keeps: teach/commit writes it. What the camera is configured with when absent.',
      }),
    noPart: z.enum(['UNSURE', 'NOK']).default('UNSURE').meta({ description: 'The verdict when a set has fewer objects than it expects.' }),
    checks: z.array(checkSchema).min(1).max(RECIPE_LIMITS.checks),
  })
  .superRefine((recipe, ctx) => {
    const names = Object.keys(recipe.objects);
    if (names.length > RECIPE_LIMITS.objects)
      ctx.addIssue({ code: 'custom', path: ['objects'], message: `expected at most ${RECIPE_LIMITS.objects} sets` });
    const demand = (name: string | undefined, path: (string | number)[]) => {
      if (name === undefined) return;
      const set = name.replace(/\[\d+\]$/, '');
      if (!Object.hasOwn(recipe.objects, set)) {
        ctx.addIssue({ code: 'custom', path, message: `no object set "${set}"; expected one of ${names.join(', ') || '(none)'}` });
      }
    };
    for (const [name, set] of Object.entries(recipe.objects)) {
      demand(set.within, ['objects', name, 'within']);
      const seen = new Set([name]);
      for (let within = set.within; within !== undefined; within = recipe.objects[within]?.within) {
        if (seen.has(within)) {
          ctx.addIssue({ code: 'custom', path: ['objects', name, 'within'], message: 'the sets lie in each other' });
          break;
        }
        seen.add(within);
      }
    }
    const ids = new Set<string>();
    for (const [index, check] of recipe.checks.entries()) {
      if (ids.has(check.id)) ctx.addIssue({ code: 'custom', path: ['checks', index, 'id'], message: `"${check.id}" is used twice` });
      ids.add(check.id);
      for (const key of ['count', 'present', 'absent', 'of'] as const) demand(check[key], ['checks', index, key]);
      if (isTaughtMeasure(check.measure) && recipe.objects[check.of?.replace(/\[\d+\]$/, '') ?? '']?.kind === 'hole') {
        const message = 'a hole cannot be compared; expected the set that the hole is in';
        ctx.addIssue({ code: 'custom', path: ['checks', index, 'of'], message });
      }
      for (const [k, name] of (check.between ?? []).entries()) demand(name, ['checks', index, 'between', k]);
    }
    if (recipe.trigger.type === 'crossing') {
      const { of } = recipe.trigger;
      demand(of, ['trigger', 'of']);
      if (recipe.objects[of]?.kind === 'hole')
        ctx.addIssue({ code: 'custom', path: ['trigger', 'of'], message: 'holes have no track; expected the set that they are in' });
    }
    demand(recipe.datum?.origin, ['datum', 'origin']);
    demand(recipe.datum?.axis, ['datum', 'axis']);
    for (const [index, { type, id }] of recipe.prompts.entries()) {
      if (type === 'text' || type === 'track') {
        ctx.addIssue({
          code: 'custom',
          path: ['prompts', index, 'type'],
          message: `a recipe has no ${type} prompts; put it among those of the camera`,
        });
      }
      if (id === undefined)
        ctx.addIssue({ code: 'custom', path: ['prompts', index, 'id'], message: 'expected an id: the objects name it' });
    }
  });

export type Recipe = z.output<typeof recipeSchema>;
export type RecipeInput = z.input<typeof recipeSchema>;
export type ObjectSet = Recipe['objects'][string];
export type Check = Recipe['checks'][number];
export type TriggerConfig = Recipe['trigger'];

/** The specification limits of a check, in the recipe's unit: `target` ± `tol` written out. */
export function limitsOf({ measure, target, tol, lsl, usl, min, max, present, absent }: Partial<Check>): {
  readonly lsl?: number;
  readonly usl?: number;
} {
  if (present !== undefined) return { lsl: 1 };
  if (absent !== undefined) return { usl: 0 };
  const low = lsl ?? min;
  const high = usl ?? max;
  if (measure === 'position') return { ...(tol !== undefined ? { usl: tol } : high !== undefined ? { usl: high } : {}) };
  if (typeof target === 'number' && tol !== undefined) return { lsl: target - tol, usl: target + tol };
  return { ...(low === undefined ? {} : { lsl: low }), ...(high === undefined ? {} : { usl: high }) };
}
