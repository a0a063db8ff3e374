/** What became of prompts, in words. */
import type { ResultMessage } from '../contract/messages.js';

/** `; station matched (0.81); hand unmatched (best 0.17)`; empty without prompts. */
export function promptWords(answers: ResultMessage['prompts']): string {
  const words = answers.map((answer) =>
    answer.status === 'matched'
      ? `; ${answer.id} matched (${Math.max(...answer.objects.map(({ score }) => score)).toFixed(2)})`
      : `; ${answer.id} unmatched${answer.bestScore === undefined ? '' : ` (best ${answer.bestScore.toFixed(2)})`}`,
  );
  return words.join('');
}
