/** A picture behind a URL, in memory. */
import { type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import { sourceName, withoutSource } from '../config/source-name.js';
import { FastsamError, messageOf } from '../errors.js';

/** A larger file is refused, whatever the server says of its size. */
const MAX_BYTES = 64 * 2 ** 20;
const TIMEOUT_MS = 30_000;
const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * The bytes of the picture at `url`; undefined when something else is there, motion JPEG or a video, of which nothing is
 * read. Redirects are followed on the same origin: elsewhere they would lead into networks that only this machine reaches, and
 * take what is secret in the URL there. HTTP_PROXY, HTTPS_PROXY and NO_PROXY are respected. Errors: SOURCE_NOT_FOUND (no such
 * picture), SOURCE_UNSUPPORTED (too large, redirected elsewhere), SOURCE_LOST (no answer, or not all of it).
 */
export async function fetchPicture(url: string): Promise<Buffer | undefined> {
  const name = sourceName(url);
  const dispatcher = new EnvHttpProxyAgent({ connect: { timeout: TIMEOUT_MS }, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS });
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    let at = new URL(url);
    const authorization = basicOf(at);
    at.username = '';
    at.password = '';
    for (let redirects = 0; ; redirects += 1) {
      const { statusCode, headers, body } = await request(at.href, { dispatcher, signal, headers: authorization });
      if (REDIRECTS.has(statusCode) && typeof headers.location === 'string') {
        discard(body);
        at = redirected(at, headers.location, name, redirects);
        continue;
      }
      if (statusCode >= 300) {
        discard(body);
        throw new FastsamError('SOURCE_NOT_FOUND', `${name}: the server answers ${statusCode}; expected a picture`);
      }
      if (/^image\//i.test(String(headers['content-type'] ?? ''))) return await bounded(body, name);
      discard(body);
      return undefined;
    }
  } catch (cause) {
    if (cause instanceof FastsamError) throw cause;
    throw new FastsamError('SOURCE_LOST', `${name}: cannot be fetched: ${withoutSource(messageOf(cause), url)}`, { cause });
  } finally {
    await dispatcher.destroy();
  }
}

/** Nothing more is read; that this ends the answer early is no error. */
function discard(body: Dispatcher.ResponseData['body']): void {
  body.on('error', () => undefined);
  body.destroy();
}

/** User and password of the URL as HTTP has them (RFC 7617); undici leaves them out. */
function basicOf(url: URL): Record<string, string> {
  if (url.username === '' && url.password === '') return {};
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

function redirected(from: URL, location: string, name: string, redirects: number): URL {
  if (redirects >= MAX_REDIRECTS) throw new FastsamError('SOURCE_UNSUPPORTED', `${name}: more than ${MAX_REDIRECTS} redirects`);
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (to?.origin === from.origin) return to;
  const where = to ? sourceName(to.href) : 'no address';
  throw new FastsamError('SOURCE_UNSUPPORTED', `${name}: redirects to ${where}; only redirects on the same server are followed`);
}

async function bounded(body: Dispatcher.ResponseData['body'], name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new FastsamError('SOURCE_UNSUPPORTED', `${name}: larger than ${MAX_BYTES / 2 ** 20} MiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
