/** Bytes from the network → a JSON value, bounded before every step that could cost more than the bytes themselves. */
import { isUtf8 } from 'node:buffer';
import { FastsamError, messageOf } from '../errors.js';

const MAX_DEPTH = 16;
/** A full prompt set (100 prompts) has well below this. */
const MAX_KEYS = 2000;
/** In all arrays and objects. */
const MAX_ELEMENTS = 25_000;

const BYTE_ORDER_MARK = '\ufeff';

function invalid(message: string, cause?: unknown): FastsamError {
  return new FastsamError('REQUEST_INVALID', message, { cause });
}

/** Counts nesting, keys and elements without building anything. Malformed text passes: the parser will find what is wrong with it. */
function checkShape(text: string): void {
  let depth = 0;
  let keys = 0;
  let elements = 0;
  for (let i = 0; i < text.length; i += 1) {
    const c = text.charCodeAt(i);
    // A picture is one long string.
    if (c === 0x22) i = endOfString(text, i);
    else if (c === 0x7b || c === 0x5b) depth += 1;
    else if (c === 0x7d || c === 0x5d) depth -= 1;
    else if (c === 0x3a) keys += 1;
    else if (c === 0x2c) elements += 1;
    if (depth > MAX_DEPTH) throw invalid(`expected JSON nested at most ${MAX_DEPTH} deep`);
    if (keys > MAX_KEYS) throw invalid(`expected at most ${MAX_KEYS} keys`);
    if (elements > MAX_ELEMENTS) throw invalid(`expected at most ${MAX_ELEMENTS} values`);
  }
}

/** The index of the quote that closes the string which begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let from = start + 1; ; ) {
    const end = text.indexOf('"', from);
    if (end < 0) return text.length;
    let escapes = 0;
    while (end - escapes > from && text.charCodeAt(end - escapes - 1) === 0x5c) escapes += 1;
    if (escapes % 2 === 0) return end;
    from = end + 1;
  }
}

/**
 * The value of a request's payload; an empty payload is `{}`.
 * Errors: REQUEST_INVALID for too many bytes, invalid UTF-8, nesting or keys above the limits, malformed JSON.
 */
export function parsePayload(payload: Buffer, maxBytes: number): unknown {
  if (payload.length > maxBytes) throw invalid(`expected at most ${maxBytes} bytes, got ${payload.length}`);
  if (payload.length === 0) return {};
  // Ten times as fast as a TextDecoder that reports errors, on pictures of several megabytes.
  if (!isUtf8(payload)) throw invalid('expected UTF-8');
  const decoded = payload.toString('utf8');
  const text = decoded.startsWith(BYTE_ORDER_MARK) ? decoded.slice(1) : decoded;
  checkShape(text);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(`expected JSON: ${messageOf(cause).slice(0, 200)}`, cause);
  }
}
