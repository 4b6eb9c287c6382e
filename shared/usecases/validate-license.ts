/**
 * Validate a licence that was issued as text: is it genuine, does it cover the scope, and does it still hold here?
 * Licences of the systems that this one replaces verify with the keys that the operator has listed for them.
 */

import {
  type LicenseScope,
  licenseLifetimeProblem,
  scopeProblem,
  verifyLicense,
} from '../client/verify-license.ts';
import { LICENSE_NOT_FOUND, licenseRefusal } from '../decide/license.ts';
import type { Scope } from '../decide/scope.ts';
import type { ErrorCode } from '../errors.ts';
import { caioV1 } from '../formats/caio-v1.ts';
import { DocumentError } from '../formats/format.ts';
import { decodeIssued } from '../formats/issued.ts';
import type { Ports } from '../ports/ports.ts';
import { VERIFICATION_CODES, type VerificationCode } from '../verification.ts';
import type { IssuedLicense } from '../wire/issued.ts';
import { type ImportedKeys, importedKeys } from './imported-keys.ts';
import { type LegacyNotice, legacyNotice } from './legacy-notice.ts';
import { documentsOf } from './license-documents.ts';
import { endsHere } from './license-end.ts';
import { isMacGenuine } from './validate-mac.ts';
import { findOnRecord, LICENSE_TRANSFERRED, type LicenseOnRecord } from './validate-on-record.ts';

export interface LicenseToValidate {
  /** That `recognizeIssued` knows. */
  readonly text: string;
  readonly scope: Scope;
  readonly issuer: string;
}

export type LicenseAnswer =
  | {
      readonly valid: true;
      /** A `CAIO-v1` licence is accepted for the time being. */
      readonly code: 'legacy_accepted' | null;
      readonly error: string | null;
      readonly license: IssuedLicense;
      readonly endsAt: number | null;
    }
  | {
      readonly valid: false;
      readonly code: VerificationCode | ErrorCode;
      readonly error: string;
      /** What a genuine one says. */
      readonly license: IssuedLicense | null;
      /** When it stops, or stopped, holding here, in milliseconds since the epoch; null for never, and of none. */
      readonly endsAt: number | null;
    };

/** What is to be said of a licence. */
export interface ExaminedLicense {
  /** What it says, when it is genuine, also when it is refused because it is over; else undefined. */
  readonly license: IssuedLicense | undefined;
  /** The key that vouches; undefined of `CAIO-v1`, and of a licence that has expired. */
  readonly kid: string | undefined;
  /** The record here. One of another system may have none and hold nevertheless. */
  readonly onRecord: LicenseOnRecord | undefined;
  /** Why it does not hold. */
  readonly refusal: { readonly code: VerificationCode | ErrorCode; readonly detail: string } | undefined;
  /** What is said beside that it holds. */
  readonly notice?: LegacyNotice | undefined;
}

/** @throws CountersignError `signing_unavailable` when a key cannot be read or a MAC not checked, `store_unavailable` */
export async function validateLicense(ports: Ports, given: LicenseToValidate): Promise<LicenseAnswer> {
  const { license, onRecord, refusal, notice } = await examineLicense(ports, given);
  const endsAt = license === undefined ? null : endsHere(license, onRecord);
  if (refusal !== undefined)
    return { valid: false, code: refusal.code, error: refusal.detail, license: license ?? null, endsAt };
  // Without a refusal there is a licence, which the types cannot tell.
  const genuine = license as IssuedLicense;
  return { valid: true, code: notice?.code ?? null, error: notice?.detail ?? null, license: genuine, endsAt };
}

/** The same, with what it was decided from. */
export async function examineLicense(ports: Ports, given: LicenseToValidate): Promise<ExaminedLicense> {
  // It proves nothing fresh: it was issued once, for whoever asks.
  if (given.scope.nonce !== undefined) return refused('nonce_mismatch');
  return caioV1.recognizes(given.text) ? examineLegacy(ports, given) : examine(ports, given);
}

async function examine(ports: Ports, { text, scope, issuer }: LicenseToValidate): Promise<ExaminedLicense> {
  const now = ports.clock.now();
  const keys = importedKeys(ports.keys);
  // Of some formats the features are on record only.
  const { features: wanted, ...rest } = scopeOf(scope);
  const result = await verifyLicense(text, { keys, now, issuer, scope: rest });
  if (!result.valid) return expired(ports, text, result);
  const { kid } = result;
  const isOurs = await isOwnKey(keys, kid);
  const found = await findOnRecord(ports, result.license, text);
  const onRecord = isOurs ? found : await foundBy(ports, result.license, found, kid);
  const license = withFeatures(result.license, onRecord);
  const missing = scopeProblem(license, { features: wanted });
  const refusal = liveRefusal(found, isOurs, now) ?? (missing && refused(missing).refusal);
  return { license, kid, onRecord, refusal };
}

