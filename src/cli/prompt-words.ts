/** What became of prompts, in words. */
import type { ResultMessage } from '../contract/messages.js';

/**
 * `; station matched (0.81); hand unmatched (best 0.17); red pending (3 objects unscored)`; of prompts that follow also their state and
 * track: `; that-one locked on track 317 (0.81)`, `; that-one lost, track 317 (occluded)`. Empty without prompts.
 */
export function promptWords(answers: ResultMessage['prompts']): string {
  const words = answers.map((answer) => {
    const best = answer.status === 'matched' ? ` (${Math.max(...answer.objects.map(({ score }) => score)).toFixed(2)})` : '';
    if (!answer.follow) return `; ${answer.id} ${answer.status === 'matched' ? `matched${best}` : unanswered(answer)}`;
    const { state, track, reason } = answer.follow;
    const on = track === undefined ? '' : state === 'locked' ? ` on track ${track}` : `, track ${track}`;
    return `; ${answer.id} ${state}${on}${best || (reason ? ` (${reason})` : '')}`;
  });
  return words.join('');
}

interface Unanswered {
  readonly status: 'unmatched' | 'pending';
  readonly bestScore?: number | undefined;
  /** Objects that have no score yet. */
  readonly unscored?: number | undefined;
  readonly reason?: string | undefined;
}

/**
 * `unmatched (best 0.17)`; `pending (best 0.17; 3 objects unscored)`, where it is too early to say that nothing matches;
 * `pending (REASON)`.
 */
export function unanswered({ status, bestScore, unscored, reason }: Unanswered): string {
  const notes = [
    ...(bestScore === undefined ? [] : [`best ${bestScore.toFixed(2)}`]),
    ...(unscored === undefined || unscored === 0 ? [] : [`${unscored} ${unscored === 1 ? 'object' : 'objects'} unscored`]),
    ...(reason === undefined ? [] : [reason]),
  ];
  return notes.length > 0 ? `${status} (${notes.join('; ')})` : status;
}
