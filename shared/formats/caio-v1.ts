/**
 * The CAIO licences of old: `CAIO-v1-{customer_id}-{metadata}-{mac}`, the metadata in standard base64, the MAC an
 * HMAC-SHA-256 of the metadata's bytes in lower-case hexadecimal. They are read and never issued: whoever can check one
 * can make one.
 *
 * The customer id of the text is in no MAC. It is believed only where the metadata has the same one.
 */
import { base64Decode } from '../canonical/base64.ts';
import type { JsonObject } from '../canonical/strict-json.ts';
import { MAX_LICENSE_CHARACTERS } from '../constants.ts';
import { epochMilliseconds } from '../wire/instant.ts';
import { type CaioMetadata, caioMetadata, type IssuedLicense, parseObject } from '../wire/issued.ts';
import { DocumentError } from './format.ts';
import type { DecodedMacLicense, MacFormat } from './issued.ts';

const SHAPE = /^CAIO-v1-([A-Za-z0-9_-]+)-([A-Za-z0-9+/=]+)-([0-9a-f]{64})$/;

export const caioV1: MacFormat = {
  name: 'caio-v1',
  recognizes: (text) => text.startsWith('CAIO-v1-'),
  decode,
};

function decode(text: string): DecodedMacLicense {
  if (text.length > MAX_LICENSE_CHARACTERS) throw malformed('it is too long');
  const [, customerId, metadataPart = '', macPart = ''] = SHAPE.exec(text) ?? [];
  if (customerId === undefined) throw malformed('it does not have a customer id, metadata and a MAC');
  const message = base64Decode(metadataPart);
  if (message === undefined) throw malformed('its metadata is not base64');
  const claims = parseObject(message);
  if (claims === undefined) throw malformed('its metadata is no strict JSON object');
  const metadata = caioMetadata.safeParse(claims);
  if (!metadata.success) throw malformed('its metadata is not that of one', metadata.error);
  const { customer_id = customerId } = metadata.data;
  if (customer_id !== customerId) throw malformed('its customer id is not that of its metadata');
  return { message, mac: hexDecode(macPart), license: licenseOf(metadata.data, claims) };
}

function licenseOf(metadata: CaioMetadata, claims: JsonObject): IssuedLicense {
  const { issued_at, expires_at } = metadata;
  return {
    format: 'caio-v1',
    licenseId: null,
    issuer: null,
    customer: { id: metadata.customer_id ?? null, name: null, email: null },
    product: null,
    licenseType: metadata.license_type ?? 'unspecified',
    features: metadata.features ?? [],
    allowedMajorVersions: null,
    instanceFingerprint: null,
    issuedAt: issued_at === undefined ? 0 : epochMilliseconds(issued_at),
    expiresAt: typeof expires_at === 'string' ? epochMilliseconds(expires_at) : null,
    claims,
  };
}

/** Of digits that were checked. */
function hexDecode(digits: string): Uint8Array {
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function malformed(reason: string, cause?: unknown): DocumentError {
  return new DocumentError('malformed_document', `This is no CAIO v1 licence: ${reason}.`, { cause });
}
