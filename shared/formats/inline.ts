/**
 * The inline format: the payload as a JSON object that carries its own signature.
 *
 * The signed bytes are the object without `signature` and `signature_algorithm`, as Python's
 * `json.dumps(data, sort_keys=True, separators=(',', ':'))` encodes it. Clients rebuild them from the JSON
 * they received, so only values that two languages print alike may appear: no floats.
 *
 * @example
 * inline.decode(JSON.stringify(answer.license_data)).kid
 */
import { ALGORITHMS, type Algorithm } from '../algorithms.ts';
import { base64Decode, base64Encode } from '../canonical/base64.ts';
import { pythonJsonBytes } from '../canonical/python-json.ts';
import { type JsonObject, type JsonValue, parseStrictJson } from '../canonical/strict-json.ts';
import { CountersignError } from '../errors.ts';
import type { DocumentPayload, InlineDocument } from '../wire/document.ts';
import { type DecodedDocument, DocumentError, type DocumentFormat } from './format.ts';

export const inline: DocumentFormat<InlineDocument> = {
  signedBytes: (payload, { kid }) => pythonJsonBytes(withKey(payload, kid)),

  encode: (payload, { kid, algorithm, bytes }) => ({
    ...withKey(payload, kid),
    signature: base64Encode(bytes),
    signature_algorithm: ALGORITHMS[algorithm].name,
  }),

  decode: (text) => decodeInlineObject(parseObject(text)),
};

/** Decodes `license_data` that is already parsed, as `validate` receives it inside its own body. */
export function decodeInlineObject(document: JsonObject): DecodedDocument {
  if (typeof document !== 'object' || document === null) throw malformed('it is no object');
  const { signature, signature_algorithm: claimed, ...signed } = document;
  if (signature === null)
    throw new DocumentError('document_unsigned', 'This document is not signed, so nobody can vouch for it.');
  if (typeof signed.kid !== 'string') throw malformed('it names no key in "kid"');
  if (typeof claimed !== 'string') throw malformed('it names no "signature_algorithm"');
  const bytes = typeof signature === 'string' ? base64Decode(signature) : undefined;
  if (bytes === undefined) throw malformed('its "signature" is not base64');
  return {
    kid: signed.kid,
    claims: (algorithm: Algorithm) => algorithm.name === claimed,
    payload: signed,
    signedBytes: rebuild(signed),
    signature: bytes,
  };
}

function withKey(payload: DocumentPayload, kid: string) {
  if (payload.license_key === undefined) throw new TypeError('an inline document carries its license_key');
  return { ...payload, license_key: payload.license_key, kid };
}

function parseObject(text: string): JsonObject {
  let value: JsonValue;
  try {
    value = parseStrictJson(text, { integersOnly: true });
  } catch (cause) {
    if (cause instanceof CountersignError) throw malformed('it is not strict JSON', cause);
    throw cause;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('it is no object');
  return value as JsonObject;
}

function rebuild(signed: JsonObject): Uint8Array {
  try {
    return pythonJsonBytes(signed);
  } catch (cause) {
    throw malformed('it holds a value that no inline document may hold', cause);
  }
}

function malformed(reason: string, cause?: unknown): DocumentError {
  return new DocumentError('malformed_document', `This is not an inline licence document: ${reason}.`, {
    cause,
  });
}
