/** Fetches a file of known size and hash over HTTP, resuming where an earlier attempt stopped. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Dispatcher, EnvHttpProxyAgent, interceptors, request } from 'undici';
import { FastsamError, isFastsamError, messageOf } from '../errors.js';
import type { RemoteFile } from './manifest.js';
import { PartFile } from './part-file.js';

const MAX_REDIRECTS = 5;
/** Statuses that asking again may change, beside the server's own trouble (5xx). */
const WORTH_RETRYING = [408, 425, 429];

export interface DownloadOptions {
  readonly remote: RemoteFile;
  /** Final name; until the hash is right the bytes are beside it, see PartFile. */
  readonly path: string;
  /** Told how many bytes are there. */
  readonly onProgress?: (bytes: number) => void;
  /** Tries in a row that bring nothing new before it is given up. */
  readonly attempts?: number;
  /** Longest wait for a connection, an answer, or the next bytes. */
  readonly stallMs?: number;
  /** Wait after the first failed try; it doubles up to sixteen times this. */
  readonly backoffMs?: number;
}

/**
 * Downloads, checks and names the file. HTTP_PROXY, HTTPS_PROXY and NO_PROXY are respected. Errors: DOWNLOAD_FAILED (network or
 * server), MODEL_CORRUPT (another file than expected), OUTPUT_UNWRITABLE (no room, no permission).
 */
export async function download(options: DownloadOptions): Promise<void> {
  const { remote, path, attempts = 5, stallMs = 30_000, backoffMs = 1000 } = options;
  const part = new PartFile(path);
  await part.prepare(remote.bytes);
  const agent = new EnvHttpProxyAgent({ connect: { timeout: stallMs }, headersTimeout: stallMs, bodyTimeout: stallMs });
  const dispatcher = agent.compose(interceptors.redirect({ maxRedirections: MAX_REDIRECTS }));
  try {
    let failures = 0;
    let wait = backoffMs;
    for (let have = await part.length(); have !== remote.bytes; have = await part.length()) {
      try {
        await fetchRest(options, part, dispatcher);
      } catch (error) {
        if (isFastsamError(error)) throw error;
        failures = (await part.length()) > have ? 1 : failures + 1;
        if (failures >= attempts) {
          const why = `${messageOf(error)}; given up after ${attempts} tries, what arrived is kept for the next time`;
          throw new FastsamError('DOWNLOAD_FAILED', `${remote.url}: ${why}`, { cause: error });
        }
        await delay(wait);
        wait = Math.min(2 * wait, 16 * backoffMs);
      }
    }
  } finally {
    await agent.destroy();
  }
  const found = await part.complete(remote.sha256);
  if (found === undefined) return;
  throw new FastsamError(
    'MODEL_CORRUPT',
    `${remote.url}: not the expected file: its sha256 is ${found}, expected ${remote.sha256}; deleted`,
  );
}

/** One request for what is missing. Throws a plain error when trying again may help. */
async function fetchRest({ remote, onProgress }: DownloadOptions, part: PartFile, dispatcher: Dispatcher): Promise<void> {
  const { url, bytes } = remote;
  const have = await part.length();
  const validator = await part.validator();
  // Without the server's name for the version there is no telling whether the rest belongs to what is here.
  const resume = have > 0 && have < bytes && validator !== undefined;
  const range = resume ? { range: `bytes=${have}-`, 'if-range': validator } : {};
  const { statusCode, headers, body } = await request(url, { dispatcher, headers: { 'accept-encoding': 'identity', ...range } });
  const continued = statusCode === 206 && resume && String(headers['content-range'] ?? '').startsWith(`bytes ${have}-`);
  if (statusCode !== 200 && !continued) {
    // The rest of a refused answer is not read; that it breaks off is what we wanted.
    body.on('error', () => undefined).destroy();
    if (statusCode === 206 || statusCode === 416) await part.discard();
    else if (statusCode < 500 && !WORTH_RETRYING.includes(statusCode)) {
      throw new FastsamError('DOWNLOAD_FAILED', `${url}: the server answers ${statusCode}`);
    }
    throw new Error(`the server answers ${statusCode}`);
  }
  // Only a strong ETag may be used with If-Range; a date is good enough.
  const etag = [headers.etag].flat()[0];
  if (!continued) await part.restart(etag && !etag.startsWith('W/') ? etag : [headers['last-modified']].flat()[0]);
  let length = continued ? have : 0;
  await using writer = await part.open();
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bytes) {
      await part.discard();
      throw new FastsamError('MODEL_CORRUPT', `${url}: longer than the expected ${bytes} bytes; cut off and deleted`);
    }
    await writer.append(chunk);
    onProgress?.(length);
  }
  if (length < bytes) throw new Error(`the server closed after ${length} of ${bytes} bytes`);
}
