/** The effective configuration as it may be shown: printed, logged, published. */
import type { Config } from './schema.js';
import { sourceName } from './source-name.js';

const URL_START = /^[a-z][a-z0-9+.-]*:\/\//i;
const SECRET_PARAMETER = /pass|pwd|token|secret|key|auth|signature/i;
const SECRET_PROPERTY = /pass|pwd|user-pw|token|secret/i;
/** Of schemes and names of parameters, in characters; a longer one is judged by its end. */
const MAX_SCHEME = 32;
const MAX_NAME = 64;
/** Places ("://", "=") that are looked at in one text. What follows more of them was not looked at and is not shown. */
const MAX_PLACES = 1000;

/**
 * The text with user names, passwords and secret-looking parameters of all URLs in it replaced by `***`, and in the text of a
 * GStreamer pipeline its secret-looking properties. Texts of cameras and servers come through here: one pass over the text, without
 * regular expressions that look at a character more than once, and a bounded number of places that are looked at more closely.
 */
export function redactUri(text: string): string {
  return withoutSecretValues(withoutCredentials(text));
}

/** Passwords hold "/", "?" and "@" in practice although they must not: everything from "://" to the last "@" of the word goes. */
function withoutCredentials(text: string): string {
  if (!text.includes('@')) return text;
  const kept: string[] = [];
  let done = 0;
  let places = 0;
  for (let at = text.indexOf('://'); at >= 0; at = text.indexOf('://', at)) {
    places += 1;
    const end = endOf(text, at, ENDS_WORD);
    // Of this word alone: looked for in the whole text, it would be looked for there once for every word.
    const last = at + text.slice(at, end).lastIndexOf('@');
    for (; at >= 0 && at < last && !endsWithScheme(text, at); at = text.indexOf('://', at + 3)) {
      places += 1;
      if (places > MAX_PLACES) break;
    }
    if (places > MAX_PLACES) return `${[...kept, text.slice(done, at)].join('***')}***`;
    if (at >= 0 && at < last) {
      kept.push(text.slice(done, at + 3));
      done = last;
    }
    at = end;
  }
  kept.push(text.slice(done));
  return kept.join('***');
}

/** In parameters of URLs (`?name=value`, also behind "&" or ";"), and in properties (`name = value`) of a pipeline. */
function withoutSecretValues(text: string): string {
  const isPipeline = text.startsWith('gst:');
  const kept: string[] = [];
  let done = 0;
  let places = 0;
  for (let at = text.indexOf('='); at >= 0; at = text.indexOf('=', at + 1)) {
    places += 1;
    if (places > MAX_PLACES) return `${[...kept, text.slice(done, at)].join('***')}***`;
    let end = at;
    for (const least = at - MAX_NAME; isPipeline && end > least && isBlank(text.charCodeAt(end - 1)); ) end -= 1;
    let start = end;
    while (start > end - MAX_NAME && isOfName(text.charCodeAt(start - 1))) start -= 1;
    const isParameter = start === end - MAX_NAME || '?&;'.includes(text.charAt(start - 1) || ' ');
    if (end - start < 3 || start < done || !(isParameter || isPipeline)) continue;
    const name = text.slice(start, end);
    if (isParameter && SECRET_PARAMETER.test(name)) {
      kept.push(text.slice(done, at + 1));
      done = endOf(text, at + 1, ENDS_PARAMETER);
    } else if (isPipeline && SECRET_PROPERTY.test(name)) {
      const begin = endOf(text, at + 1, NOT_BLANK);
      kept.push(text.slice(done, begin));
      done = text[begin] === '"' ? endOfQuoted(text, begin) : endOf(text, begin, ENDS_PROPERTY);
    } else continue;
    at = done - 1;
  }
  kept.push(text.slice(done));
  return kept.join('***');
}

/** The index behind the quote that closes the one at `begin`. */
function endOfQuoted(text: string, begin: number): number {
  let end = begin + 1;
  for (let places = 0; places < MAX_PLACES; places += 1) {
    end = endOf(text, end, QUOTE_OR_BACKSLASH);
    if (text[end] !== '\\') return Math.min(end + 1, text.length);
    end += 2;
  }
  return text.length;
}

function endsWithScheme(text: string, end: number): boolean {
  for (let at = end - 1; at >= 0 && at >= end - MAX_SCHEME; at -= 1) {
    const character = text.charCodeAt(at);
    if (isLetter(character)) return true;
    if (!isDigit(character) && !'+.-'.includes(text[at]!)) return false;
  }
  return false;
}

/** The first index from `from` on of a character that `end` (a set of characters, global) matches, or the length. */
function endOf(text: string, from: number, end: RegExp): number {
  end.lastIndex = from;
  return end.test(text) ? end.lastIndex - 1 : text.length;
}

const ENDS_WORD = /[ \t-\r\u00a0\u2028\u2029"']/g;
const ENDS_PARAMETER = /[ \t-\r\u00a0\u2028\u2029"'&;]/g;
const ENDS_PROPERTY = /[ \t-\r\u00a0\u2028\u2029!]/g;
const NOT_BLANK = /[^ \t-\r\u00a0\u2028\u2029]/g;
const QUOTE_OR_BACKSLASH = /["\\]/g;

const isLetter = (c: number) => (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a);
const isDigit = (c: number) => c >= 0x30 && c <= 0x39;
/** Letters, digits, "_" and "-". */
const isOfName = (c: number) => isLetter(c) || isDigit(c) || c === 0x5f || c === 0x2d;
const isBlank = (c: number) => c === 0x20 || (c >= 0x09 && c <= 0x0d) || c === 0xa0 || c === 0x2028 || c === 0x2029;

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
