/** What nvpmodel on a Jetson limits the clocks to. */
export interface PowerMode {
  readonly id: number;
  /** `MAXN`, `15W`; null when nvpmodel.conf does not tell. */
  readonly name: string | null;
}

/** Where nvpmodel keeps the mode that it applied last, and what the modes are. */
export const POWER_MODE_FILES = ['/var/lib/nvpmodel/status', '/etc/nvpmodel.conf'] as const;

/** From the text of both files; null where the first is not there. Pure. */
export function parsePowerMode(status: string | null, modes: string | null): PowerMode | null {
  const id = /pmode:\s*(\d+)/.exec(status ?? '')?.[1];
  if (id === undefined) return null;
  const names = (modes ?? '').matchAll(/<\s*POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+)\s*>/g);
  return { id: Number(id), name: [...names].find((match) => Number(match[1]) === Number(id))?.[2] ?? null };
}
