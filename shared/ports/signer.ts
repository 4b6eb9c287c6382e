import type { AlgorithmName } from '../algorithms.ts';

/** A signature together with what is needed to name the key that made it. */
export interface Signature {
  readonly kid: string;
  readonly algorithm: AlgorithmName;
  readonly bytes: Uint8Array;
}

/**
 * Signs with one key version that lives in a KMS. The private key never enters this process.
 *
 * `sign` resolves only with a signature that was verified against the cached public key. It rejects with
 * `signing_unavailable` (a `CountersignError`) when the KMS cannot be reached in time, refuses, or answers
 * with anything that does not verify.
 */
export interface Signer {
  /** RFC 7638 SHA-256 thumbprint of the public key, base64url: the same for the same key in any cloud. */
  readonly kid: string;
  readonly algorithm: AlgorithmName;
  sign(message: Uint8Array): Promise<Signature>;
}
