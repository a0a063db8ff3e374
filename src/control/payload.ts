/** Bytes from the network → a JSON value, bounded before every step that could cost more than the bytes themselves. */
import { isUtf8 } from 'node:buffer';
import { FastsamError, messageOf } from '../errors.js';

const MAX_DEPTH = 16;
/** A full prompt set (100 prompts) has well below this. */
const MAX_KEYS = 2000;
/** In all arrays and objects. */
const MAX_ELEMENTS = 25_000;
/** Of all that is not the longest text, which in a job is its picture. */
const MAX_BYTES_BESIDE = 2 ** 20;
/** A text of prompts has a few; base64 has none. */
const MAX_ESCAPED_QUOTES = 25_000;

const BYTE_ORDER_MARK = '\ufeff';
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

function invalid(message: string, cause?: unknown): FastsamError {
  return new FastsamError('REQUEST_INVALID', message, { cause });
}

/**
 * Counts nesting, keys, elements and lengths without building anything, and stops at the first limit that is exceeded. Works on
 * bytes, as the quotes that end texts are then found by memchr. Malformed text passes: the parser will find what is wrong with it.
 */
function checkShape(bytes: Buffer): void {
  let depth = 0;
  let keys = 0;
  let elements = 0;
  let escapedQuotes = 0;
  let longest = 0;
  for (let i = 0; i < bytes.length; i += 1) {
    const c = bytes[i];
    if (c === QUOTE) {
      const start = i;
      for (i = bytes.indexOf(QUOTE, i + 1); i >= 0 && isEscaped(bytes, i, start); i = bytes.indexOf(QUOTE, i + 1)) {
        escapedQuotes += 1;
        if (escapedQuotes > MAX_ESCAPED_QUOTES) throw invalid(`expected at most ${MAX_ESCAPED_QUOTES} escaped quotes`);
      }
      if (i < 0) i = bytes.length;
      longest = Math.max(longest, i - start);
    } else if (c === 0x7b || c === 0x5b) depth += 1;
    else if (c === 0x7d || c === 0x5d) depth -= 1;
    else if (c === 0x3a) keys += 1;
    else if (c === 0x2c) elements += 1;
    if (depth > MAX_DEPTH) throw invalid(`expected JSON nested at most ${MAX_DEPTH} deep`);
    if (keys > MAX_KEYS) throw invalid(`expected at most ${MAX_KEYS} keys`);
    if (elements > MAX_ELEMENTS) throw invalid(`expected at most ${MAX_ELEMENTS} values`);
    if (i - longest > MAX_BYTES_BESIDE) throw invalid(`expected at most ${MAX_BYTES_BESIDE} bytes beside the longest text`);
  }
}

/** Whether an odd number of backslashes is before the quote at `end`, back to the one that begins the text. */
function isEscaped(bytes: Buffer, end: number, start: number): boolean {
  let at = end - 1;
  while (at > start && bytes[at] === BACKSLASH) at -= 1;
  return (end - at) % 2 === 0;
}

/**
 * The value of a request's payload; an empty payload is `{}`.
 * Errors: REQUEST_INVALID for too many bytes, invalid UTF-8, nesting, keys or lengths above the limits, malformed JSON.
 */
export function parsePayload(payload: Buffer, maxBytes: number): unknown {
  if (payload.length > maxBytes) throw invalid(`expected at most ${maxBytes} bytes, got ${payload.length}`);
  if (payload.length === 0) return {};
  // Ten times as fast as a TextDecoder that reports errors, on pictures of several megabytes.
  if (!isUtf8(payload)) throw invalid('expected UTF-8');
  checkShape(payload);
  const decoded = payload.toString('utf8');
  const text = decoded.startsWith(BYTE_ORDER_MARK) ? decoded.slice(1) : decoded;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(`expected JSON: ${messageOf(cause).slice(0, 200)}`, cause);
  }
}
