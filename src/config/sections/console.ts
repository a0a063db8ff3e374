import { isIP } from 'node:net';
import { z } from 'zod';
import { path } from './common.js';

export const consoleSchema = z.strictObject({
  enabled: z.boolean().default(false).meta({ description: 'Serve the web console: live pictures, prompts, events, health.' }),
  host: z.string().min(1).max(255).default('127.0.0.1').meta({
    description: 'Address to listen on. On loopback no login is asked for; elsewhere users log in ("fastsamd console add-user").',
  }),
  port: z.number().int().min(0).max(65_535).default(9480).meta({ description: '0: any free one, named in the log.' }),
  tls: z
    .strictObject({
      certFile: path
        .optional()
        .meta({ description: 'PEM file of the certificate; needs keyFile. "fastsamd console certificate" makes one.' }),
      keyFile: path.optional().meta({ description: 'PEM file of its private key.' }),
    })
    .prefault({}),
  insecure: z
    .boolean()
    .default(false)
    .meta({ description: 'Beyond loopback without TLS: passwords and pictures cross the network in clear. Raises an alert.' }),
  allowedHosts: z
    .array(z.string().min(1).max(253))
    .max(16)
    .default([])
    .meta({ description: 'Further names under which browsers reach the console; the name and the addresses of the machine are known.' }),
  trustProxy: z
    .array(z.string().max(49).refine(isRange, 'expected an address or a range of addresses, such as 127.0.0.1, 10.0.0.0/24 or fd00::/8'))
    .max(16)
    .default([])
    .meta({
      description:
        'Addresses of reverse proxies: X-Forwarded-For and X-Forwarded-Proto are read from these alone. Users then log in on loopback too, and what did not come over HTTPS is refused.',
    }),
  maxViewers: z.number().int().min(1).max(256).default(16).meta({ description: 'Most pages that are open at once.' }),
});

/** An address, or one with a prefix length of at least 1: a proxy that may be anywhere is none. */
function isRange(text: string): boolean {
  const [address = '', length, ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || address.includes('%') || more.length > 0) return false;
  return length === undefined || (/^[1-9]\d{0,2}$/.test(length) && Number(length) <= (family === 4 ? 32 : 128));
}

/** Whether nothing but this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
