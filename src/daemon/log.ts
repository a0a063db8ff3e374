/** The log: JSON lines on standard error, with journald's levels where systemd reads them, and never a flood. */
import { fstatSync } from 'node:fs';
import { type DestinationStream, type Logger, pino } from 'pino';
import { redactUri } from '../config/redact.js';
import type { Config } from '../config/schema.js';
import { oneLine } from '../printable.js';

/** So many messages of one kind within the window are let through. */
const BURST = 20;
const WINDOW_MS = 10_000;
const MAX_KINDS = 256;
/** Messages that begin alike are of one kind. */
const MAX_KIND_CHARS = 200;

/** pino's levels as syslog's, which journald reads from a line's `<N>`. */
const SYSLOG = [
  [60, 2],
  [50, 3],
  [40, 4],
  [30, 6],
] as const;
const SYSLOG_DEBUG = 7;

export interface LogOptions {
  readonly level: Config['log']['level'];
  readonly node: string;
  /** Where lines go. `lost`: how many of them were, so far; the log says so as soon as it can. */
  readonly destination: DestinationStream & { readonly lost?: number };
  /** Prefix lines with journald's level. */
  readonly journald?: boolean;
  /** For a person at a terminal: time, level and message, then the fields, instead of JSON. */
  readonly readable?: boolean;
  /** Monotonic, milliseconds. */
  readonly now?: () => number;
}

export function createLog({ level, node, destination, journald = false, readable = false, now }: LogOptions): Logger {
  const limit = new KindLimit(now);
  let told = 0;
  const write = (line: string) => {
    const { lost = 0 } = destination;
    const news = lost - told;
    told = lost;
    if (news > 0) log.warn({ lost }, `log: ${news} lines were lost before this one: standard error was full or not read`);
    destination.write(journald ? prefixed(line) : readable ? readableLine(line) : line);
  };
  const log: Logger = pino(
    {
      level,
      base: { node },
      formatters: { log: withoutSecrets },
      hooks: {
        logMethod(args, method, messageLevel) {
          const [first, second, ...rest] = args as [unknown, unknown?, ...unknown[]];
          const text = typeof first === 'string' ? first : typeof second === 'string' ? second : '';
          const suppressed = limit.admit(`${messageLevel} ${kindOf(text)}`);
          if (suppressed === undefined) return;
          const fields = { ...(typeof first === 'object' ? first : {}), ...(suppressed === 0 ? {} : { suppressed }) };
          method.apply(this, [fields, redactUri(text), ...(typeof first === 'string' ? [] : rest)] as Parameters<typeof method>);
        },
      },
    },
    { write },
  );
  return log;
}

/** Whether standard error is the journal's socket, as systemd says in JOURNAL_STREAM (device:inode). */
export function isJournal(environment: Readonly<Record<string, string | undefined>>): boolean {
  const stream = environment.JOURNAL_STREAM;
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(2, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

function prefixed(line: string): string {
  const level = Number(/"level":(\d+)/.exec(line)?.[1]);
  const priority = SYSLOG.find(([least]) => level >= least)?.[1] ?? SYSLOG_DEBUG;
  return `<${priority}>${line}`;
}

/** Keys of a line that the text says, or that are the same in all lines. */
const TOLD = new Set(['level', 'time', 'node', 'msg', 'pid', 'hostname']);

/** `12:30:01 warn  camera belt: lost  camera=belt reason="no frame"`: one line, whatever is in it. */
function readableLine(line: string): string {
  const entry = JSON.parse(line) as { level: number; time: number; msg?: string; err?: { message?: string } };
  const level = (pino.levels.labels[entry.level] ?? String(entry.level)).padEnd(5);
  const time = new Date(entry.time).toTimeString().slice(0, 8);
  const fields = Object.entries(entry)
    .filter(([key]) => !TOLD.has(key))
    .map(([key, value]) => `${key}=${fieldText(key === 'err' ? (entry.err?.message ?? value) : value)}`);
  return `${oneLine([`${time} ${level} ${entry.msg ?? ''}`, ...fields].join('  '))}\n`;
}

function fieldText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return typeof value === 'string' && /[\s"]/.test(text) ? JSON.stringify(text) : text;
}

/** Messages that differ in numbers only are of one kind. */
function kindOf(text: string): string {
  return text.slice(0, MAX_KIND_CHARS).replace(/\d+/g, '#');
}

/** Credentials in URLs, wherever they are written down: in reasons of errors, mostly. */
function withoutSecrets(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, typeof value === 'string' ? redactUri(value) : value]));
}

/** Lets through a burst of each kind per window, in bounded memory. */
export class KindLimit {
  readonly #kinds = new Map<string, { since: number; count: number }>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** How many of the kind were held back before this one, which passes; undefined when it is held back itself. */
  admit(kind: string): number | undefined {
    const now = this.#now();
    const known = this.#kinds.get(kind);
    if (known && now - known.since < WINDOW_MS) {
      known.count += 1;
      return known.count <= BURST ? 0 : undefined;
    }
    this.#kinds.delete(kind);
    this.#kinds.set(kind, { since: now, count: 1 });
    if (this.#kinds.size > MAX_KINDS) this.#kinds.delete(this.#kinds.keys().next().value!);
    return known ? Math.max(known.count - BURST, 0) : 0;
  }
}
