/** What AWS calls the keys and the algorithms of the local KMS, one row per key spec. */

import { createHash } from 'node:crypto';
import { LOCAL_ALGORITHMS, type MacAlgorithm, type SigningAlgorithm } from '../algorithms.ts';
import { AwsError } from './errors.ts';

interface AwsSigningSpec {
  readonly usage: 'SIGN_VERIFY';
  readonly algorithm: SigningAlgorithm;
  /** The one signing algorithm that is served; AWS has more for RSA. */
  readonly signing: string;
  /** What the algorithm signs, from what was sent. */
  input(message: Buffer, messageType: string): Buffer;
}

interface AwsMacSpec {
  readonly usage: 'GENERATE_VERIFY_MAC';
  readonly algorithm: MacAlgorithm;
  readonly mac: string;
}

export type AwsKeySpec = AwsSigningSpec | AwsMacSpec;

export const AWS_KEY_SPECS = {
  RSA_4096: {
    usage: 'SIGN_VERIFY',
    algorithm: LOCAL_ALGORITHMS.RSA_SIGN_PKCS1_4096_SHA256,
    signing: 'RSASSA_PKCS1_V1_5_SHA_256',
    input(message, messageType) {
      if (messageType === 'RAW') return createHash('sha256').update(message).digest();
      if (messageType === 'DIGEST' && message.length === 32) return message;
      throw new AwsError('ValidationException', `This is no ${messageType} of RSASSA_PKCS1_V1_5_SHA_256.`);
    },
  },
  ECC_NIST_EDWARDS25519: {
    usage: 'SIGN_VERIFY',
    algorithm: LOCAL_ALGORITHMS.EC_SIGN_ED25519,
    signing: 'ED25519_SHA_512',
    input(message, messageType) {
      if (messageType === 'RAW') return message;
      throw new AwsError('ValidationException', `ED25519_SHA_512 signs RAW messages, not ${messageType}.`);
    },
  },
  HMAC_256: {
    usage: 'GENERATE_VERIFY_MAC',
    algorithm: LOCAL_ALGORITHMS.HMAC_SHA256,
    mac: 'HMAC_SHA_256',
  },
} as const satisfies Record<string, AwsKeySpec>;

export type AwsKeySpecName = keyof typeof AWS_KEY_SPECS;

export function isAwsKeySpecName(name: string): name is AwsKeySpecName {
  return Object.hasOwn(AWS_KEY_SPECS, name);
}

/** What an answer says about the algorithms of a key. */
export function algorithmsOf(spec: AwsKeySpec) {
  return spec.usage === 'SIGN_VERIFY' ? { SigningAlgorithms: [spec.signing] } : { MacAlgorithms: [spec.mac] };
}
