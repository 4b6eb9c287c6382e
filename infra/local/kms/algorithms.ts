/**
 * What the local KMS can do with a key, one row per algorithm. A new algorithm is a new row.
 */

import {
  constants,
  createHmac,
  generateKey,
  generateKeyPair,
  type KeyObject,
  privateEncrypt,
  sign,
} from 'node:crypto';
import { promisify } from 'node:util';

export interface SigningAlgorithm {
  readonly purpose: 'ASYMMETRIC_SIGN';
  /** Which field of the request holds what is signed; a digest has exactly `digestBytes`. */
  readonly input: { readonly field: 'data' } | { readonly field: 'sha256'; readonly digestBytes: number };
  /** A new private key. Never blocks the event loop: RSA takes up to seconds. */
  generate(): Promise<KeyObject>;
  sign(key: KeyObject, input: Uint8Array): Buffer;
}

export interface MacAlgorithm {
  readonly purpose: 'MAC';
  /** Of an imported secret; the tag has as many. */
  readonly keyBytes: number;
  /** A new secret key. */
  generate(): Promise<KeyObject>;
  tag(key: KeyObject, data: Uint8Array): Buffer;
}

export type LocalAlgorithm = SigningAlgorithm | MacAlgorithm;

const generatePair = promisify(generateKeyPair);
const generateSecret = promisify(generateKey);

/** The DER of DigestInfo up to the digest: RFC 8017 §9.2, note 1. */
const SHA256_DIGEST_INFO = Buffer.from('3031300d060960864801650304020105000420', 'hex');

export const LOCAL_ALGORITHMS = {
  RSA_SIGN_PKCS1_4096_SHA256: {
    purpose: 'ASYMMETRIC_SIGN',
    input: { field: 'sha256', digestBytes: 32 },
    generate: async () => (await generatePair('rsa', { modulusLength: 4096 })).privateKey,
    // `crypto.sign` would hash again: a KMS signs the digest it is given, so encode it here (RFC 8017 §8.2.1).
    sign: (key, digest) =>
      privateEncrypt(
        { key, padding: constants.RSA_PKCS1_PADDING },
        Buffer.concat([SHA256_DIGEST_INFO, digest]),
      ),
  },
  EC_SIGN_ED25519: {
    purpose: 'ASYMMETRIC_SIGN',
    input: { field: 'data' },
    generate: async () => (await generatePair('ed25519')).privateKey,
    sign: (key, data) => sign(null, data, key),
  },
  /** "HMAC-SHA256 keys must have a length of 32 bytes": https://cloud.google.com/kms/docs/formatting-keys-for-import */
  HMAC_SHA256: {
    purpose: 'MAC',
    keyBytes: 32,
    generate: () => generateSecret('hmac', { length: 256 }),
    tag: (key, data) => createHmac('sha256', key).update(data).digest(),
  },
} as const satisfies Record<string, LocalAlgorithm>;

export type LocalAlgorithmName = keyof typeof LOCAL_ALGORITHMS;

export function isLocalAlgorithmName(name: string): name is LocalAlgorithmName {
  return Object.hasOwn(LOCAL_ALGORITHMS, name);
}
