/** Self-signed certificates for servers on this machine. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** PEM files. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Makes `NAME.crt` and `NAME.key` in `folder`, for 127.0.0.1. */
export async function selfSigned(folder: string, name: string): Promise<Certificate> {
  const certificate = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', certificate.key];
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2', '-out', certificate.cert];
  await promisify(execFile)('openssl', ['req', '-x509', ...key, ...subject]);
  return certificate;
}
