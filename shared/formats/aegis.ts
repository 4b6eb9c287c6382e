/**
 * AEGIS licences: a compact JWS, typ `JWT`, alg `EdDSA` (RFC 7515, RFC 7519, RFC 8037), the only one that their clients take.
 * Ours have canonical JSON (RFC 8785) in header and payload; those of other issuers, such as PyJWT's, are verified over the
 * bytes that arrived, in whatever order.
 *
 * `typ` alone tells them from a session's document, which is a compact JWS of typ `license+jwt` (RFC 8725 §3.11).
 */
import { ALGORITHMS, type Algorithm } from '../algorithms.ts';
import { base64urlDecode } from '../canonical/base64.ts';
import type { JsonObject } from '../canonical/strict-json.ts';
import { MAX_LICENSE_CHARACTERS } from '../constants.ts';
import {
  type AegisPayload,
  aegisPayload,
  type IssuedLicense,
  parseObject,
  requireIssuable,
  requireReadable,
} from '../wire/issued.ts';
import { decodeJws, encodeJws, jwsSignedBytes } from './compact-jws.ts';
import { DocumentError, type KeyReference } from './format.ts';
import type { IssuedFormat, LicenseParts } from './issued.ts';

const TYPE = 'JWT';
const ALGORITHM = 'EC_SIGN_ED25519';

export const aegis: IssuedFormat<AegisPayload> & { readonly name: 'aegis' } = {
  name: 'aegis',

  recognizes: (text) => text.length <= MAX_LICENSE_CHARACTERS && typeOf(text) === TYPE,

  signedBytes: (payload, key) =>
    jwsSignedBytes(TYPE, requireIssuable(aegisPayload, payload), requireEd25519(key)),

  encode: (payload, signature) =>
    requireReadable(encodeJws(TYPE, requireIssuable(aegisPayload, payload), requireEd25519(signature))),

  takeApart,
  licenseOf,

  decode(text) {
    const parts = takeApart(text);
    return { ...parts, license: licenseOf(parts.payload) };
  },
};

/** `typ` of what may be a compact JWS. */
function typeOf(text: string): unknown {
  const [header, , , ...others] = text.split('.');
  if (header === undefined || others.length > 0) return undefined;
  const bytes = base64urlDecode(header);
  return bytes && parseObject(bytes)?.typ;
}

function takeApart(text: string): LicenseParts {
  if (text.length > MAX_LICENSE_CHARACTERS) throw malformed('it is too long');
  const decoded = decodeJws(TYPE, text);
  const claims = (algorithm: Algorithm) => algorithm.name === ALGORITHM && decoded.claims(algorithm);
  return { ...decoded, claims, algorithms: claims(ALGORITHMS[ALGORITHM]) ? [ALGORITHM] : [] };
}

function requireEd25519<Key extends KeyReference>(key: Key): Key {
  if (key.algorithm === ALGORITHM) return key;
  throw new TypeError(`an AEGIS licence is signed with ${ALGORITHM} only`);
}

function licenseOf(payload: JsonObject): IssuedLicense {
  const { success, data, error } = aegisPayload.safeParse(payload);
  if (!success) throw malformed('its claims are not those of one', error);
  const { customer, module } = data;
  return {
    format: 'aegis',
    licenseId: data.jti,
    issuer: data.iss,
    customer: { id: customer.id, name: customer.name, email: null },
    product: module.technical_name,
    licenseType: data.license_type,
    features: [],
    allowedMajorVersions: module.allowed_major_versions,
    instanceFingerprint: data.instance_fingerprint ?? null,
    issuedAt: data.iat * 1000,
    expiresAt: data.exp === undefined ? null : data.exp * 1000,
    claims: payload,
  };
}

function malformed(reason: string, cause?: unknown): DocumentError {
  return new DocumentError('malformed_document', `This is no AEGIS licence: ${reason}.`, { cause });
}
