/** The effective configuration as it may be shown: printed, logged, published. */
import type { Config } from './schema.js';
import { sourceName } from './source-name.js';

// Texts of cameras and servers come through here: every pattern below takes time in proportion to the text.
const WORD = /[^\s"']+/g;
const SCHEME_AT_END = /[a-z][a-z0-9+.-]{0,31}$/i;
const PARAMETER = /([?&;]([\w-]*)=)[^&;\s"']*/g;
const SECRET_PARAMETER = /pass|pwd|token|secret|key|auth|signature/i;
const URL_START = /^[a-z][a-z0-9+.-]*:\/\//i;
/** Properties of a GStreamer pipeline. */
const PROPERTY = /(?<![\w-])(([\w-]+)\s*=\s*)("(?:[^"\\]|\\.)*"|[^\s!]+)/g;
const SECRET_PROPERTY = /pass|pwd|user-pw|token|secret/i;

/** The text with user names, passwords and secret-looking query parameters of all URLs in it replaced by `***`. */
export function redactUri(text: string): string {
  const bare = (text.includes('@') ? text.replace(WORD, withoutCredentials) : text).replace(
    PARAMETER,
    (whole, head: string, name: string) => (SECRET_PARAMETER.test(name) ? `${head}***` : whole),
  );
  if (!bare.startsWith('gst:')) return bare;
  return bare.replace(PROPERTY, (whole, head: string, name: string) => (SECRET_PROPERTY.test(name) ? `${head}***` : whole));
}

/** Passwords hold "/", "?" and "@" in practice although they must not: everything from "://" to the last "@" goes. */
function withoutCredentials(word: string): string {
  const end = word.lastIndexOf('@');
  for (let at = word.indexOf('://'); at >= 0 && at < end; at = word.indexOf('://', at + 3)) {
    if (SCHEME_AT_END.test(word.slice(Math.max(at - 32, 0), at))) return `${word.slice(0, at + 3)}***${word.slice(end)}`;
  }
  return word;
}

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
