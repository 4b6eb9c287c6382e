/** The CAIO licence that a client sent: what it says, and where its activations are. */

import { base64Encode } from '../canonical/base64.ts';
import { LAST_INSTANT_MS } from '../constants.ts';
import type { ErrorCode } from '../errors.ts';
import { CountersignError, ERRORS } from '../errors.ts';
import { caioV1 } from '../formats/caio-v1.ts';
import { caioV2 } from '../formats/caio-v2.ts';
import type { Ports } from '../ports/ports.ts';
import type { ActivationRecord } from '../records/activation.ts';
import type { LicenseRecord } from '../records/license.ts';
import { foreignLicensePath, licensePath } from '../records/paths.ts';
import { VERIFICATION_CODES } from '../verification.ts';
import { caioMetadata, type IssuedLicense } from '../wire/issued.ts';
import { endsHere } from './license-end.ts';
import type { Settings } from './settings.ts';
import { type ExaminedLicense, examineLicense } from './validate-license.ts';

/** What an activation keeps of the licence, so that its status can be told without the text. */
export type CaioTerms = Pick<
  ActivationRecord,
  | 'format'
  | 'kid'
  | 'document'
  | 'customer_id'
  | 'license_type'
  | 'features'
  | 'max_instances'
  | 'max_services'
  | 'max_requests_per_day'
  | 'expires_at'
>;

export interface CaioLicense {
  /** The path that its activations are under. */
  readonly holder: string;
  readonly terms: CaioTerms;
  /** The record here, and L of its path. */
  readonly onRecord: ExaminedLicense['onRecord'];
  /** When it stops holding here, in milliseconds since the epoch; null for never. */
  readonly endsAt: number | null;
  readonly notice: ExaminedLicense['notice'];
}

export interface ExaminedCaio {
  /** Undefined unless genuine. */
  readonly caio: CaioLicense | undefined;
  readonly refusal: ExaminedLicense['refusal'];
}

/** @throws CountersignError `signing_unavailable`, `store_unavailable` */
export async function examineCaio(
  ports: Ports,
  { issuer }: Pick<Settings, 'issuer'>,
  given: string,
): Promise<ExaminedCaio> {
  const text = given.trim();
  if (!(caioV1.recognizes(text) || caioV2.recognizes(text))) return { caio: undefined, refusal: NO_CAIO };
  const examined = await examineLicense(ports, { text, scope: {}, issuer });
  const { license, kid, onRecord, refusal, notice } = examined;
  if (license === undefined) return { caio: undefined, refusal };
  const document = ports.hasher.hash('document', base64Encode(signedBytesOf(text)));
  // What was set for the customer who has it now is none of the former one's.
  const record = onRecord?.isTransferred ? undefined : onRecord?.record;
  const terms = termsOf(license, kid ?? null, document, record);
  const holder = onRecord === undefined ? foreignLicensePath(document) : licensePath(onRecord.hash);
  const endsAt = endsHere(license, onRecord);
  return { caio: { holder, terms, onRecord, endsAt, notice }, refusal };
}

/**
 * The same, of a licence that holds.
 * @throws CountersignError why it does not: a code of licences, `legacy_sunset`, or `license_not_accepted` with the `reason`
 */
export async function requireCaio(
  ports: Ports,
  settings: Pick<Settings, 'issuer'>,
  text: string,
): Promise<CaioLicense> {
  const { caio, refusal } = await examineCaio(ports, settings, text);
  if (caio !== undefined && refusal === undefined) return caio;
  throw notAccepted(refusal ?? NO_CAIO);
}

export function notAccepted({ code, detail }: NonNullable<ExaminedCaio['refusal']>): CountersignError {
  if (code === 'license_expired' || code === 'legacy_sunset') return new CountersignError(code, detail);
  if (Object.hasOwn(ERRORS, code) && !Object.hasOwn(VERIFICATION_CODES, code))
    return new CountersignError(code as ErrorCode, detail);
  return new CountersignError('license_not_accepted', detail, { members: { reason: code } });
}

const NO_CAIO = { code: 'malformed_document', detail: 'This is no CAIO licence.' } as const;

/** Its signature aside: the same content is the same licence, and the customer id of the text is in no MAC. */
function signedBytesOf(text: string): Uint8Array {
  return caioV1.recognizes(text) ? caioV1.decode(text).message : caioV2.takeApart(text).signedBytes;
}

/** What the operator has set since goes before what the document says. */
function termsOf(
  { format, customer, licenseType, features, expiresAt, claims }: IssuedLicense,
  kid: string | null,
  document: string,
  record: LicenseRecord | undefined,
): CaioTerms {
  const said = caioMetadata.parse(claims);
  const limits = record?.limits ?? said;
  return {
    format: format === 'caio-v1' ? format : 'caio-v2',
    kid,
    document,
    customer_id: customer.id,
    license_type: licenseType,
    features: [...features],
    max_instances: limitOf(limits.max_instances),
    max_services: limitOf(limits.max_services),
    max_requests_per_day: limitOf(limits.max_requests_per_day),
    // With an offset a text can name an instant that no record holds.
    expires_at: expiresAt === null ? null : Math.min(expiresAt, LAST_INSTANT_MS),
  };
}

/** Whoever signed a negative number cannot have meant that so many are allowed: it is the usual spelling of no limit. */
function limitOf(said: number | undefined): number | null {
  return said === undefined || said < 0 ? null : said;
}
