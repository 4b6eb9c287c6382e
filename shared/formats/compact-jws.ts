/**
 * JWS compact serialization (RFC 7515 §7.1) over a payload in canonical JSON (RFC 8785), for one `typ` at a time, so that
 * a document of one kind is never taken for one of another (RFC 8725 §3.11).
 *
 * The header holds `alg`, `kid` and `typ` and nothing else is accepted: a header that could bring its own key
 * (`jwk`, `jku`, `x5c`) or its own rules (`crit`, `b64`) is refused unread.
 */
import { ALGORITHMS, type Algorithm } from '../algorithms.ts';
import { base64urlDecode, base64urlEncode } from '../canonical/base64.ts';
import { canonicalJson } from '../canonical/jcs.ts';
import { type JsonObject, parseStrictJson } from '../canonical/strict-json.ts';
import { CountersignError } from '../errors.ts';
import { type DecodedDocument, DocumentError, type KeyReference } from './format.ts';

const encoder = new TextEncoder();

/** The exact bytes that the KMS signs. */
export function jwsSignedBytes(type: string, payload: JsonObject, key: KeyReference): Uint8Array {
  return encoder.encode(signingInput(type, payload, key));
}

/** `signature` is of `jwsSignedBytes` for the same type, payload and key. */
export function encodeJws(
  type: string,
  payload: JsonObject,
  signature: KeyReference & { readonly bytes: Uint8Array },
): string {
  return `${signingInput(type, payload, signature)}.${base64urlEncode(signature.bytes)}`;
}

/** @throws DocumentError when it is no JWS of this type */
export function decodeJws(type: string, text: string): DecodedDocument {
  // Types forbid it; a caller that passes on the parsed answer of a server does not know.
  if (typeof text !== 'string') throw malformed('it is no text');
  const parts = text.split('.');
  const [header, payload, signature] = parts;
  if (parts.length !== 3 || header === undefined || payload === undefined || signature === undefined) {
    throw malformed('it does not have three parts');
  }
  const { alg, kid } = readHeader(type, header);
  return {
    kid,
    claims: (algorithm: Algorithm) => algorithm.jose === alg,
    payload: parsePart(payload, 'payload'),
    signedBytes: encoder.encode(`${header}.${payload}`),
    signature: decodePart(signature, 'signature'),
  };
}

function signingInput(type: string, payload: JsonObject, { kid, algorithm }: KeyReference): string {
  const header = { alg: ALGORITHMS[algorithm].jose, kid, typ: type };
  return `${encodePart(header)}.${encodePart(payload)}`;
}

const encodePart = (value: JsonObject) => base64urlEncode(encoder.encode(canonicalJson(value)));

function readHeader(type: string, part: string): { alg: string; kid: string } {
  const { alg, kid, typ, ...others } = parsePart(part, 'header');
  if (Object.keys(others).length > 0)
    throw unsupported('its header has members other than "alg", "kid" and "typ"');
  if (typ !== type) throw unsupported(`its "typ" is not "${type}"`);
  if (typeof alg !== 'string' || typeof kid !== 'string') throw malformed('its header lacks "alg" or "kid"');
  return { alg, kid };
}

function parsePart(part: string, name: string): JsonObject {
  try {
    const value = parseStrictJson(decodePart(part, name));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  } catch (cause) {
    if (cause instanceof CountersignError) throw malformed(`its ${name} is not strict JSON`, cause);
    throw cause;
  }
  throw malformed(`its ${name} is no object`);
}

function decodePart(part: string, name: string): Uint8Array {
  const bytes = base64urlDecode(part);
  if (bytes === undefined) throw malformed(`its ${name} is not base64url`);
  return bytes;
}

function malformed(reason: string, cause?: unknown): DocumentError {
  return new DocumentError('malformed_document', `This is no JWS: ${reason}.`, { cause });
}

function unsupported(reason: string): DocumentError {
  return new DocumentError('unsupported_header', `This JWS is not accepted: ${reason}.`);
}
