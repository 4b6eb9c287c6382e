/** Makes the signed document of a session. */
import type { AlgorithmName } from '../algorithms.ts';
import { FORMATS, type FormatName } from '../formats/index.ts';
import type { KeyDirectory } from '../ports/key-directory.ts';
import type { LicenseRecord } from '../records/license.ts';
import type { SessionRecord } from '../records/session.ts';
import {
  type DocumentPayload,
  formatInstant,
  type InlineDocument,
  type UnsignedDocument,
} from '../wire/document.ts';

/** What binds a document to the request that it answers. */
export interface DocumentRequest {
  readonly format: FormatName;
  readonly licenseKey: string | undefined;
  readonly hardwareId: string;
  readonly nonce: string | undefined;
}

export type SignedDocument =
  | { readonly license_data: InlineDocument | UnsignedDocument }
  | { readonly token: string };

/** The payload that is signed for a session. */
export function payloadOf(
  license: LicenseRecord,
  session: SessionRecord,
  sessionId: string,
  request: DocumentRequest,
  issuer: string,
): DocumentPayload {
  return {
    license_id: license.license_id,
    ...(request.licenseKey !== undefined && { license_key: request.licenseKey }),
    session_id: sessionId,
    hardware_id: request.hardwareId,
    customer: license.customer,
    product: license.product,
    tier: license.tier,
    features: license.features,
    allowed_major_versions: license.allowed_major_versions,
    issuer,
    signed_at: formatInstant(session.document_signed_at),
    expires_at: formatInstant(session.document_expires_at),
    lease_expires_at: formatInstant(session.lease_expires_at),
    license_expires_at: license.expires_at === null ? null : formatInstant(license.expires_at),
    heartbeat_seconds: license.policy.heartbeat_seconds,
    borrowed: session.borrowed,
    nonce: request.nonce ?? null,
  };
}

/**
 * Has the active key of an algorithm sign a payload.
 * @throws CountersignError `signing_unavailable`
 */
export async function signDocument(
  keys: KeyDirectory,
  algorithm: AlgorithmName,
  format: FormatName,
  payload: DocumentPayload,
): Promise<SignedDocument> {
  const signature = await keys.sign(algorithm, (key) => FORMATS[format].signedBytes(payload, key));
  return format === 'inline'
    ? { license_data: FORMATS.inline.encode(payload, signature) }
    : { token: FORMATS.jws.encode(payload, signature) };
}

/** An inline document without a signature. No verifier accepts it. */
export function withoutSignature({ license_key = '', ...payload }: DocumentPayload): SignedDocument {
  return { license_data: { ...payload, license_key, kid: null, signature: null, signature_algorithm: null } };
}
