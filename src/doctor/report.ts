/** What the doctor found: one line per check, and what to do about it. */
export type CheckStatus = 'ok' | 'warning' | 'problem' | 'skipped';

export interface Check {
  readonly name: string;
  readonly status: CheckStatus;
  readonly detail: string;
  /** With a warning or a problem: what to do. */
  readonly remedy?: string;
}

export const ok = (name: string, detail: string): Check => ({ name, status: 'ok', detail });
export const skipped = (name: string, detail: string): Check => ({ name, status: 'skipped', detail });
export const warning = (name: string, detail: string, remedy: string): Check => ({ name, status: 'warning', detail, remedy });
export const problem = (name: string, detail: string, remedy: string): Check => ({ name, status: 'problem', detail, remedy });

/** A table for people. */
export function table(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, status, detail, remedy }) => [
    `${status.padEnd(8)} ${name.padEnd(width)}  ${detail}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(9 + width)}  → ${remedy}`]),
  ]);
  const count = (wanted: CheckStatus) => checks.filter(({ status }) => status === wanted).length;
  return `${lines.join('\n')}\n\n${count('ok')} ok, ${count('warning')} warnings, ${count('problem')} problems, ${count('skipped')} skipped\n`;
}
