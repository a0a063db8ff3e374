/** What is said of one part: the message of its verdict. Pure. */
import { toTimestamp } from '../../contract/common.js';
import type { InspectionCode, RecipeIdentity, VerdictMessage } from '../../contract/messages.js';
import type { FrameResult } from '../../domain/result.js';
import type { LoadedCalibration } from '../../inspect/calibration-file.js';
import type { Judgement } from '../../inspect/judge.js';
import type { Taught } from '../../inspect/taught.js';
import type { NewTrigger, StoredRecipe } from '../../record/protocol.js';

/** What a verdict is about, beside its judgement. */
export interface Occasion {
  readonly trigger: NewTrigger;
  /** CLOCK_MONOTONIC of what triggered. */
  readonly atNs: bigint;
  readonly result?: FrameResult | undefined;
  readonly measureMs?: number;
  readonly decideMs?: number;
  /** Of a part that crossed a line: its track, and the frames of which the median decided. */
  readonly track?: number;
  readonly frames?: number;
  /** What judged the frame. */
  readonly rules?: Rules | undefined;
}

/** What parts are judged by. */
export interface Rules {
  readonly stored: StoredRecipe;
  /** What good parts taught. */
  readonly taught: Taught | undefined;
}

export interface VerdictDetails {
  /** CLOCK_MONOTONIC of the decision. */
  readonly decidedNs: bigint;
  /** Its number; undefined where the record has yet to give one. */
  readonly inspection?: number | undefined;
  readonly calibration?: LoadedCalibration | undefined;
  /** Where its pictures are kept. */
  readonly pictures?: string | undefined;
}

export function verdictMessage(judgement: Judgement, occasion: Occasion, details: VerdictDetails): VerdictMessage {
  const { verdict, reasons, checks } = judgement;
  const { trigger, atNs, result, measureMs = 0, decideMs = 0, track, frames, rules } = occasion;
  const { decidedNs, inspection = 0, calibration, pictures } = details;
  const { stored, taught } = rules ?? {};
  const totalMs = Number(decidedNs - atNs) / 1e6;
  const { part, meas } = trigger;
  const product = stored?.recipe.product;
  return {
    inspection,
    verdict,
    reasons: [...reasons],
    ...(part === undefined ? {} : { part }),
    ...(meas === undefined ? {} : { meas }),
    ...(product === undefined ? {} : { product }),
    ...(track === undefined ? {} : { track, frames }),
    trigger: { id: trigger.trigger, type: trigger.type, at: toTimestamp(trigger.atMs) },
    recipe: stored ? identityOf(stored) : null,
    ...(calibration ? { calibration: { by: calibration.calibration.by, sha256: calibration.sha256 } } : {}),
    ...(taught ? { taught: { sha256: taught.sha256 } } : {}),
    model: result ? { name: result.model.name, backend: result.model.backend } : null,
    frame: result
      ? {
          width: result.segments.width,
          height: result.segments.height,
          capturedAt: toTimestamp(result.captured.wallMs),
          seq: result.sequence,
          ...(result.file ? { source: result.file.name } : {}),
        }
      : null,
    checks: [...checks],
    latencyMs: {
      acquire: rounded(Math.max(0, totalMs - measureMs - decideMs)),
      measure: rounded(measureMs),
      decide: rounded(decideMs),
      total: rounded(Math.max(0, totalMs)),
    },
    ...(pictures === undefined ? {} : { evidence: pictures }),
    recorded: true,
  };
}

export function identityOf({ recipe, revision, sha256 }: Pick<StoredRecipe, 'recipe' | 'revision' | 'sha256'>): RecipeIdentity {
  return { id: recipe.recipe, revision, sha256 };
}

/** What a part is judged to be when nothing could be measured. */
export function unjudged(code: InspectionCode): Judgement {
  return { verdict: 'UNSURE', reasons: [code], checks: [] };
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
