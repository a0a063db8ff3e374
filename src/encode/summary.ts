/** From a frame's result to its summary, for links where every byte counts. */

import { WIRE_VERSION } from '../contract/common.js';
import type { SummaryMessage } from '../contract/summary.js';
import { isPending } from '../domain/answer.js';
import type { FrameResult } from '../domain/result.js';

/** The highest number that one character can say. */
const MOST = 9;

/** `degraded`: the node has turned something down. */
export function summaryOf(result: FrameResult, degraded: boolean): SummaryMessage {
  const { sequence, captured, promptRevision, segments, answers } = result;
  return {
    v: WIRE_VERSION,
    seq: sequence,
    at: Math.round(captured.wallMs),
    revision: promptRevision,
    found: segments.count,
    answers: answers.map((answer) => (isPending(answer) ? '-' : Math.min(MOST, answer.matches.length))).join(''),
    ...(degraded ? { degraded } : {}),
  };
}