async function isOwnKey(keys: ImportedKeys, kid: string): Promise<boolean> {
  const key = await keys.find(kid);
  return key === undefined || !('issuer' in key) || key.issuer === undefined;
}

/**
 * A key of another system may name a licence of ours in what it signs, and speaks for none of them: a record belongs to its
 * document only where it has signed one that is on record too. That is for AEGIS, whose licence id every session's document
 * tells; a DTLIC2 licence names the licence key, a secret, and a CAIO licence is found word for word.
 */
async function foundBy(
  ports: Ports,
  license: IssuedLicense | undefined,
  found: LicenseOnRecord | undefined,
  kid: string,
): Promise<LicenseOnRecord | undefined> {
  if (license?.format !== 'aegis') return found;
  const documents = found === undefined ? [] : await documentsOf(ports, found.hash);
  return documents.some((document) => document.kid === kid) ? found : undefined;
}

/** The key and the signature are looked at before the lifetime, so what has expired is genuine. */
async function expired(
  ports: Ports,
  text: string,
  refusal: { readonly code: VerificationCode; readonly detail: string },
): Promise<ExaminedLicense> {
  if (refusal.code !== 'license_expired')
    return { license: undefined, kid: undefined, onRecord: undefined, refusal };
  const decoded = decodeIssued(text);
  const license = decoded?.license;
  const found = license && (await findOnRecord(ports, license, text));
  // A licence that names no key was found word for word.
  const kid = decoded !== undefined && 'kid' in decoded ? decoded.kid : undefined;
  const isOurs = kid === undefined || (await isOwnKey(importedKeys(ports.keys), kid));
  const onRecord = isOurs ? found : await foundBy(ports, license, found, kid);
  return { license, kid: undefined, onRecord, refusal };
}

/** AEGIS and DTLIC2 documents list no features: what such a licence includes is what its record says. */
function withFeatures(license: IssuedLicense, onRecord: LicenseOnRecord | undefined): IssuedLicense {
  if (onRecord === undefined || onRecord.isTransferred || FORMATS_WITH_FEATURES.has(license.format))
    return license;
  return { ...license, features: onRecord.record.features };
}

const FORMATS_WITH_FEATURES: ReadonlySet<IssuedLicense['format']> = new Set(['caio-v1', 'caio-v2']);

/** What a session's scope means for a licence: the machine is the instance. */
function scopeOf({ product, version, hardwareId, features }: Scope): LicenseScope {
  return { product, version, instanceFingerprint: hardwareId, features };
}

/** Why a genuine licence does not hold here. One of another system may be unknown here and hold nevertheless. */
function liveRefusal(onRecord: LicenseOnRecord | undefined, isOurs: boolean, now: number) {
  if (onRecord?.isTransferred) return LICENSE_TRANSFERRED;
  if (onRecord !== undefined) return licenseRefusal(onRecord.record, now);
  return isOurs ? LICENSE_NOT_FOUND : undefined;
}

/**
 * A `CAIO-v1` licence: a KMS checks its MAC, until the end that the operator has set for those. After it the KMS is not
 * asked, whatever the text says.
 */
async function examineLegacy(ports: Ports, { text, scope }: LicenseToValidate): Promise<ExaminedLicense> {
  const now = ports.clock.now();
  const keys = ports.keys.macKeys();
  if (keys.length === 0) return refused('unknown_key');
  const current = keys.filter(({ sunsetAt }) => now < sunsetAt).map(({ verifier }) => verifier);
  if (current.length === 0) return refused('legacy_sunset');
  try {
    const decoded = caioV1.decode(text);
    if (!(await isMacGenuine(ports, current, text, decoded))) return refused('signature_invalid');
    const { license } = decoded;
    const problem = licenseLifetimeProblem(license, now) ?? scopeProblem(license, scopeOf(scope));
    return { ...refused(problem), license, notice: problem === undefined ? legacyNotice(keys) : undefined };
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    return { ...refused(undefined), refusal: { code: error.code, detail: error.message } };
  }
}

function refused(code: VerificationCode | undefined): ExaminedLicense {
  const refusal = code && { code, detail: VERIFICATION_CODES[code] };
  return { license: undefined, kid: undefined, onRecord: undefined, refusal };
}
