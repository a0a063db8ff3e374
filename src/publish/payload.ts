/** Bytes from the network → a JSON value, bounded before every step that could cost more than the bytes themselves. */
import { FastsamError, messageOf } from '../errors.js';

const MAX_DEPTH = 16;
/** A full prompt set (100 prompts) has well below this. */
const MAX_KEYS = 2000;

const utf8 = new TextDecoder('utf-8', { fatal: true });

function invalid(message: string, cause?: unknown): FastsamError {
  return new FastsamError('REQUEST_INVALID', message, { cause });
}

/** Counts nesting and keys without building anything. Malformed text passes: the parser will find what is wrong with it. */
function checkShape(text: string): void {
  let depth = 0;
  let keys = 0;
  let inString = false;
  for (let i = 0; i < text.length; i += 1) {
    const c = text.charCodeAt(i);
    if (inString) {
      if (c === 0x5c) i += 1;
      else if (c === 0x22) inString = false;
    } else if (c === 0x22) inString = true;
    else if (c === 0x7b || c === 0x5b) depth += 1;
    else if (c === 0x7d || c === 0x5d) depth -= 1;
    else if (c === 0x3a) keys += 1;
    if (depth > MAX_DEPTH) throw invalid(`expected JSON nested at most ${MAX_DEPTH} deep`);
    if (keys > MAX_KEYS) throw invalid(`expected at most ${MAX_KEYS} keys`);
  }
}

/**
 * The value of a request's payload; an empty payload is `{}`.
 * Errors: REQUEST_INVALID for too many bytes, invalid UTF-8, nesting or keys above the limits, malformed JSON.
 */
export function parsePayload(payload: Buffer, maxBytes: number): unknown {
  if (payload.length > maxBytes) throw invalid(`expected at most ${maxBytes} bytes, got ${payload.length}`);
  if (payload.length === 0) return {};
  let text: string;
  try {
    text = utf8.decode(payload);
  } catch (cause) {
    throw invalid('expected UTF-8', cause);
  }
  checkShape(text);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(`expected JSON: ${messageOf(cause).slice(0, 200)}`, cause);
  }
}
