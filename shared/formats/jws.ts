/**
 * The native format: a compact JWS, typ `license+jwt`, over the payload with the registered claims `iss`, `sub`, `iat` and
 * `exp` (RFC 7519 §4.1).
 *
 * @example
 * jws.decode(answer.token).kid
 */
import type { JsonObject } from '../canonical/strict-json.ts';
import type { DocumentPayload } from '../wire/document.ts';
import { decodeJws, encodeJws, jwsSignedBytes } from './compact-jws.ts';
import type { DocumentFormat } from './format.ts';

const TYPE = 'license+jwt';

export const jws: DocumentFormat<string> = {
  signedBytes: (payload, key) => jwsSignedBytes(TYPE, claims(payload), key),
  encode: (payload, signature) => encodeJws(TYPE, claims(payload), signature),
  decode: (text) => decodeJws(TYPE, text),
};

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
