/**
 * The signature algorithms, one row each. Everything that depends on an algorithm reads its row; nothing
 * downstream switches on a name. A new algorithm is a new row.
 */

export interface Algorithm {
  /** The name Google Cloud KMS uses; it is also `signature_algorithm` of an inline document. */
  readonly name: string;
  /** JOSE `alg`: RFC 7518 §3.3, RFC 8037 §3.1. */
  readonly jose: string;
  /** JWK `kty` of its public keys. */
  readonly keyType: 'RSA' | 'OKP';
  /** Length of a signature in bytes. */
  readonly signatureBytes: number;
  /** What the KMS is sent: the SHA-256 digest of the message, or the message itself. */
  readonly kmsInput: 'sha256' | 'message';
  /** Parameters for `crypto.subtle.importKey` and `crypto.subtle.verify`. */
  readonly webCrypto: { readonly name: string; readonly hash?: string };
}

export const ALGORITHMS = {
  RSA_SIGN_PKCS1_4096_SHA256: {
    name: 'RSA_SIGN_PKCS1_4096_SHA256',
    jose: 'RS256',
    keyType: 'RSA',
    signatureBytes: 512,
    kmsInput: 'sha256',
    webCrypto: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  },
  EC_SIGN_ED25519: {
    name: 'EC_SIGN_ED25519',
    jose: 'EdDSA',
    keyType: 'OKP',
    signatureBytes: 64,
    kmsInput: 'message',
    webCrypto: { name: 'Ed25519' },
  },
} as const satisfies Record<string, Algorithm>;

export type AlgorithmName = keyof typeof ALGORITHMS;

export const ALGORITHM_NAMES = Object.keys(ALGORITHMS) as [AlgorithmName, ...AlgorithmName[]];

/** True for a name that has a row. Own properties only, so `__proto__` is not an algorithm. */
export function isAlgorithmName(name: unknown): name is AlgorithmName {
  return typeof name === 'string' && Object.hasOwn(ALGORITHMS, name);
}
