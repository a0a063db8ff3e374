/** The certificate of the console's server, and the one that replaces it in the same files. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SecureContextOptions } from 'node:tls';
import type { Logger } from 'pino';
import { readBounded } from '../durable.js';
import { FastsamError, messageOf } from '../errors.js';

export interface Certificate extends SecureContextOptions {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Errors: CONFIG_INVALID. */
export async function readCertificate(certFile: string, keyFile: string): Promise<Certificate> {
  try {
    const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
    return { cert, key };
  } catch (cause) {
    throw new FastsamError('CONFIG_INVALID', `console.tls: ${messageOf(cause)}; expected PEM files`, { cause });
  }
}

const MAX_FILE_BYTES = 100_000;

/**
 * The authority that signed the console's certificate, for devices to install: `ca.crt` beside it, as "fastsamd console certificate"
 * writes both. In DER: the certificate alone, also where the file holds more. Undefined when there is no ca.crt, or it did not
 * sign the console's certificate.
 */
export async function readAuthority(certFile: string): Promise<Buffer | undefined> {
  try {
    const [own, authority] = await Promise.all(
      [certFile, join(dirname(certFile), 'ca.crt')].map(async (file) => new X509Certificate(await readBounded(file, MAX_FILE_BYTES))),
    );
    const hasSigned = authority!.ca && own!.checkIssued(authority!) && own!.verify(authority!.publicKey);
    return hasSigned ? authority!.raw : undefined;
  } catch {
    return undefined;
  }
}

/** Puts a renewed certificate into use for new connections. One that does not fit its key leaves the one before in use. */
export class CertificateRenewal {
  #current: Certificate;

  constructor(
    begun: Certificate,
    private readonly deps: {
      readonly files: () => { readonly certFile?: string | undefined; readonly keyFile?: string | undefined };
      /** Errors: those of TLS, for a key that is not the certificate's. */
      readonly use: (certificate: Certificate) => void;
      readonly log: Pick<Logger, 'info' | 'warn'>;
    },
  ) {
    this.#current = begun;
  }

  async review(): Promise<void> {
    const { files, use, log } = this.deps;
    const { certFile, keyFile } = files();
    if (certFile === undefined || keyFile === undefined) return;
    try {
      const next = await readCertificate(certFile, keyFile);
      if (next.cert.equals(this.#current.cert) && next.key.equals(this.#current.key)) return;
      this.#current = next;
      use(next);
      log.info({ certFile }, 'console: uses the new certificate');
    } catch (error) {
      log.warn({ certFile, reason: messageOf(error) }, 'console: the new certificate cannot be used; the one before stays');
    }
  }
}
