/**
 * How a source or a server is called wherever the name may be read by others: in the log, on MQTT, in messages. A URL may
 * carry a secret anywhere behind its host (and cameras have many forms of that), so none of it is shown: the name is made of
 * what is known to be harmless, and of a short hash that tells two sources of one host apart.
 */
import { createHash } from 'node:crypto';

const SCHEME = /^([a-z][a-z0-9+.-]{1,31}):(.*)$/is;
/** A file, a device or a test scene of this machine, in letters that no form of credentials does without. */
const LOCAL = /^[\p{L}\p{N}\s._:/+,()[\]~-]*$/u;
/** An absolute path behind `file://`: no form of credentials begins so, and "%" is common in names of pictures. */
const ABSOLUTE_FILE = /^file:\/\/\/[\p{L}\p{N}\s._:/+,()[\]~%-]*$/iu;
const TEST_SCENE = /^[a-z]+(\?[a-z]+=[a-z0-9.]+(&[a-z]+=[a-z0-9.]+)*)?$/i;
const HASH_LENGTH = 6;
/** A shorter piece of a URL would be found in ordinary words. */
const MIN_PIECE = 3;
/** Words of a pipeline's values that are shorter are numbers and formats, without which its errors cannot be understood. */
const MIN_PIPELINE_PIECE = 5;
/** More would be no URL any more; bounds the work for one message. */
const MAX_PIECES = 200;

/** `rtsp://HOST:PORT/#HASH`, `gst:#HASH`; a file, device or test scene as it is. */
export function sourceName(uri: string): string {
  const [, scheme = 'file', rest = uri] = SCHEME.exec(uri) ?? [];
  const name = scheme.toLowerCase();
  const hidden = `#${createHash('sha256').update(uri).digest('hex').slice(0, HASH_LENGTH)}`;
  if (ABSOLUTE_FILE.test(uri)) return uri;
  if (name === 'file' || name === 'v4l2' || name === 'csi') return LOCAL.test(rest) ? uri : `${name}:${hidden}`;
  if (name === 'test') return TEST_SCENE.test(rest) ? uri : `${name}:${hidden}`;
  const host = hostOf(uri);
  if (host === undefined) return `${name}:${hidden}`;
  return `${name}://${host}${isBare(uri) ? '' : `/${hidden}`}`;
}

/** The text with every part of `uri` that its name does not show replaced by `***`, however it is written in there. */
export function withoutSource(text: string, uri: string): string {
  let bare = text.replaceAll(uri, sourceName(uri));
  for (const piece of hiddenPieces(uri)) bare = bare.replaceAll(piece, '***');
  return bare;
}

/** Undefined when it cannot be told where the host ends: passwords hold "/", "?" and "#" in practice although they must not. */
function hostOf(uri: string): string | undefined {
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (!url?.host || `${url.pathname}${url.search}${url.hash}`.includes('@')) return undefined;
  return url.host;
}

function isBare(uri: string): boolean {
  const { username, password, pathname, search, hash } = new URL(uri);
  return username === '' && password === '' && search === '' && hash === '' && (pathname === '' || pathname === '/');
}

/** Longest first, so that no part of one is left behind by another. */
function hiddenPieces(uri: string): string[] {
  const [, scheme = '', rest = uri] = SCHEME.exec(uri) ?? [];
  const isPipeline = scheme.toLowerCase() === 'gst';
  const shown = sourceName(uri);
  const whole = isPipeline ? valuesOf(rest) : [rest.slice(rest.indexOf(hostOf(uri) ?? '') + (hostOf(uri) ?? '').length), userOf(uri)];
  const decoded = whole.flatMap((part) => [part, decodedOf(part)]);
  const parts = decoded.flatMap((part) => [part, ...part.split(/[\s"'\\,;()=/?&#:@_]+/)]);
  const least = isPipeline ? MIN_PIPELINE_PIECE : MIN_PIECE;
  const pieces = new Set(parts.filter((piece) => piece.length >= least && !shown.includes(piece)));
  return [...pieces].sort((a, b) => b.length - a.length).slice(0, MAX_PIECES);
}

function userOf(uri: string): string {
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  return url ? `${url.username}:${url.password}` : '';
}

/** What follows a "=" in the description of a pipeline. */
function valuesOf(pipeline: string): string[] {
  return [...pipeline.matchAll(/=\s*("(?:[^"\\]|\\.)*"|[^\s!]+)/g)].map(([, value]) => value ?? '');
}

function decodedOf(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not percent-encoded, whatever it is.
    return text;
  }
}
