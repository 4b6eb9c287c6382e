/**
 * From the PEM that a KMS hands out to the JWK and the key id that clients see.
 *
 *   const jwk = jwkFromPem(pem);
 *   const kid = thumbprint(jwk);
 */

import { createHash, createPublicKey } from 'node:crypto';
import type { PublicJwk } from '../../shared/ports/key-directory.ts';

/** The members that RFC 7638 §3.2 and RFC 8037 §2 require, in lexicographic order. */
const THUMBPRINT_MEMBERS = {
  RSA: ['e', 'kty', 'n'],
  OKP: ['crv', 'kty', 'x'],
} as const satisfies Record<PublicJwk['kty'], readonly (keyof PublicJwk)[]>;

/**
 * The public JWK of an RSA or Ed25519 key in PEM (SubjectPublicKeyInfo, RFC 7468 §13).
 *
 * @throws Error when the PEM cannot be parsed or holds a key of another type.
 */
export function jwkFromPem(pem: string): PublicJwk {
  const { kty, n, e, crv, x } = createPublicKey(pem).export({ format: 'jwk' });
  if (kty === 'RSA' && n !== undefined && e !== undefined) return { kty, n, e };
  if (kty === 'OKP' && crv === 'Ed25519' && x !== undefined) return { kty, crv, x };
  throw new Error(`a public key of type ${kty} ${crv ?? ''} is not supported`);
}

/** The RFC 7638 SHA-256 thumbprint, base64url: the `kid`. Optional members do not change it. */
export function thumbprint(jwk: PublicJwk): string {
  const members = THUMBPRINT_MEMBERS[jwk.kty].map((member) => [member, jwk[member]]);
  return createHash('sha256')
    .update(JSON.stringify(Object.fromEntries(members)))
    .digest('base64url');
}
