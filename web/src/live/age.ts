/** How old a picture may be before the page says so. */
export const STALE_MS = 1000;
/** Three frames, where two a second come. */
export const SPARING_STALE_MS = 1500;
export const OLD_MS = 3000;

export function ageText(ms: number | undefined): string {
  if (ms === undefined) return 'no picture yet';
  return ms < 1000 ? `${Math.max(0, Math.round(ms))} ms old` : `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s old`;
}
