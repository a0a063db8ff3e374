/** What proves who asks: sessions, invitations, tokens of scripts. Kept as hashes, so that a dump of memory or of a file opens nothing. */
import { createHash, randomBytes } from 'node:crypto';

/** 256 random bits, of letters that a header, a cookie and a URL take as they are. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** Without salt and stretching, which guard short passwords: 256 random bits cannot be guessed. */
export function hashOfSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64');
}
