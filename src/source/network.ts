/** Cameras behind a URL: RTSP and motion JPEG over HTTP. */
import http from 'node:http';
import https from 'node:https';
import { readSecret } from '../config/secrets.js';
import { sourceName } from '../config/source-name.js';
import { FastsamError, messageOf } from '../errors.js';
import { certificateProblem } from './certificate.js';
import { decodingPlan } from './decoding.js';
import { type CapturePlan, GstSource } from './gst-source.js';
import { mjpegPipeline, type NetworkSettings, type Picture, type Platform, rtspPipeline } from './pipelines.js';
import type { Address } from './reachability.js';
import type { Source, SourceOptions, Way } from './source.js';

const CHALLENGE_TIMEOUT_MS = 2000;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { rtsp: 554, rtsps: 322, http: 80, https: 443 };

/** `rtsp://[USER:PASSWORD@]HOST[:PORT]/PATH` and `rtsps://`: H.264 or H.265. */
export function openRtsp(url: URL, options: SourceOptions): Source {
  const greeting = `OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: fastsamd\r\n\r\n`;
  return networkSource(url, options, { greeting, reply: 'RTSP/' }, (machine, picture, network) => {
    const { transport, latencyMs } = options;
    return rtspPipeline(machine, {
      ...options,
      ...network,
      ...picture,
      ...(transport === undefined ? {} : { transport }),
      ...(latencyMs === undefined ? {} : { latencyMs }),
    });
  });
}

/** `http://[USER:PASSWORD@]HOST[:PORT]/PATH` and `https://`: motion JPEG. */
export function openMjpeg(url: URL, options: SourceOptions): Source {
  const greeting = `OPTIONS * HTTP/1.1\r\nHost: ${url.host}\r\nUser-Agent: fastsamd\r\nConnection: close\r\n\r\n`;
  const probe = { greeting, reply: 'HTTP/' };
  return networkSource(url, options, probe, async (machine, picture, network) =>
    mjpegPipeline(machine, { ...options, ...(await loginInUtf8(network)), ...picture }),
  );
}

function networkSource(
  url: URL,
  options: SourceOptions,
  probe: Pick<Address, 'greeting' | 'reply'>,
  build: (machine: Platform, picture: Pick<Picture, 'decoder' | 'inPlace'>, network: NetworkSettings) => string | Promise<string>,
): Source {
  const scheme = url.protocol.slice(0, -1);
  const plan = async (way: Way): Promise<CapturePlan> => {
    const { username, password } = await credentialsOf(url, options);
    const network = { url: withoutCredentials(url), username, password, insecureTls: options.insecureTls };
    const plan = await decodingPlan(options, way, (machine, decoder, inPlace) => build(machine, { decoder, inPlace }, network));
    return { ...plan, secrets: password === undefined ? [] : [password, basic(username ?? '', password)] };
  };
  const address: Address = {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? DEFAULT_PORTS[scheme]! : Number(url.port),
    tls: scheme === 'rtsps' || scheme === 'https',
    ...probe,
  };
  const diagnose = address.tls && !options.insecureTls ? { diagnose: () => certificateProblem(address.host, address.port) } : {};
  return new GstSource({ uri: sourceName(url.href), secretUri: url.href, live: true, endless: true, plan, address, ...diagnose }, options);
}

/**
 * libsoup sends Basic credentials in latin-1, cameras expect UTF-8 (RFC 7617). So a login with other letters than ASCII is sent
 * as a header of ours, when the server asks for Basic and nothing better: Digest, which libsoup does in UTF-8, keeps the password.
 */
async function loginInUtf8(network: NetworkSettings): Promise<NetworkSettings> {
  const { username = '', password, ...rest } = network;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the letters that both encodings share.
  if (password === undefined || /^[\x00-\x7f]*$/.test(username + password)) return network;
  return (await asksForBasic(network)) ? { ...rest, authorization: `Basic ${basic(username, password)}` } : network;
}

function basic(username: string, password: string): string {
  return Buffer.from(`${username}:${password}`, 'utf8').toString('base64');
}

/** Whether the server refuses a request without login by a Basic challenge alone; false when it does not answer. */
function asksForBasic({ url, insecureTls = false }: NetworkSettings): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { timeout: CHALLENGE_TIMEOUT_MS, agent: false, rejectUnauthorized: !insecureTls };
    const asked = (url.startsWith('https:') ? https : http).get(url, options, ({ statusCode, headers }) => {
      const challenge = headers['www-authenticate'] ?? '';
      resolve(statusCode === 401 && /\bbasic\b/i.test(challenge) && !/\bdigest\b/i.test(challenge));
      asked.destroy();
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(false));
    asked.on('close', () => resolve(false));
  });
}

/** Given apart from the location, credentials do not appear in GStreamer's own messages. */
function withoutCredentials(url: URL): string {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return bare.href;
}

/** Read at every opening, so that a changed password is used without a restart. */
async function credentialsOf(url: URL, { username, secret }: SourceOptions) {
  try {
    const password = secret && (await readSecret(secret, 'cameras[].password'));
    return {
      username: username ?? (url.username === '' ? undefined : decodeURIComponent(url.username)),
      password: password ?? (url.password === '' ? undefined : decodeURIComponent(url.password)),
    };
  } catch (cause) {
    throw new FastsamError('SOURCE_NOT_FOUND', `${sourceName(url.href)}: ${messageOf(cause)}`, { cause });
  }
}
