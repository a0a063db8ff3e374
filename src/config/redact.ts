/** The effective configuration as it may be shown: printed, logged, published. */
import type { Config } from './schema.js';
import { sourceName } from './source-name.js';

const URL_START = /^[a-z][a-z0-9+.-]*:\/\//i;
const SECRET_PARAMETER = /pass|pwd|token|secret|key|auth|signature/i;
const SECRET_PROPERTY = /pass|pwd|user-pw|token|secret/i;
/** Of schemes and names of parameters, in characters; a longer one is judged by its end. */
const MAX_SCHEME = 32;
const MAX_NAME = 64;

/**
 * The text with user names, passwords and secret-looking parameters of all URLs in it replaced by `***`, and in the text of a
 * GStreamer pipeline its secret-looking properties. Texts of cameras and servers come through here: one pass over the text, without
 * regular expressions that look at a character more than once, so that no text takes longer than its length.
 */
export function redactUri(text: string): string {
  return withoutSecretValues(withoutCredentials(text));
}

/** Passwords hold "/", "?" and "@" in practice although they must not: everything from "://" to the last "@" of the word goes. */
function withoutCredentials(text: string): string {
  if (!text.includes('@')) return text;
  let bare = '';
  let done = 0;
  for (let at = text.indexOf('://'); at >= 0; at = text.indexOf('://', at)) {
    const end = endOf(text, at, isEndOfWord);
    const last = text.lastIndexOf('@', end - 1);
    while (at >= 0 && at < last && !endsWithScheme(text, at)) at = text.indexOf('://', at + 3);
    if (at >= 0 && at < last) {
      bare += `${text.slice(done, at + 3)}***`;
      done = last;
    }
    at = end;
  }
  return bare + text.slice(done);
}

/** In parameters of URLs (`?name=value`, also behind "&" or ";"), and in properties (`name = value`) of a pipeline. */
function withoutSecretValues(text: string): string {
  const isPipeline = text.startsWith('gst:');
  let bare = '';
  let done = 0;
  for (let at = text.indexOf('='); at >= 0; at = text.indexOf('=', at + 1)) {
    let end = at;
    for (const least = at - MAX_NAME; isPipeline && end > least && isBlank(text.charCodeAt(end - 1)); ) end -= 1;
    let start = end;
    while (start > end - MAX_NAME && isOfName(text.charCodeAt(start - 1))) start -= 1;
    const isParameter = start === end - MAX_NAME || '?&;'.includes(text.charAt(start - 1) || ' ');
    const name = end - start < 3 || start < done ? '' : text.slice(start, end);
    if (isParameter && SECRET_PARAMETER.test(name)) {
      bare += `${text.slice(done, at + 1)}***`;
      done = endOf(text, at + 1, isEndOfParameter);
    } else if (isPipeline && SECRET_PROPERTY.test(name)) {
      const begin = endOf(text, at + 1, isNotBlank);
      bare += `${text.slice(done, begin)}***`;
      done = text[begin] === '"' ? endOfQuoted(text, begin) : endOf(text, begin, isEndOfProperty);
    } else continue;
    at = done - 1;
  }
  return bare + text.slice(done);
}

/** The first index from `from` on whose character passes, or the length. */
function endOf(text: string, from: number, passes: (character: number) => boolean): number {
  let end = from;
  while (end < text.length && !passes(text.charCodeAt(end))) end += 1;
  return end;
}

/** The index behind the quote that closes the one at `begin`. */
function endOfQuoted(text: string, begin: number): number {
  let end = begin + 1;
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  return Math.min(end + 1, text.length);
}

function endsWithScheme(text: string, end: number): boolean {
  for (let at = end - 1; at >= 0 && at >= end - MAX_SCHEME; at -= 1) {
    const character = text.charCodeAt(at);
    if (isLetter(character)) return true;
    if (!isDigit(character) && !'+.-'.includes(text[at]!)) return false;
  }
  return false;
}

const isLetter = (c: number) => (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a);
const isDigit = (c: number) => c >= 0x30 && c <= 0x39;
/** Letters, digits, "_" and "-". */
const isOfName = (c: number) => isLetter(c) || isDigit(c) || c === 0x5f || c === 0x2d;
const isBlank = (c: number) => c === 0x20 || (c >= 0x09 && c <= 0x0d) || c === 0xa0 || c === 0x2028 || c === 0x2029;
const isNotBlank = (c: number) => !isBlank(c);
/** Blanks and quotes. */
const isEndOfWord = (c: number) => isBlank(c) || c === 0x22 || c === 0x27;
/** Also "&" and ";". */
const isEndOfParameter = (c: number) => isEndOfWord(c) || c === 0x26 || c === 0x3b;
/** Blanks and "!". */
const isEndOfProperty = (c: number) => isBlank(c) || c === 0x21;

function redacted<T>(value: T): T {
  if (typeof value === 'string') return (URL_START.test(value) ? sourceName(value) : redactUri(value)) as T;
  if (Array.isArray(value)) return value.map(redacted) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, redacted(entry)])) as T;
}

/** The configuration with sources and URLs by their names (source-name.ts); a `passwordFile` stays, a path is no secret. */
export function redactConfig(config: Config): Config {
  const cameras = config.cameras.map((camera) => ({ ...redacted(camera), source: sourceName(camera.source) }));
  return { ...redacted(config), cameras };
}
