/** Whether an engine finds what its reference finds: both on the same frames. */
import type { Frame } from '../domain/frame.js';
import { SEGMENTATION_DEFAULTS } from '../domain/segmentation.js';
import { type Agreement, agreementOf, compareSegments, SCORE_MARGIN, shortcomings, total } from './agreement.js';
import type { SegmentationEngine } from './engine.js';
import type { Verification } from './tensorrt/sidecar.js';

/** Agreement on the objects of one frame with a score above `conf`. Errors: those of the engines. */
export async function compareOn(engine: SegmentationEngine, reference: SegmentationEngine, frame: Frame, conf: number): Promise<Agreement> {
  const options = { ...SEGMENTATION_DEFAULTS, conf: conf - SCORE_MARGIN };
  const [got, expected] = await Promise.all([engine.segment(frame, options), reference.segment(frame, options)]);
  return compareSegments(got.segments, expected.segments, conf);
}

export interface Verdict {
  readonly all: Agreement;
  /** What falls short, in words; empty: passed. */
  readonly shortcomings: readonly string[];
  readonly verification: Verification;
}

export function verdictOf(compared: readonly Agreement[]): Verdict {
  const all = total(compared);
  const short = shortcomings(all);
  const verification: Verification = {
    verdict: short.length === 0 ? 'pass' : 'fail',
    at: new Date().toISOString(),
    images: compared.length,
    agreement: agreementOf(all),
    boxIou: all.boxIou,
    maskIou: all.maskIou,
    scoreDifference: all.scoreDifference,
  };
  return { all, shortcomings: short, verification };
}
