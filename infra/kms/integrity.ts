/**
 * What every KMS adapter asks of an answer before it leaves: a signature that is wrong never does.
 */

import { createPublicKey, verify } from 'node:crypto';
import { ALGORITHMS, type AlgorithmName } from '../../shared/algorithms.ts';

/** The KMS answered, but the answer is not what was asked for: corrupted on the way, or forged. */
export class IntegrityError extends Error {
  constructor(message: string) {
    super(`integrity: ${message}`);
    this.name = 'IntegrityError';
  }
}

/** @throws IntegrityError */
export function requireIntegrity(holds: boolean, otherwise: string): void {
  if (!holds) throw new IntegrityError(otherwise);
}

/**
 * Parses the public key once; the function it returns checks one signature with it.
 *
 * @throws Error when the PEM cannot be parsed; the returned function throws IntegrityError.
 */
export function signatureCheck(key: { readonly algorithm: AlgorithmName; readonly pem: string }) {
  const publicKey = createPublicKey(key.pem);
  const { kmsInput, signatureBytes } = ALGORITHMS[key.algorithm];
  const hash = kmsInput === 'sha256' ? 'sha256' : null;

  return (message: Uint8Array, signature: Uint8Array): void => {
    requireIntegrity(
      signature.length === signatureBytes,
      `the signature has ${signature.length} bytes, not ${signatureBytes}`,
    );
    requireIntegrity(
      verify(hash, message, publicKey, signature),
      'the signature does not verify with the public key',
    );
  };
}

/** An HMAC-SHA-256 tag has the length of the hash: RFC 2104 §2. */
const TAG_BYTES = 32;

/** Whether a KMS takes this message, and its tag could be this one. */
export function canBeTagged(message: Uint8Array, mac: Uint8Array, maxMessageBytes: number): boolean {
  return mac.length === TAG_BYTES && message.length > 0 && message.length <= maxMessageBytes;
}
