/** Which objects of a frame a line or a zone counts. */
import type { PromptAnswer } from '../domain/answer.js';
import type { Segments } from '../domain/segments.js';
import type { Tracks } from '../domain/track.js';
import type { LineConfig } from '../domain/zone.js';

/** More tracks than a tracker holds: only a caller that never tells of their end gets here. */
export const MAX_REMEMBERED = 4096;

/** Whether a line or zone counts object `index` of this frame. */
export type Countable = (index: number, rule: Pick<LineConfig, 'objects' | 'maxArea'>) => boolean;

/** Objects without a track never count. `answers`: of the prompts, for rules that name some. */
export function countableOf(segments: Segments, tracks: Tracks, answers: readonly PromptAnswer[]): Countable {
  return (index, { objects, maxArea }) => {
    if (tracks.ids[index] === 0) return false;
    if (objects === 'all') return true;
    if (objects !== 'whole')
      return answers.some(({ id, matches }) => objects.includes(id) && matches.some((match) => match.index === index));
    return tracks.parents[index] === 0 && segments.areas[index]! <= maxArea * segments.width * segments.height;
  };
}
