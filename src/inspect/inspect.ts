/** One frame judged by one recipe. */
import type { Frame } from '../domain/frame.js';
import type { Recipe } from '../domain/recipe.js';
import type { FrameResult } from '../domain/result.js';
import { type Judgement, type JudgeOptions, judge } from './judge.js';
import { type OnlyObject, type Scene, sceneOf } from './scene.js';
import type { Taught } from './taught.js';

export interface Inspected extends Judgement {
  readonly scene: Scene;
  /** Milliseconds. */
  readonly measureMs: number;
  readonly decideMs: number;
}

/**
 * Measures and judges. A calibration counts for recipes in mm, and for pictures of its own size. The caller keeps the frame. Errors: those of
 * measureObjects.
 */
export async function inspectFrame(
  recipe: Recipe,
  frame: Frame,
  result: Pick<FrameResult, 'segments' | 'answers' | 'geometry' | 'model'>,
  options: JudgeOptions & {
    readonly only?: OnlyObject | undefined;
    readonly taught?: Pick<Taught, 'golden' | 'surfaces'> | undefined;
    /** See SceneOptions. */
    readonly checksOnly?: boolean | undefined;
  } = {},
): Promise<Inspected> {
  const begin = performance.now();
  const { only, scale, calibration: given, taught, checksOnly } = options;
  const isOf = given !== undefined && given.frame.width === frame.width && given.frame.height === frame.height;
  const calibration = isOf && recipe.unit === 'mm' ? given : undefined;
  const scene = await sceneOf(recipe, frame, result, { only, calibration, taught, checksOnly });
  const measured = performance.now();
  const judgement = judge(recipe, scene, { scale, calibration });
  return { ...judgement, scene, measureMs: measured - begin, decideMs: performance.now() - measured };
}

/** Outlines of all members, in the result of the worst check that speaks of their set. */
export function outlinesOf(recipe: Recipe, { scene, checks }: Pick<Inspected, 'scene' | 'checks'>) {
  const severity = ['ok', 'unsure', 'nok'] as const;
  return [...scene.sets].flatMap(([name, members]) => {
    const about = recipe.checks.flatMap(({ count, present, absent, of, between = [] }, k) => {
      const names = [count, present, absent, of, ...between].map((each) => each?.replace(/\[\d+\]$/, ''));
      return names.includes(name) ? [severity.indexOf(checks[k]!.result)] : [];
    });
    const result = severity[Math.max(0, ...about)]!;
    return members.map(({ outlines }) => ({ rings: outlines, result }));
  });
}
