/**
 * Text prompts as a search: the name of every category is asked of every picture. What is found is held against the annotated objects;
 * a category that is not there should match nothing.
 */
import { native } from '../../addon/addon.js';
import type { Frame } from '../../domain/frame.js';
import type { MaskRuns } from '../../domain/mask.js';
import { PROMPT_LIMITS, type Prompt, parsePrompts } from '../../domain/prompt.js';
import type { Segments } from '../../domain/segments.js';
import { FastsamError } from '../../errors.js';
import { answerText } from '../../prompt/text.js';
import { TextStage } from '../../text/stage.js';
import { TEXT_DEFAULTS, type TextModel } from '../../text/text-model.js';
import type { Category, Picture, Truth } from '../detection/dataset.js';
import { encodedMask } from '../detection/masks.js';

/** An object that a category's name matched. */
export interface TextMatch {
  readonly category: number;
  readonly index: number;
  readonly score: number;
}

/** One category in one picture. */
export interface Answer {
  readonly category: number;
  /** Whether annotated objects of it are there. */
  readonly present: boolean;
  /** Objects that its name matched. */
  readonly matches: number;
  /** Present ones: IoU of the best match with the annotated object it overlaps most; 0 without a match. */
  readonly iou: number;
}

/** Everything is looked at once, and known until the next picture. */
const LOOK = {
  ...TEXT_DEFAULTS,
  maxCropsPerFrame: Number.POSITIVE_INFINITY,
  refresh: { iou: 1, area: 0, ageMs: Number.POSITIVE_INFINITY },
};

/** Prompts for the names of categories, as many lists as the limit of a list takes. `threshold`, `templates`: those of a text prompt. */
export function namePrompts(
  categories: readonly Category[],
  { threshold, templates }: { readonly threshold?: number | undefined; readonly templates?: readonly string[] | undefined },
): Prompt[][] {
  const lists: Prompt[][] = [];
  for (let first = 0; first < categories.length; first += PROMPT_LIMITS.prompts) {
    const some = categories.slice(first, first + PROMPT_LIMITS.prompts);
    lists.push(
      parsePrompts(
        some.map(({ id, name }) => ({
          type: 'text' as const,
          id: String(id),
          // LVIS joins the words of a name by underscores.
          text: name.replaceAll('_', ' '),
          ...(threshold === undefined ? {} : { threshold }),
          ...(templates === undefined ? {} : { templates: [...templates] }),
        })),
      ),
    );
  }
  return lists;
}

/** What each of the prompts matches in a picture. Errors: MODEL_NOT_FOUND and others of the text model. */
export async function askNames(
  model: TextModel,
  lists: readonly (readonly Prompt[])[],
  frame: Frame,
  segments: Segments,
): Promise<TextMatch[]> {
  const stage = new TextStage({ model, options: LOOK });
  const found: TextMatch[] = [];
  for (const prompts of lists) {
    await model.prepare(prompts);
    const { scores } = await stage.score(frame, segments, prompts);
    if (scores.reason !== undefined) throw new FastsamError('MODEL_UNSUPPORTED', `text prompts cannot be answered: ${scores.reason}`);
    for (const prompt of prompts) {
      if (prompt.type !== 'text') continue;
      const { matches } = answerText(prompt, scores);
      for (const { index, score } of matches) found.push({ category: Number(prompt.id), index, score });
    }
  }
  return found;
}

/**
 * The answers for a picture. Left out: categories of which only crowds are annotated and, in a data set that lists what was looked for
 * (LVIS), those that were not. Errors: DATASET_INVALID for an annotation that does not fit the picture.
 */
export async function answersOf(
  picture: Picture,
  truths: readonly Truth[],
  categories: readonly Category[],
  matches: readonly TextMatch[],
  segments: Segments,
  isFederated: boolean,
): Promise<Answer[]> {
  const objects = truths.filter(({ crowd }) => !crowd);
  const present = new Set(objects.map(({ category }) => category));
  const inDoubt = new Set(truths.filter(({ category }) => !present.has(category)).map(({ category }) => category));
  const best = new Map<number, TextMatch>();
  const counts = new Map<number, number>();
  for (const match of matches) {
    counts.set(match.category, (counts.get(match.category) ?? 0) + 1);
    if (match.score > (best.get(match.category)?.score ?? Number.NEGATIVE_INFINITY)) best.set(match.category, match);
  }
  const asked = [...best.values()].filter(({ category }) => present.has(category));
  const { overlaps } = await native().maskOverlaps(
    asked.map(({ index }) => runsOf(segments, index)),
    objects.map(({ segmentation, id }) => encodedMask(segmentation, picture, `annotation ${id}`)),
    new Uint8Array(objects.length),
    Int32Array.from(asked, ({ category }) => category),
    Int32Array.from(objects, ({ category }) => category),
    picture.width,
    picture.height,
  );
  let row = 0;
  const ious = new Map(
    asked.map(({ category }) => {
      const length = objects.filter((object) => object.category === category).length;
      row += length;
      return [category, Math.max(...overlaps.subarray(row - length, row))];
    }),
  );
  const isAsked = (id: number) => present.has(id) || (!inDoubt.has(id) && (!isFederated || picture.absent.has(id)));
  return categories
    .filter(({ id }) => isAsked(id))
    .map(({ id }) => ({ category: id, present: present.has(id), matches: counts.get(id) ?? 0, iou: ious.get(id) ?? 0 }));
}

function runsOf(segments: Segments, index: number): MaskRuns {
  return segments.runs.slice(2 * segments.offsets[index]!, 2 * segments.offsets[index + 1]!);
}

/**
 * Over all pairs of a picture and a category. `IoU`: mean of the present ones. `found@50`: share of them with an IoU of 0.5 and more.
 * `false-match`: share of the absent ones that match anything. −1 where there are none.
 */
export function retrievalFigures(pictures: readonly (readonly Answer[])[]): Record<'IoU' | 'found@50' | 'false-match', number> {
  let [present, absent, iou, found, wrong] = [0, 0, 0, 0, 0];
  for (const answers of pictures) {
    for (const answer of answers) {
      if (answer.present) {
        present += 1;
        iou += answer.iou;
        if (answer.iou >= 0.5) found += 1;
      } else {
        absent += 1;
        if (answer.matches > 0) wrong += 1;
      }
    }
  }
  const share = (sum: number, count: number) => (count === 0 ? -1 : sum / count);
  return { IoU: share(iou, present), 'found@50': share(found, present), 'false-match': share(wrong, absent) };
}
