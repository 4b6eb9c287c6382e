/**
 * DataTools licences: `DTLIC2:<payload>.<signature>`, both in base64url without padding, an Ed25519 signature over the bytes
 * that the payload's base64url stands for. Ours are canonical JSON (RFC 8785). The key is named in the payload.
 */
import type { Algorithm } from '../algorithms.ts';
import { base64urlDecode, base64urlEncode } from '../canonical/base64.ts';
import { canonicalJsonBytes } from '../canonical/jcs.ts';
import type { JsonObject } from '../canonical/strict-json.ts';
import { MAX_LICENSE_CHARACTERS } from '../constants.ts';
import { epochMilliseconds } from '../wire/instant.ts';
import {
  type Dtlic2Payload,
  dtlic2Payload,
  type IssuedLicense,
  parseObject,
  requireIssuable,
  requireReadable,
} from '../wire/issued.ts';
import { DocumentError, type KeyReference } from './format.ts';
import type { IssuedFormat, LicenseParts } from './issued.ts';

const PREFIX = 'DTLIC2:';
const SHAPE = /^DTLIC2:([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;
const ALGORITHM = 'EC_SIGN_ED25519';

/** What is issued; `kid` comes from the key. */
export type Dtlic2Terms = Omit<Dtlic2Payload, 'kid'>;

export const dtlic2: IssuedFormat<Dtlic2Terms> & { readonly name: 'dtlic2' } = {
  name: 'dtlic2',

  recognizes: (text) => text.startsWith(PREFIX),

  signedBytes,

  encode(payload, signature) {
    const signed = base64urlEncode(signedBytes(payload, signature));
    return requireReadable(`${PREFIX}${signed}.${base64urlEncode(signature.bytes)}`);
  },

  takeApart,
  licenseOf,

  decode(text) {
    const parts = takeApart(text);
    return { ...parts, license: licenseOf(parts.payload) };
  },
};

function signedBytes(payload: Dtlic2Terms, { kid, algorithm }: KeyReference): Uint8Array {
  if (algorithm !== ALGORITHM) throw new TypeError(`a DTLIC2 licence is signed with ${ALGORITHM} only`);
  return canonicalJsonBytes(requireIssuable(dtlic2Payload, { ...payload, kid }));
}

function takeApart(text: string): LicenseParts {
  if (text.length > MAX_LICENSE_CHARACTERS) throw malformed('it is too long');
  const [, payloadPart, signaturePart] = SHAPE.exec(text) ?? [];
  if (payloadPart === undefined || signaturePart === undefined) throw malformed('it does not have two parts');
  const [bytes, signature] = [base64urlDecode(payloadPart), base64urlDecode(signaturePart)];
  if (bytes === undefined || signature === undefined) throw malformed('a part of it is not base64url');
  const payload = parseObject(bytes);
  if (payload === undefined) throw malformed('its payload is no strict JSON object');
  if (typeof payload.kid !== 'string') throw malformed('it names no key in "kid"');
  const claims = ({ name }: Algorithm) => name === ALGORITHM;
  return { kid: payload.kid, algorithms: [ALGORITHM], claims, payload, signedBytes: bytes, signature };
}

function licenseOf(payload: JsonObject): IssuedLicense {
  const { success, data, error } = dtlic2Payload.safeParse(payload);
  if (!success) throw malformed('its payload is not that of one', error);
  return {
    format: 'dtlic2',
    licenseId: data.license_key,
    issuer: null,
    customer: { id: null, name: data.name, email: data.email },
    product: null,
    licenseType: data.tier,
    features: [],
    allowedMajorVersions: null,
    instanceFingerprint: null,
    issuedAt: epochMilliseconds(data.issued_at),
    expiresAt: data.expires_at === null ? null : epochMilliseconds(data.expires_at),
    claims: payload,
  };
}

function malformed(reason: string, cause?: unknown): DocumentError {
  return new DocumentError('malformed_document', `This is no DTLIC2 licence: ${reason}.`, { cause });
}
