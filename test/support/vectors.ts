/**
 * The vectors of licences that Python and openssl have signed with keys that are gone (`test/vectors`), and a key directory
 * that has nothing but those signatures.
 *
 * ```ts
 * await RENDERINGS.aegis.sign(recordedKeys(vector), termsOf(vector.terms));
 * ```
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { AlgorithmName } from '../../shared/algorithms.ts';
import type { JsonObject } from '../../shared/canonical/strict-json.ts';
import { importVerificationKey, type PublicJwk } from '../../shared/client/verify.ts';
import type { IssuableFormat } from '../../shared/decide/issue.ts';
import type { FormatName } from '../../shared/formats/index.ts';
import type { KeyDirectory } from '../../shared/ports/key-directory.ts';
import { licenseRecord } from '../../shared/records/license.ts';
import type { Terms } from '../../shared/usecases/issue-document.ts';
import type { DocumentPayload } from '../../shared/wire/document.ts';
import type { IssuedLicense } from '../../shared/wire/issued.ts';

/** What was granted, as this service stores it. */
interface VectorTerms {
  readonly license: JsonObject;
  readonly issuer: string;
  /** Milliseconds since the epoch. */
  readonly issued_at: number;
  readonly license_key: string;
}

export interface SignedVector {
  readonly title: string;
  readonly algorithm: AlgorithmName;
  readonly kid: string;
  /** The document, as a client receives it. */
  readonly text: string;
  readonly signed_hex: string;
}

export interface LicenseVector extends SignedVector {
  readonly format: IssuableFormat;
  /** Whether the bytes are those of our encoder. */
  readonly own: boolean;
  /** Null of what another system wrote. */
  readonly terms: VectorTerms | null;
  readonly payload: JsonObject;
  readonly license: Omit<IssuedLicense, 'format' | 'claims'>;
}

export interface SessionVector extends SignedVector {
  readonly format: FormatName;
  readonly terms: VectorTerms;
  readonly session: {
    readonly session_id: string;
    readonly hardware_id: string;
    readonly nonce: string | null;
    readonly lease_seconds: number;
    readonly offline_grace_seconds: number;
    readonly borrowed: boolean;
  };
  readonly payload: DocumentPayload;
}

interface MacVector {
  readonly title: string;
  readonly payload: JsonObject;
  readonly text: string;
  readonly message_hex: string;
  readonly mac_hex: string;
  readonly license: Omit<IssuedLicense, 'format' | 'claims'>;
}

export const vectors: {
  readonly keys: readonly PublicJwk[];
  readonly licenses: readonly LicenseVector[];
  readonly sessions: readonly SessionVector[];
  /** What the MACs were made with; of these vectors alone. */
  readonly mac_text: string;
  readonly macs: readonly MacVector[];
} = JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/issued-licenses.json'), 'utf8'));

/** What a client that trusts the vectors' keys holds. */
export const vectorKeys = await Promise.all(vectors.keys.map(importVerificationKey));

/** Members that the vector does not name have the values of a record of before there were such members. */
export function termsOf(terms: VectorTerms): Terms {
  const { license, issuer, issued_at: issuedAt, license_key: licenseKey } = terms;
  return { license: licenseRecord.parse(license), issuer, issuedAt, licenseKey };
}

/** Read without our decoders: the last part, in either alphabet, or the member `signature`. */
export function signatureIn({ text }: SignedVector): Buffer {
  const part = text.startsWith('{') ? JSON.parse(text).signature : text.slice(text.lastIndexOf('.') + 1);
  return Buffer.from(part, 'base64');
}

/** Signs what the vector's key has signed, once more; anything else, or for another algorithm, fails the test. */
export function recordedKeys(vector: SignedVector): KeyDirectory {
  const nothingElse = () => {
    throw new Error('a vector has a signature and nothing else');
  };
  return {
    sign: async (wanted, makeMessage) => {
      const { kid, algorithm } = vector;
      expect(wanted).toBe(algorithm);
      expect(Buffer.from(makeMessage({ kid, algorithm })).toString('hex')).toBe(vector.signed_hex);
      return { kid, algorithm, bytes: signatureIn(vector) };
    },
    find: nothingElse,
    list: nothingElse,
    macKeys: nothingElse,
  };
}

/** The text with each of its bits flipped in turn. A byte that is no UTF-8 any more arrives as U+FFFD. */
export function oneBitChanges(text: string): string[] {
  const bytes = Buffer.from(text);
  return [...bytes].flatMap((byte, at) =>
    [1, 2, 4, 8, 16, 32, 64, 128].map((bit) => {
      const changed = Buffer.from(bytes);
      changed[at] = byte ^ bit;
      return changed.toString();
    }),
  );
}
