/** A picture behind a URL, in memory. */
import { type Dispatcher, EnvHttpProxyAgent, interceptors, request } from 'undici';
import { redactUri } from '../config/redact.js';
import { FastsamError, messageOf } from '../errors.js';

/** A larger file is refused, whatever the server says of its size. */
const MAX_BYTES = 64 * 2 ** 20;
const TIMEOUT_MS = 30_000;
const MAX_REDIRECTS = 5;

/**
 * The bytes of the picture at `url`; undefined when something else is there, motion JPEG or a video, of which nothing is
 * read. HTTP_PROXY, HTTPS_PROXY and NO_PROXY are respected. Errors: SOURCE_NOT_FOUND (no such picture), SOURCE_UNSUPPORTED
 * (too large), SOURCE_LOST (no answer, or not all of it).
 */
export async function fetchPicture(url: string): Promise<Buffer | undefined> {
  const name = redactUri(url);
  const agent = new EnvHttpProxyAgent({ connect: { timeout: TIMEOUT_MS }, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS });
  const dispatcher = agent.compose(interceptors.redirect({ maxRedirections: MAX_REDIRECTS }));
  try {
    const { statusCode, headers, body } = await request(url, { dispatcher, signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (statusCode >= 400) {
      throw new FastsamError('SOURCE_NOT_FOUND', `${name}: the server answers ${statusCode}; expected a picture`);
    }
    if (!/^image\//i.test(String(headers['content-type'] ?? ''))) {
      body.destroy();
      return undefined;
    }
    return await bounded(body, name);
  } catch (cause) {
    if (cause instanceof FastsamError) throw cause;
    throw new FastsamError('SOURCE_LOST', `${name}: cannot be fetched: ${messageOf(cause)}`, { cause });
  } finally {
    await agent.destroy();
  }
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
