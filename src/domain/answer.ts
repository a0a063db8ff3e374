/** What prompts answer: the objects of a frame that they match, and how those fare that follow one. */
import type { FollowedPrompt, PROMPT_PUBLISH, Prompt } from './prompt.js';

export const FOLLOW_STATES = ['arming', 'binding', 'locked', 'coasting', 'lost', 'gone'] as const;
export const LOST_REASONS = ['occluded', 'left', 'scene-changed', 'restart'] as const;
/** Why a prompt is where it is: what it waits for while it arms, or why its object was lost. */
export const FOLLOW_REASONS = [...LOST_REASONS, 'taken'] as const;
/** How a lost object was found again: where its track was expected, or elsewhere. */
export const REACQUIRED_BY = ['track', 'appearance', 'text'] as const;

/** What a followed prompt is about in one frame. */
export interface FollowAnswer {
  readonly state: (typeof FOLLOW_STATES)[number];
  readonly track?: number;
  /** In this state for so long. */
  readonly sinceMs?: number;
  /** Locked: all of the object, a part of it, or it and something else. */
  readonly fit?: 'exact' | 'part' | 'merged';
  readonly unseenMs?: number;
  /** Coasting: where the object is expected. */
  readonly predicted?: readonly [number, number, number, number];
  /** Lost and gone: where it was seen last. */
  readonly lastBox?: readonly [number, number, number, number];
  readonly reason?: (typeof FOLLOW_REASONS)[number];
}

/** A followed prompt that changed its state. */
export interface FollowTransition {
  readonly prompt: string;
  readonly from: FollowAnswer['state'];
  readonly to: FollowAnswer['state'];
  readonly track: number;
  readonly box?: readonly [number, number, number, number];
  readonly reason?: (typeof LOST_REASONS)[number];
  /** Back from `lost`: after this long, and how it was found. */
  readonly awayMs?: number;
  readonly by?: (typeof REACQUIRED_BY)[number];
}

/** One object that a prompt matched. `index` points into the frame's segments. */
export interface PromptMatch {
  readonly index: number;
  readonly score: number;
  /** Text prompts: milliseconds since the object was last looked at; 0 for this frame. */
  readonly ageMs?: number;
}

/** The answer to one prompt on one frame. */
export interface PromptAnswer {
  readonly id: string;
  readonly type: Prompt['type'];
  /** The prompt's own choice of what is sent. */
  readonly publish?: (typeof PROMPT_PUBLISH)[number];
  /** Of a prompt that follows an object. */
  readonly follow?: FollowAnswer;
  readonly matches: readonly PromptMatch[];
  /** The best score seen when nothing matched. */
  readonly bestScore?: number;
  /** Runs of the merged mask (`select: "merge"`), as in Segments. */
  readonly merged?: Uint32Array;
  /** Text prompts: objects that have not been scored yet; without a match it is too early to say "nothing". */
  readonly unscored?: number;
  /** Text prompts: why no object could be looked at. */
  readonly reason?: string;
}

/** Of a prompt that follows an object. */
export function isFollowing(answer: PromptAnswer): answer is PromptAnswer & { type: FollowedPrompt['type']; follow: FollowAnswer } {
  return answer.follow !== undefined;
}

/** Too early to say that nothing matches: objects have not been looked at yet. */
export function isPending({ matches, unscored, reason, follow }: PromptAnswer): boolean {
  if (matches.length > 0) return false;
  if (follow) return follow.state === 'binding' || follow.state === 'coasting';
  return unscored !== undefined || reason !== undefined;
}
