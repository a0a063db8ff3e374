/** Cameras behind a URL: RTSP and motion JPEG over HTTP. */
import { readSecret } from '../config/secrets.js';
import { sourceName } from '../config/source-name.js';
import { FastsamError, messageOf } from '../errors.js';
import { certificateProblem } from './certificate.js';
import { type CapturePlan, GstSource } from './gst-source.js';
import { mjpegPipeline, type NetworkSettings, rtspPipeline } from './pipelines.js';
import { platform } from './platform.js';
import type { Address } from './reachability.js';
import type { Source, SourceOptions } from './source.js';

const DEFAULT_PORTS: Readonly<Record<string, number>> = { rtsp: 554, rtsps: 322, http: 80, https: 443 };

/** `rtsp://[USER:PASSWORD@]HOST[:PORT]/PATH` and `rtsps://`: H.264 or H.265. */
export function openRtsp(url: URL, options: SourceOptions): Source {
  const greeting = `OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: fastsamd\r\n\r\n`;
  return networkSource(url, options, { greeting, reply: 'RTSP/' }, async (network) => {
    const { transport, latencyMs } = options;
    return rtspPipeline(await platform(), {
      ...options,
      ...network,
      ...(transport === undefined ? {} : { transport }),
      ...(latencyMs === undefined ? {} : { latencyMs }),
    });
  });
}

/** `http://[USER:PASSWORD@]HOST[:PORT]/PATH` and `https://`: motion JPEG. */
export function openMjpeg(url: URL, options: SourceOptions): Source {
  const greeting = `OPTIONS * HTTP/1.1\r\nHost: ${url.host}\r\nUser-Agent: fastsamd\r\nConnection: close\r\n\r\n`;
  const probe = { greeting, reply: 'HTTP/' };
  return networkSource(url, options, probe, async (network) => mjpegPipeline(await platform(), { ...options, ...network }));
}

function networkSource(
  url: URL,
  options: SourceOptions,
  probe: Pick<Address, 'greeting' | 'reply'>,
  build: (network: NetworkSettings) => Promise<string>,
): Source {
  const scheme = url.protocol.slice(0, -1);
  const plan = async (): Promise<CapturePlan> => {
    const { username, password } = await credentialsOf(url, options);
    const pipeline = await build({ url: withoutCredentials(url), username, password, insecureTls: options.insecureTls });
    return { pipeline, secrets: password === undefined ? [] : [password] };
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
