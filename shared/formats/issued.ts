/**
 * The formats of licences that are issued once, as text, one row each. Documents of floating sessions are in `index.ts`.
 *
 * @example
 * const { license } = decodeIssued('DTLIC2:eyJ…') ?? {}; // not yet trusted
 */
import type { AlgorithmName } from '../algorithms.ts';
import type { JsonObject } from '../canonical/strict-json.ts';
import type { Signature } from '../ports/signer.ts';
import type { IssuedFormatName, IssuedLicense } from '../wire/issued.ts';
import { aegis } from './aegis.ts';
import { caioV1 } from './caio-v1.ts';
import { caioV2 } from './caio-v2.ts';
import { dtlic2 } from './dtlic2.ts';
import type { DecodedDocument, KeyReference } from './format.ts';

/** An issued licence taken apart, not yet trusted, its payload not yet looked at. */
export interface LicenseParts extends Omit<DecodedDocument, 'kid'> {
  /** Undefined where the format names no key: then any trusted key of `algorithms` may have signed. */
  readonly kid: string | undefined;
  /** The algorithms that the signature can be of; empty when it is of none that we have. */
  readonly algorithms: readonly AlgorithmName[];
}

export interface DecodedLicense extends LicenseParts {
  readonly license: IssuedLicense;
}

/** A licence that a shared secret vouches for. Only who has the secret can tell whether it is genuine. */
export interface DecodedMacLicense {
  /** What the MAC is of. */
  readonly message: Uint8Array;
  /** HMAC-SHA-256, 32 bytes. */
  readonly mac: Uint8Array;
  readonly license: IssuedLicense;
}

export interface IssuedFormat<Payload> {
  readonly name: Exclude<IssuedFormatName, 'caio-v1'>;
  /** True for text that is meant to be of this format and of no other, however broken. */
  recognizes(text: string): boolean;
  /**
   * The exact bytes that the KMS signs.
   * @throws TypeError for a payload that the format cannot hold.
   */
  signedBytes(payload: Payload, key: KeyReference): Uint8Array;
  /**
   * The licence as customers receive it. `signature` is of `signedBytes` for the same payload.
   * @throws TypeError for a payload or a signature that the format cannot hold.
   */
  encode(payload: Payload, signature: Signature): string;
  /** @throws DocumentError when the text is not of this format. */
  takeApart(text: string): LicenseParts;
  /**
   * What a payload says.
   * @throws DocumentError when it lacks a member or has a wrong one.
   */
  licenseOf(payload: JsonObject): IssuedLicense;
  /**
   * `takeApart` and `licenseOf` in one.
   * @throws DocumentError
   */
  decode(text: string): DecodedLicense;
}

/** A format that is read and never written again. */
export interface MacFormat {
  readonly name: 'caio-v1';
  recognizes(text: string): boolean;
  /** @throws DocumentError */
  decode(text: string): DecodedMacLicense;
}

export const ISSUED_FORMATS = { aegis, 'caio-v1': caioV1, 'caio-v2': caioV2, dtlic2 } as const satisfies {
  readonly [Name in IssuedFormatName]: { readonly name: Name };
};

/** The format that the text is meant to be of, by how it begins or what its header says; never by trying. */
export function recognizeIssued(text: string) {
  // Types forbid it; a caller that passes on the parsed answer of a server does not know.
  if (typeof text !== 'string') return undefined;
  return Object.values(ISSUED_FORMATS).find((format) => format.recognizes(text));
}

/**
 * Takes an issued licence of any format apart. Undefined for text of none of them, such as a session's document.
 * @throws DocumentError when a format recognizes the text and it is malformed.
 */
export function decodeIssued(text: string): DecodedLicense | DecodedMacLicense | undefined {
  return recognizeIssued(text)?.decode(text);
}
