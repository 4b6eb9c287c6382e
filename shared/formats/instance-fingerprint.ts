/**
 * The fingerprint that binds an AEGIS licence to one installation.
 *
 * @example
 * await instanceFingerprint('5f0c1d1e-…', 'erp.example.com'); // 'sha256:9b74c9…', 64 hexadecimal digits
 */

import { hex } from '../canonical/hex.ts';

/** `sha256:` and the SHA-256 of `{dbUuid}:{domain}` in UTF-8, lower-case hexadecimal. Both are taken as they are. */
export async function instanceFingerprint(dbUuid: string, domain: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`${dbUuid}:${domain}`));
  return `sha256:${hex(new Uint8Array(digest))}`;
}
