/**
 * What every document format does. One file a format, one table that lists them (`index.ts`).
 */
import type { Algorithm, AlgorithmName } from '../algorithms.ts';
import type { JsonObject } from '../canonical/strict-json.ts';
import type { Signature } from '../ports/signer.ts';
import type { DocumentPayload } from '../wire/document.ts';

/** The key that is going to sign, as far as a document names it. */
export interface KeyReference {
  readonly kid: string;
  readonly algorithm: AlgorithmName;
}

/**
 * A document taken apart, not yet trusted. `kid` selects a registered key; the key, and never the document,
 * says which algorithm verifies it. `claims` tells whether the document agrees with the key's algorithm.
 */
export interface DecodedDocument {
  readonly kid: string;
  readonly claims: (algorithm: Algorithm) => boolean;
  readonly payload: JsonObject;
  readonly signedBytes: Uint8Array;
  readonly signature: Uint8Array;
}

export interface DocumentFormat<Encoded> {
  /** The exact bytes that the KMS signs. */
  signedBytes(payload: DocumentPayload, key: KeyReference): Uint8Array;
  /** The document as clients receive it. `signature` is of `signedBytes` for the same payload. */
  encode(payload: DocumentPayload, signature: Signature): Encoded;
  /**
   * Takes a received document apart.
   * @throws DocumentError when it is not a document of this format.
   */
  decode(text: string): DecodedDocument;
}

/** Why a received document is refused before its signature is looked at. */
export class DocumentError extends Error {
  readonly code: 'malformed_document' | 'unsupported_header' | 'document_unsigned';

  constructor(code: DocumentError['code'], detail: string, options?: { cause?: unknown }) {
    super(detail, options);
    this.name = 'DocumentError';
    this.code = code;
  }
}
