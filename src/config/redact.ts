/** The effective configuration as it may be shown: printed, logged, published. */
import type { Config } from './schema.js';

// Passwords hold "/", "?" and "@" in practice although they must not: everything up to the last "@" goes.
const CREDENTIALS = /([a-z][a-z0-9+.-]*:\/\/)[^\s"']*@/gi;
const SECRET_PARAMETER = /([?&;][\w-]*(?:pass|pwd|token|secret|key|auth|signature)[\w-]*=)[^&;\s"']*/gi;

/** Properties of a GStreamer pipeline. */
const SECRET_PROPERTY = /([\w-]*(?:pass|pwd|user-pw|proxy-pw|token|secret)[\w-]*\s*=\s*)("(?:[^"\\]|\\.)*"|[^\s!]+)/gi;

/** The text with user names, passwords and secret-looking query parameters of all URLs in it replaced by `***`. */
export function redactUri(text: string): string {
  const bare = text.replace(CREDENTIALS, '$1***@').replace(SECRET_PARAMETER, '$1***');
  return bare.startsWith('gst:') ? bare.replace(SECRET_PROPERTY, '$1***') : bare;
}

function redacted<T>(value: T): T {
  if (typeof value === 'string') return redactUri(value) as T;
  if (Array.isArray(value)) return value.map(redacted) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, redacted(entry)])) as T;
}

/** The configuration with the credentials of every URL removed; a `passwordFile` stays, a path is no secret. */
export function redactConfig(config: Config): Config {
  return redacted(config);
}
