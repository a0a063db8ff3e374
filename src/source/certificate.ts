/** Why a TLS server was refused: GStreamer says only that it was. */
import { readFile } from 'node:fs/promises';
import tls from 'node:tls';

/** What GStreamer trusts as well (Debian and its kin). */
const SYSTEM_AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';
const ANSWER_TIMEOUT_MS = 2000;

/** What is wrong with the certificate of this server, in one line; undefined when nothing is, or it does not say. Takes 2 s at most. */
export async function certificateProblem(host: string, port: number): Promise<string | undefined> {
  // Elsewhere the authorities that come with Node.js, which are nearly the same.
  const problem = await verdict(host, port, await readFile(SYSTEM_AUTHORITIES).catch(() => undefined));
  return problem && `its certificate is not trusted (${problem}); add its authority to those of this machine, or set insecureTls: true`;
}

function verdict(host: string, port: number, ca: Buffer | undefined): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = tls.connect({ host, port, ca, rejectUnauthorized: false });
    const settle = (problem?: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(problem);
    };
    const timer = setTimeout(settle, ANSWER_TIMEOUT_MS);
    socket.on('error', () => settle());
    socket.on('close', () => settle());
    // Typed as an Error, and in fact a code for all but the wrong name.
    socket.on('secureConnect', () => settle(socket.authorized ? undefined : String(socket.authorizationError)));
  });
}
