/** What became of prompts, in words. */
import type { ResultMessage } from '../contract/messages.js';

/** `; station matched (0.81); hand unmatched (best 0.17); red pending (3 objects unscored)`; empty without prompts. */
export function promptWords(answers: ResultMessage['prompts']): string {
  const words = answers.map((answer) =>
    answer.status === 'matched'
      ? `; ${answer.id} matched (${Math.max(...answer.objects.map(({ score }) => score)).toFixed(2)})`
      : `; ${answer.id} ${unanswered(answer)}`,
  );
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
