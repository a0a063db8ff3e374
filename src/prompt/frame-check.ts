/** Whether prompts can mean anything on a frame of a known size. */
import type { Prompt } from '../domain/prompt.js';
import { FastsamError } from '../errors.js';

export interface FrameSize {
  readonly width: number;
  readonly height: number;
}

/** What is wrong with a prompt on a frame of this size, or undefined. A box must overlap the frame, a point must lie on it. */
export function frameProblem(prompt: Prompt, { width, height }: FrameSize): string | undefined {
  // Normalized coordinates are within 0…1 by their schema.
  if (prompt.type !== 'box' && prompt.type !== 'points') return undefined;
  if (prompt.space === 'normalized') return undefined;
  if (prompt.type === 'box') {
    const [x1, y1, x2, y2] = prompt.box;
    const overlaps = x1 < width && y1 < height && x2 > 0 && y2 > 0;
    return overlaps ? undefined : `box [${prompt.box.join(', ')}] lies outside`;
  }
  const outside = prompt.points.find(([x, y]) => x < 0 || y < 0 || x >= width || y >= height);
  return outside && `point [${outside.join(', ')}] lies outside`;
}

/** `owner`: of the frame, as in `camera "belt"`. Errors: PROMPT_INVALID naming the first prompt that does not fit, and the frame's size. */
export function assertInFrame(prompts: readonly Prompt[], owner: string, frame: FrameSize): void {
  for (const prompt of prompts) {
    const problem = frameProblem(prompt, frame);
    if (problem === undefined) continue;
    throw new FastsamError('PROMPT_INVALID', `prompt "${prompt.id}": ${problem} of the ${frame.width}x${frame.height} frame of ${owner}`);
  }
}
