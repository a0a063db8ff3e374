/** Several frames of one part made into one judgement. Pure. */
import type { CheckResult } from '../contract/inspection.js';
import { type Judgement, totalOf } from './judge.js';

/**
 * Of each check the frame with the median value decides; a check without a value in more than half of the frames has none. Of two
 * middle frames the earlier in the list counts; frames that could not be judged are left out where others were. `judgements`: at least
 * one, of the same recipe.
 */
export function combine(all: readonly Judgement[]): Judgement {
  const judgements = all.filter(({ checks }) => checks.length > 0);
  const [first] = judgements;
  if (judgements.length <= 1) return first ?? all[0]!;
  return totalOf(first!.checks.map((_, k) => middle(judgements.map(({ checks }) => checks[k]!))));
}

function middle(results: readonly CheckResult[]): CheckResult {
  const valued = results.filter(({ value }) => value !== null);
  if (2 * valued.length < results.length || valued.length === 0) return results.find(({ value }) => value === null)!;
  const sorted = [...valued].sort((a, b) => a.value! - b.value!);
  const low = sorted[(sorted.length - 1) >> 1]!;
  const high = sorted[sorted.length >> 1]!;
  return results.indexOf(low) <= results.indexOf(high) ? low : high;
}
