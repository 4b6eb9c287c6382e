import type { AlgorithmName } from '../algorithms.ts';
import type { BarredKeyState, KeyState } from '../keys/states.ts';
import type { MacVerifier } from './mac-verifier.ts';
import type { Signature, Signer } from './signer.ts';

/** The public members of an RSA (RFC 7518 §6.3.1) or Ed25519 (RFC 8037 §2) key. */
export interface PublicJwk {
  readonly kty: 'RSA' | 'OKP';
  readonly n?: string;
  readonly e?: string;
  readonly crv?: string;
  readonly x?: string;
}

/** What a message may say of the key that signs it. */
export type SigningKeyReference = Pick<Signer, 'kid' | 'algorithm'>;

/** A key that is published: it verifies documents, or will. */
export interface PublicKeyRecord {
  /** RFC 7638 SHA-256 thumbprint of the key, base64url. */
  readonly kid: string;
  readonly algorithm: AlgorithmName;
  /** SubjectPublicKeyInfo, as the KMS handed it out. */
  readonly pem: string;
  readonly jwk: PublicJwk;
  readonly state: Exclude<KeyState, BarredKeyState>;
  /** Milliseconds since the epoch; of a retiring key. */
  readonly sunsetAt?: number | undefined;
  /** Of a key of another system, which vouches for licences of this issuer and for nothing else. */
  readonly issuer?: string | undefined;
}

/** A key that verifies nothing any more. Its public key is not handed out, so that nobody verifies with it. */
export interface BarredKeyRecord {
  readonly kid: string;
  readonly algorithm: AlgorithmName;
  readonly state: BarredKeyState;
  readonly pem?: undefined;
  readonly jwk?: undefined;
  readonly sunsetAt?: undefined;
  readonly issuer?: undefined;
}

export type KeyRecord = PublicKeyRecord | BarredKeyRecord;

/** A key that `CAIO-v1` licences are checked with before `sunsetAt`, in milliseconds since the epoch. */
export interface MacKeyRecord {
  readonly sunsetAt: number;
  readonly verifier: MacVerifier;
}

/**
 * The keys this service knows: which one signs, and what the others may still vouch for.
 *
 * Every method rejects with `signing_unavailable` (a `CountersignError`) when a key that the answer depends
 * on cannot be read from its KMS. A failure is not remembered: the next call tries again.
 */
export interface KeyDirectory {
  /**
   * Has an active key of this algorithm sign; there may be one in each of several clouds. `makeMessage` is asked for the
   * bytes of the key whose turn it is, because a document names its key.
   */
  sign(algorithm: AlgorithmName, makeMessage: (key: SigningKeyReference) => Uint8Array): Promise<Signature>;
  /** The registered key with this kid, `undefined` when unknown. An own lookup, never a URL or a path. */
  find(kid: string): Promise<KeyRecord | undefined>;
  /** Every key that is known or can be read; rejects when none of those that are published can. */
  list(): Promise<readonly KeyRecord[]>;
  macKeys(): readonly MacKeyRecord[];
}
