/** Findings over time: since when, and which of them have lasted long enough for an alert. Pure but for its memory. */
import type { Finding } from './assess.js';

/** What comes and goes within this time is no alert. */
const RAISE_MS = 10_000;
/** What returns within this time was not over. */
const CLEAR_MS = 10_000;

export interface SubsystemRecord {
  readonly ok: boolean;
  readonly reason?: string;
  /** Milliseconds since the epoch: since when `ok` has had this value. */
  readonly since: number;
  /** While it is well: the last time it was not. */
  readonly last?: { readonly reason?: string; readonly since: number; readonly until: number };
}

export interface AlertRecord {
  readonly id: string;
  readonly severity: 'warning' | 'critical';
  readonly message: string;
}

export interface AlertChanges {
  readonly raised: readonly AlertRecord[];
  readonly cleared: readonly string[];
}

interface Suspicion {
  /** When it was first and last seen. */
  readonly first: number;
  last: number;
  raised: boolean;
}

export class HealthRecord {
  #subsystems = new Map<string, SubsystemRecord>();
  readonly #suspicions = new Map<string, Suspicion>();

  get subsystems(): ReadonlyMap<string, SubsystemRecord> {
    return this.#subsystems;
  }

  /** `now`: milliseconds since the epoch. True when a subsystem changed its state, or its reason other than by the numbers in it. */
  update(findings: readonly Finding[], now: number): boolean {
    const before = this.#subsystems;
    this.#subsystems = new Map(
      findings.map(({ name, ok, reason }) => {
        const known = before.get(name);
        const since = known?.ok === ok ? known.since : now;
        return [name, { ok, since, ...reasonOf(reason), ...lastOf(known, ok, now) }];
      }),
    );
    if (before.size !== this.#subsystems.size) return true;
    return [...this.#subsystems].some(([name, { ok, reason }]) => {
      const known = before.get(name);
      return known?.ok !== ok || withoutNumbers(known.reason) !== withoutNumbers(reason);
    });
  }

  /** What to raise and to clear now. To be called with every look, also when nothing changed. `now`: milliseconds, monotonic. */
  alerts(findings: readonly Finding[], now: number): AlertChanges {
    const raised: AlertRecord[] = [];
    for (const { ok, alert, reason } of findings) {
      if (ok || !alert) continue;
      const suspicion = this.#suspicions.get(alert.id) ?? { first: now, last: now, raised: false };
      this.#suspicions.set(alert.id, suspicion);
      suspicion.last = now;
      if (suspicion.raised || now - suspicion.first < RAISE_MS) continue;
      suspicion.raised = true;
      raised.push({ ...alert, message: (reason ?? alert.id).slice(0, 1000) });
    }
    const cleared: string[] = [];
    for (const [id, suspicion] of this.#suspicions) {
      if (now - suspicion.last < CLEAR_MS) continue;
      this.#suspicions.delete(id);
      if (suspicion.raised) cleared.push(id);
    }
    return { raised, cleared };
  }
}

function reasonOf(reason: string | undefined): { readonly reason?: string } {
  return reason === undefined ? {} : { reason: reason.slice(0, 1000) };
}

function lastOf(known: SubsystemRecord | undefined, ok: boolean, now: number): Pick<SubsystemRecord, 'last'> {
  if (!ok || !known) return {};
  if (!known.ok) return { last: { ...reasonOf(known.reason), since: known.since, until: now } };
  return known.last ? { last: known.last } : {};
}

/** A reason that counts seconds is the same reason a second later. */
function withoutNumbers(reason: string | undefined): string | undefined {
  return reason?.replace(/\d+(\.\d+)?/g, '#');
}
