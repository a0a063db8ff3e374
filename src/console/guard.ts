/** What a request must be before anything looks at it: addressed to this machine, and sent by the console's own page. Pure. */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { isLoopback } from '../config/sections/console.js';

/** The request's client, by the address that a trusted proxy tells; IPv4 is written as such. A proxy that tells no address has its own. */
export function clientOf({
  ip,
  socket,
}: {
  readonly ip: string;
  readonly socket: { readonly remoteAddress?: string | undefined };
}): string {
  const address = isIP(ip) > 0 ? ip : (socket.remoteAddress ?? '');
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

export interface GuardOptions {
  /** Address the server listens on. */
  readonly host: string;
  readonly allowedHosts: readonly string[];
  /** Without login a name that another site owns must not do (DNS rebinding), so only loopback names count. */
  readonly loopback: boolean;
}

/** The name of a Host header in lower case, without port and brackets; undefined for none. */
function nameOf(host: string | undefined): string | undefined {
  const name = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]/@\s]+))(?::\d{1,5})?$/.exec(host ?? '');
  return (name?.[1] ?? name?.[2])?.toLowerCase();
}

/** Whether the Host header names this machine. */
export function isAddressed({ host }: IncomingHttpHeaders, { loopback, allowedHosts, host: own }: GuardOptions): boolean {
  const name = nameOf(host);
  if (name === undefined) return false;
  if (allowedHosts.some((allowed) => allowed.toLowerCase() === name)) return true;
  if (loopback) return isLoopback(name);
  const machine = hostname().toLowerCase();
  return (
    isIP(name) > 0 || name === own.toLowerCase() || name === 'localhost' || name === machine || name.startsWith(`${machine.split('.')[0]}.`)
  );
}

/** Whether the request comes from a page of this very server, or from no page at all. */
export function isSameOrigin(headers: IncomingHttpHeaders, { demandOrigin }: { readonly demandOrigin: boolean }): boolean {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  if (origin === undefined) return !demandOrigin;
  try {
    const { protocol, host: from } = new URL(origin);
    return /^https?:$/.test(protocol) && from === new URL(`${protocol}//${host}`).host;
  } catch {
    return false;
  }
}

/**
 * The token of a script. No page can make a browser send one to another origin, so a request with a token need not show its origin;
 * with a wrong one it has no user, also when it brings a valid cookie.
 */
export function bearerOf({ authorization }: IncomingHttpHeaders): string | undefined {
  const match = /^bearer(?: +(.*))?$/i.exec(authorization ?? '');
  return match ? (match[1] ?? '') : undefined;
}

/** Headers of every answer. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(self), microphone=(), geolocation=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};
