/**
 * Prompts on the result of one frame: `(segments, prompts) → answers`, after FastSAM's box_prompt and point_prompt
 * (FastSAM, 2023, fastsam/prompt.py) with the differences that docs/prompts.md names.
 */

import type { PromptAnswer } from '../domain/answer.js';
import type { Box } from '../domain/box.js';
import { maskArea, maskAreaInBox, maskContains, maskOf, maskSubtract, maskUnion } from '../domain/mask.js';
import type { BoxPrompt, PointsPrompt, Prompt } from '../domain/prompt.js';
import type { Segments } from '../domain/segments.js';
import { answerSalient } from './salient.js';
import { answerLabel, answerText, type TextScores } from './text.js';

/** What prompts may ask about beyond the segments themselves. */
export interface PromptContext {
  /** Class names by index, for label prompts. */
  readonly labels?: readonly string[];
  /** For text prompts. */
  readonly text?: TextScores;
}

/**
 * Answers every prompt, in order. Matched indices point into `segments`. A prompt without a match has no entries in
 * `matches` and the best score that was seen in `bestScore`; a prompt that lies outside of the frame matches nothing.
 */
export function applyPrompts(segments: Segments, prompts: readonly Prompt[], context: PromptContext = {}): PromptAnswer[] {
  return prompts.map((prompt) => ({ ...answer(segments, prompt, context), ...(prompt.publish && { publish: prompt.publish }) }));
}

function answer(segments: Segments, prompt: Prompt, { labels = [], text }: PromptContext): PromptAnswer {
  switch (prompt.type) {
    case 'everything':
      return answerEverything(segments, prompt.id);
    case 'box':
      return answerBox(segments, prompt);
    case 'points':
      return answerPoints(segments, prompt);
    case 'text':
      return answerText(prompt, text);
    case 'track':
      // Answered by what follows; without tracking nothing has an id.
      return { id: prompt.id, type: 'track', matches: [], bestScore: 0 };
    case 'salient':
      return answerSalient(segments, prompt);
    case 'label':
      return answerLabel(segments, prompt, labels);
  }
}

function answerEverything(segments: Segments, id: string): PromptAnswer {
  const matches = Array.from(segments.scores, (score, index) => ({ index, score }));
  return matches.length > 0 ? { id, type: 'everything', matches } : { id, type: 'everything', matches, bestScore: 0 };
}

/** The prompt's box in whole source pixels, rounded and clipped to the frame as the reference does. */
function pixelBox(prompt: BoxPrompt, width: number, height: number): Box {
  const [sx, sy] = prompt.space === 'normalized' ? [width, height] : [1, 1];
  const clip = (value: number, limit: number) => Math.min(Math.max(Math.round(value), 0), limit);
  const [x1, y1, x2, y2] = prompt.box;
  return [clip(x1 * sx, width), clip(y1 * sy, height), clip(x2 * sx, width), clip(y2 * sy, height)];
}

/** The object whose mask overlaps the box best: inside / (box area + mask area − inside), first one on a tie. */
function answerBox(segments: Segments, prompt: BoxPrompt): PromptAnswer {
  const [x1, y1, x2, y2] = pixelBox(prompt, segments.width, segments.height);
  const boxArea = (x2 - x1) * (y2 - y1);
  let best = -1;
  let bestScore = -1;
  for (let index = 0; index < segments.count; index += 1) {
    const inside = maskAreaInBox(maskOf(segments, index), segments.height, x1, y1, x2, y2);
    const union = boxArea + segments.areas[index]! - inside;
    const score = union > 0 ? inside / union : 0;
    if (score > bestScore) {
      best = index;
      bestScore = score;
    }
  }
  const answer = { id: prompt.id, type: prompt.type } as const;
  if (best < 0 || boxArea === 0 || bestScore < prompt.minIou) return { ...answer, matches: [], bestScore: Math.max(bestScore, 0) };
  return { ...answer, matches: [{ index: best, score: bestScore }] };
}

interface PixelPoint {
  /** Column-major pixel index; −1 outside of the frame, where no mask is. */
  readonly pixel: number;
  readonly foreground: boolean;
}

function pixelPoints(prompt: PointsPrompt, width: number, height: number): PixelPoint[] {
  const place = (value: number, size: number) => {
    if (prompt.space === 'pixel') return Math.floor(value);
    // 1.0 is the far edge of the last pixel, so it belongs to it.
    return value === 1 ? size - 1 : Math.floor(value * size);
  };
  return prompt.points.map(([px, py], k) => {
    const x = place(px, width);
    const y = place(py, height);
    const inFrame = x >= 0 && y >= 0 && x < width && y < height;
    return { pixel: inFrame ? x * height + y : -1, foreground: (prompt.labels?.[k] ?? 1) === 1 };
  });
}

interface PointHits {
  readonly index: number;
  readonly area: number;
  /** Foreground points on the mask, as a share of all foreground points. */
  readonly score: number;
  readonly background: boolean;
}

function answerPoints(segments: Segments, prompt: PointsPrompt): PromptAnswer {
  const points = pixelPoints(prompt, segments.width, segments.height);
  if (prompt.select === 'merge') return mergePoints(segments, prompt.id, points);

  const total = points.filter((point) => point.foreground).length;
  const hits: PointHits[] = [];
  let bestScore = 0;
  for (let index = 0; index < segments.count; index += 1) {
    const mask = maskOf(segments, index);
    const on = points.filter((point) => point.pixel >= 0 && maskContains(mask, point.pixel));
    const score = total > 0 ? on.filter((point) => point.foreground).length / total : 0;
    bestScore = Math.max(bestScore, score);
    if (score > 0) hits.push({ index, area: segments.areas[index]!, score, background: on.some((point) => !point.foreground) });
  }
  const held = hits.filter((hit) => !hit.background);
  if (held.length === 0) return { id: prompt.id, type: 'points', matches: [], bestScore };

  const smallest = (a: PointHits, b: PointHits) => a.area - b.area || a.index - b.index;
  const ranked = {
    best: () => held.sort((a, b) => b.score - a.score || smallest(a, b)).slice(0, 1),
    smallest: () => held.sort(smallest).slice(0, 1),
    largest: () => held.sort((a, b) => b.area - a.area || a.index - b.index).slice(0, 1),
    all: () => held,
  }[prompt.select]();
  return { id: prompt.id, type: 'points', matches: ranked.map(({ index, score }) => ({ index, score })) };
}

/**
 * The reference's point prompt: masks by area, largest first; a foreground point on a mask paints it, a background
 * point erases it, and of several points on one mask the last decides.
 */
function mergePoints(segments: Segments, id: string, points: readonly PixelPoint[]): PromptAnswer {
  const bySize = Array.from(segments.areas, (area, index) => ({ area, index })).sort((a, b) => b.area - a.area || a.index - b.index);
  let merged: Uint32Array = new Uint32Array(0);
  const painted = new Set<number>();
  for (const { index } of bySize) {
    const mask = maskOf(segments, index);
    const last = points.findLast((point) => point.pixel >= 0 && maskContains(mask, point.pixel));
    if (!last) continue;
    merged = last.foreground ? maskUnion(merged, mask) : maskSubtract(merged, mask);
    if (last.foreground) painted.add(index);
  }
  if (maskArea(merged) === 0) return { id, type: 'points', matches: [], bestScore: 0, merged };
  const matches = [...painted].sort((a, b) => a - b).map((index) => ({ index, score: segments.scores[index]! }));
  return { id, type: 'points', matches, merged };
}
