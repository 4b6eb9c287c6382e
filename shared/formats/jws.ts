/**
 * The native format: JWS compact serialization (RFC 7515 §7.1), typ `license+jwt`, over the payload in
 * canonical JSON (RFC 8785) with the registered claims `iss`, `sub`, `iat` and `exp` (RFC 7519 §4.1).
 *
 * The header holds `alg`, `kid` and `typ` and nothing else is accepted: a header that could bring its own key
 * (`jwk`, `jku`, `x5c`) or its own rules (`crit`, `b64`) is refused unread.
 *
 * @example
 * jws.decode(answer.token).kid
 */
import { ALGORITHMS, type Algorithm } from '../algorithms.ts';
import { base64urlDecode, base64urlEncode } from '../canonical/base64.ts';
import { canonicalJson } from '../canonical/jcs.ts';
import { type JsonObject, parseStrictJson } from '../canonical/strict-json.ts';
import { CountersignError } from '../errors.ts';
import type { DocumentPayload } from '../wire/document.ts';
import { DocumentError, type DocumentFormat, type KeyReference } from './format.ts';

const TYPE = 'license+jwt';

const encoder = new TextEncoder();

export const jws: DocumentFormat<string> = {
  signedBytes: (payload, key) => encoder.encode(signingInput(payload, key)),

  encode: (payload, signature) => `${signingInput(payload, signature)}.${base64urlEncode(signature.bytes)}`,

  decode(text) {
    const parts = text.split('.');
    const [header, payload, signature] = parts;
    if (parts.length !== 3 || header === undefined || payload === undefined || signature === undefined) {
      throw malformed('it does not have three parts');
    }
    const { alg, kid } = readHeader(header);
    return {
      kid,
      claims: (algorithm: Algorithm) => algorithm.jose === alg,
      payload: parsePart(payload, 'payload'),
      signedBytes: encoder.encode(`${header}.${payload}`),
      signature: decodePart(signature, 'signature'),
    };
  },
};

function signingInput(payload: DocumentPayload, { kid, algorithm }: KeyReference): string {
  const header = { alg: ALGORITHMS[algorithm].jose, kid, typ: TYPE };
  return `${encodePart(header)}.${encodePart(claims(payload))}`;
}

function claims({ license_key: _, ...payload }: DocumentPayload): JsonObject {
  return {
    ...payload,
    iss: payload.issuer,
    sub: payload.license_id,
    iat: seconds(payload.signed_at),
    exp: seconds(payload.expires_at),
  };
}

const seconds = (instant: string) => Math.floor(Date.parse(instant) / 1000);

const encodePart = (value: JsonObject) => base64urlEncode(encoder.encode(canonicalJson(value)));

function readHeader(part: string): { alg: string; kid: string } {
  const { alg, kid, typ, ...others } = parsePart(part, 'header');
  if (Object.keys(others).length > 0)
    throw unsupported('its header has members other than "alg", "kid" and "typ"');
  if (typ !== TYPE) throw unsupported(`its "typ" is not "${TYPE}"`);
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
  return new DocumentError('malformed_document', `This is not a JWS licence document: ${reason}.`, { cause });
}

function unsupported(reason: string): DocumentError {
  return new DocumentError('unsupported_header', `This JWS is not accepted: ${reason}.`);
}
