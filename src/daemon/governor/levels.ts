/** What the governor may turn down, from nothing to everything that the configuration allows. Pure. */
import type { GovernorConfig } from '../../config/schema.js';

export interface DegradationLevel {
  /** In words: `every 2nd frame`. Empty at the top. */
  readonly name: string;
  /** Share of the text prompts' budget of looks. */
  readonly textShare: number;
  readonly smallModel: boolean;
  /** Of a live camera, one frame of so many is segmented. */
  readonly everyNth: number;
  /** Most frames a second of a live camera; null: no limit. */
  readonly maxFps: number | null;
}

/** The least harmful first. The first level turns nothing down. */
export function degradationLevels(
  { enabled, textShare, smallModel, everyNth, minFps }: GovernorConfig,
  textPrompts = false,
): readonly DegradationLevel[] {
  const top: DegradationLevel = { name: '', textShare: 1, smallModel: false, everyNth: 1, maxFps: null };
  if (!enabled) return [top];
  const levels = [top];
  const below = (change: Partial<DegradationLevel>) => {
    const level = { ...levels.at(-1)!, ...change };
    levels.push({ ...level, name: nameOf(level) });
  };
  if (textPrompts && textShare < 1) below({ textShare });
  if (smallModel !== undefined) below({ smallModel: true });
  for (let nth = 2; nth < everyNth; nth *= 2) below({ everyNth: nth });
  if (everyNth > 1) below({ everyNth });
  if (minFps !== undefined) below({ maxFps: minFps });
  return levels;
}

function nameOf({ textShare, smallModel, everyNth, maxFps }: DegradationLevel): string {
  return [
    ...(textShare < 1 ? ['fewer looks for text prompts'] : []),
    ...(smallModel ? ['small model'] : []),
    ...(everyNth > 1 ? [`every ${ordinal(everyNth)} frame`] : []),
    ...(maxFps === null ? [] : [`at most ${maxFps} frames a second`]),
  ].join(', ');
}

function ordinal(n: number): string {
  const teen = n % 100 >= 11 && n % 100 <= 13;
  const suffix = teen ? 'th' : ({ 1: 'st', 2: 'nd', 3: 'rd' }[n % 10] ?? 'th');
  return `${n}${suffix}`;
}
