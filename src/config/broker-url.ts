/** The URL of an MQTT broker, taken apart: the one parser for checking a configuration and for connecting. */
import { isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';

export interface BrokerUrl {
  readonly protocol: 'mqtt' | 'mqtts' | 'ws' | 'wss';
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string;
  /** Undefined: the protocol's own. */
  readonly port: number | undefined;
  /** Of WebSockets, with the query; `/` else. */
  readonly path: string;
}

export const EXPECTED_BROKER_URL =
  'expected mqtt://HOST[:PORT], mqtts://, ws:// or wss:// (an IPv6 address in brackets), without credentials (see username and passwordFile)';

const URL_PARTS = /^(mqtts?|wss?):\/\/(\[[^\]\s]{2,100}\]|[^@:/?#[\]\s]{1,253})(?::(\d{1,5}))?([/?][^@#\s]*)?$/i;

/** Undefined for a text that is no such URL. */
export function parseBrokerUrl(text: string): BrokerUrl | undefined {
  const [, scheme, name = '', digits, rest = '/'] = URL_PARTS.exec(text) ?? [];
  if (scheme === undefined) return undefined;
  const protocol = scheme.toLowerCase() as BrokerUrl['protocol'];
  const host = name.startsWith('[') ? name.slice(1, -1) : domainToASCII(name);
  if (name.startsWith('[') ? !isIPv6(host) : !/^[a-z0-9._-]+$/i.test(host)) return undefined;
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && (port < 1 || port > 65_535)) return undefined;
  const isWebSocket = protocol.startsWith('ws');
  if (!isWebSocket && rest !== '/') return undefined;
  return { protocol, host, port, path: rest.startsWith('/') ? rest : `/${rest}` };
}
