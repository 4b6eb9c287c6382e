/**
 * From the PEM that a KMS hands out to the JWK and the key id that clients see.
 *
 *   const jwk = jwkFromPem(pem);
 *   const kid = thumbprint(jwk);
 */

import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import type { PublicJwk } from '../../shared/ports/key-directory.ts';

/** The members that RFC 7638 §3.2 and RFC 8037 §2 require, in lexicographic order. */
const THUMBPRINT_MEMBERS = {
  RSA: ['e', 'kty', 'n'],
  OKP: ['crv', 'kty', 'x'],
} as const satisfies Record<PublicJwk['kty'], readonly (keyof PublicJwk)[]>;

/** SubjectPublicKeyInfo (RFC 7468 §13), or an RSA key as OpenSSL writes it (RFC 8017 A.1.1). */
const ONE_PUBLIC_KEY = /^\s*-----BEGIN ((?:RSA )?PUBLIC KEY)-----\s[A-Za-z0-9+/=\s]+-----END \1-----\s*$/;

/**
 * The key in a PEM that is published: one block, of a public key, and no text around it. `createPublicKey` alone takes a
 * private key or a certificate as well, and reads no further than the first block.
 *
 * @throws Error, without the text.
 */
export function publicKeyFromPem(pem: string): KeyObject {
  if (!ONE_PUBLIC_KEY.test(pem)) throw new Error('this is not one public key in PEM, and nothing else');
  return createPublicKey(pem);
}

/** The same key as SubjectPublicKeyInfo, written anew. @throws Error as `publicKeyFromPem` */
export function spkiFromPem(pem: string): string {
  return publicKeyFromPem(pem).export({ format: 'pem', type: 'spki' }).toString();
}

/**
 * The public JWK of an RSA or Ed25519 key in PEM.
 *
 * @throws Error when the PEM cannot be parsed, is not that of one public key, or holds a key of another type.
 */
export function jwkFromPem(pem: string): PublicJwk {
  const { kty, n, e, crv, x } = publicKeyFromPem(pem).export({ format: 'jwk' });
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
