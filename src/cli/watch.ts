/** `fastsamd watch`: what a node says, as it says it. */

import {
  type EventMessage,
  type ResultMessage,
  resultMessageSchema,
  type SummaryMessage,
  summaryMessageSchema,
} from '../contract/messages.js';
import { FastsamError } from '../errors.js';
import type { InboundMessage } from '../mqtt/connection.js';
import { withoutControls } from '../printable.js';
import { connectTo, demandNode, withBroker } from './broker.js';
import type { BrokerOptions } from './broker-options.js';
import { askedToLeave, finishBeforeLeaving } from './leaving.js';
import { promptWords } from './prompt-words.js';
import { tell } from './terminal.js';
import { drawResult } from './terminal-drawing.js';

/** Retained messages come at once. */
const SILENCE_MS = 2000;

export interface WatchOptions extends BrokerOptions {
  readonly node: string;
  readonly camera: string;
  readonly draw: boolean;
  readonly json: boolean;
}

export async function watch(given: WatchOptions): Promise<void> {
  const args = await withBroker(given);
  if (args.draw && args.json) throw new FastsamError('USAGE', 'expected either --draw or --json, got both');
  const base = `${args.prefix}/${demandNode(args.node)}`;
  // Before anything is shown: the reader of the first line may end the command at once.
  using finishing = finishBeforeLeaving('success');
  const interrupted = askedToLeave(finishing);
  let heard = false;
  const show = (message: InboundMessage) => {
    heard = true;
    process.stdout.write(textOf(message, base, args));
  };
  const connection = await connectTo(args, show, new AbortController().signal);
  for (const topic of ['state', 'alert/+', ...['state', 'result', 'summary', 'event'].map((kind) => `cameras/${args.camera}/${kind}`)]) {
    await connection.subscribe(`${base}/${topic}`);
  }
  // A node that is there, or ever was, has a retained state.
  const silence = setTimeout(() => {
    if (!heard) tell(`fastsamd: nothing heard of ${args.node} at ${args.broker} so far; is its id right?`);
  }, SILENCE_MS);
  const broke = await Promise.race([connection.ended, interrupted]);
  clearTimeout(silence);
  if (broke) throw new FastsamError('BROKER_UNREACHABLE', broke.message);
  await connection.close(1000);
}

function textOf({ topic, payload }: InboundMessage, base: string, { draw, json }: Pick<WatchOptions, 'draw' | 'json'>): string {
  const kind = topic.slice(base.length + 1);
  const text = payload.toString('utf8');
  const value = parse(text);
  // An empty message clears a retained one.
  if (json) return `${withoutControls(JSON.stringify({ topic: kind, message: value ?? null }))}\n`;
  if (value === undefined) return text === '' ? withoutControls(`${kind}: cleared\n`) : '';
  if (kind.endsWith('/result')) {
    const result = resultMessageSchema.safeParse(value).data;
    if (!result) return '';
    return draw ? `${drawing(result)}${withoutControls(resultLine(result))}` : withoutControls(resultLine(result));
  }
  if (kind.endsWith('/summary')) {
    const brief = summaryMessageSchema.safeParse(value).data;
    return brief ? withoutControls(briefly(kind.split('/')[1]!, brief)) : '';
  }
  if (kind.endsWith('/event')) {
    const { ts, camera, type, replayed, v, node, bootId, eventId, ...rest } = value as EventMessage & Record<string, unknown>;
    return `${withoutControls(`${ts} ${camera}: ${type} ${JSON.stringify(rest)}${replayed ? ' (replayed)' : ''}`)}\n`;
  }
  const { state, severity, message, reason } = value as Record<string, string | undefined>;
  return `${withoutControls(`${kind}: ${[severity, state, message ?? reason].filter(Boolean).join(', ')}`)}\n`;
}

const HOME_AND_CLEAR = '\x1b[H\x1b[2J';

/** On a terminal each drawing replaces the last one; colours only where they are wanted (no-color.org). */
function drawing(result: ResultMessage): string {
  const { isTTY, columns, rows } = process.stdout;
  const colour = isTTY === true && !process.env.NO_COLOR;
  return `${isTTY ? HOME_AND_CLEAR : ''}${drawResult(result, { columns: columns || 100, rows: rows || 40, colour })}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `belt #1042: 3 objects, 11.9 ms, revision 3, tracks 7 12; station matched (0.81); hand unmatched (best 0.17)`. */
export function resultLine({ camera, seq, objects, prompts, latencyMs, promptRevision, degraded }: ResultMessage): string {
  const note = degraded ? ', degraded' : '';
  return `${camera} #${seq}: ${objects.length} objects, ${latencyMs.total.toFixed(1)} ms, revision ${promptRevision}${note}${trackWords(objects)}${promptWords(prompts)}\n`;
}

/** As many ids as fit on a line. */
const SHOWN_TRACKS = 12;

/** `, tracks 7 12 13`; `, tracks 7 12 … and 5 more`; empty without tracking. */
function trackWords(objects: ResultMessage['objects']): string {
  const tracks = objects.flatMap(({ track }) => track ?? []).sort((a, b) => a - b);
  if (tracks.length === 0) return '';
  const more = tracks.length - SHOWN_TRACKS;
  return `, tracks ${tracks.slice(0, SHOWN_TRACKS).join(' ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** `belt #1042: 12 objects, revision 3, answers 20-`. */
function briefly(camera: string, { seq, found, revision, answers, degraded }: SummaryMessage): string {
  return `${camera} #${seq}: ${found} objects, revision ${revision}${degraded ? ', degraded' : ''}${answers && `, answers ${answers}`}\n`;
}
