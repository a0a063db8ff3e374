/** Which existing word somebody probably meant. */
import { distance } from 'fastest-levenshtein';

const letters = (word: string) => [...word].sort().join('');

/** The word of `candidates` that was probably meant by `word`; undefined when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const typed = word.toLowerCase();
  const rank = (candidate: string) => {
    const meant = candidate.toLowerCase();
    // Letters in the wrong order are one slip of the fingers; another first letter makes a slip less likely.
    return letters(typed) === letters(meant) ? 1 : distance(typed, meant) + (meant[0] === typed[0] ? 0 : 0.5);
  };
  const [best] = candidates.map((candidate) => ({ candidate, rank: rank(candidate) })).sort((x, y) => x.rank - y.rank);
  return best && best.rank <= Math.max(1.5, best.candidate.length * 0.4) ? best.candidate : undefined;
}
