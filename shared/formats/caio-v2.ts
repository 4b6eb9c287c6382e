/**
 * CAIO licences: `CAIO-v2-{customer_id}-{payload}.{signature}`, both in standard base64, the signature over the bytes that
 * the payload's base64 stands for. Ours are canonical JSON (RFC 8785).
 *
 * A customer id may have hyphens and base64 has none, so the last hyphen ends the id. The id that is not signed has to be
 * the one that is. No key is named: the length of the signature says which algorithms it can be of.
 */
import { ALGORITHM_NAMES, ALGORITHMS, type Algorithm } from '../algorithms.ts';
import { base64Decode, base64Encode } from '../canonical/base64.ts';
import { canonicalJsonBytes } from '../canonical/jcs.ts';
import type { JsonObject } from '../canonical/strict-json.ts';
import { MAX_LICENSE_CHARACTERS } from '../constants.ts';
import { epochMilliseconds } from '../wire/instant.ts';
import {
  type CaioPayload,
  caioPayload,
  type IssuedLicense,
  parseObject,
  requireIssuable,
  requireReadable,
} from '../wire/issued.ts';
import { DocumentError } from './format.ts';
import type { IssuedFormat, LicenseParts } from './issued.ts';

const PREFIX = 'CAIO-v2-';
const SHAPE = /^CAIO-v2-([A-Za-z0-9_-]+)-([A-Za-z0-9+/=]+)\.([A-Za-z0-9+/=]+)$/;

export const caioV2: IssuedFormat<CaioPayload> & { readonly name: 'caio-v2' } = {
  name: 'caio-v2',

  recognizes: (text) => text.startsWith(PREFIX),

  signedBytes,

  encode(payload, { algorithm, bytes }) {
    if (bytes.length !== ALGORITHMS[algorithm].signatureBytes) {
      throw new TypeError(`a signature of ${algorithm} has another length, and nothing else says what it is`);
    }
    const text = `${base64Encode(signedBytes(payload))}.${base64Encode(bytes)}`;
    return requireReadable(`${PREFIX}${payload.customer_id}-${text}`);
  },

  takeApart,
  licenseOf,

  decode(text) {
    const parts = takeApart(text);
    return { ...parts, license: licenseOf(parts.payload) };
  },
};

function signedBytes(payload: CaioPayload): Uint8Array {
  // Read leniently, because old issuers may have set an end by default.
  if (payload.license_type === 'perpetual' && payload.expires_at !== null) {
    throw new TypeError('a perpetual licence has no expires_at');
  }
  return canonicalJsonBytes(requireIssuable(caioPayload, payload));
}

function takeApart(text: string): LicenseParts {
  if (text.length > MAX_LICENSE_CHARACTERS) throw malformed('it is too long');
  const [, customerId, payloadPart = '', signaturePart = ''] = SHAPE.exec(text) ?? [];
  if (customerId === undefined) throw malformed('it does not have a customer id, a payload and a signature');
  const [bytes, signature] = [base64Decode(payloadPart), base64Decode(signaturePart)];
  if (bytes === undefined || signature === undefined) throw malformed('a part of it is not base64');
  const payload = parseObject(bytes);
  if (payload === undefined) throw malformed('its payload is no strict JSON object');
  if (payload.customer_id !== customerId) throw malformed('its customer id is not the signed one');
  const claims = ({ signatureBytes }: Algorithm) => signatureBytes === signature.length;
  const algorithms = ALGORITHM_NAMES.filter((name) => claims(ALGORITHMS[name]));
  return { kid: undefined, algorithms, claims, payload, signedBytes: bytes, signature };
}

function licenseOf(payload: JsonObject): IssuedLicense {
  const { success, data, error } = caioPayload.safeParse(payload);
  if (!success) throw malformed('its payload is not that of one', error);
  return {
    format: 'caio-v2',
    licenseId: null,
    issuer: null,
    customer: { id: data.customer_id, name: null, email: null },
    product: null,
    licenseType: data.license_type,
    features: data.features,
    allowedMajorVersions: null,
    instanceFingerprint: null,
    issuedAt: epochMilliseconds(data.issued_at),
    expiresAt: data.expires_at === null ? null : epochMilliseconds(data.expires_at),
    claims: payload,
  };
}

function malformed(reason: string, cause?: unknown): DocumentError {
  return new DocumentError('malformed_document', `This is no CAIO v2 licence: ${reason}.`, { cause });
}
