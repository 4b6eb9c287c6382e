/**
 * Validate a licence that was issued as text: is it genuine, does it cover the scope, and does it still hold here?
 * Licences of the systems that this one replaces verify with the keys that the operator has listed for them.
 */

import { lifetimeProblem } from '../client/verify.ts';
import { type LicenseScope, scopeProblem, verifyLicense } from '../client/verify-license.ts';
import { LICENSE_NOT_FOUND, licenseRefusal } from '../decide/license.ts';
import type { Scope } from '../decide/scope.ts';
import type { ErrorCode } from '../errors.ts';
import { caioV1 } from '../formats/caio-v1.ts';
import { DocumentError } from '../formats/format.ts';
import { normalizeLicenseKey } from '../license-key.ts';
import type { Snapshot } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { licenseRecord } from '../records/license.ts';
import { LICENSES, licensePath } from '../records/paths.ts';
import { VERIFICATION_CODES, type VerificationCode } from '../verification.ts';
import type { IssuedFormatName, IssuedLicense } from '../wire/issued.ts';
import { importedKeys } from './imported-keys.ts';
import { readRecord } from './read.ts';

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
    }
  | {
      readonly valid: false;
      readonly code: VerificationCode | ErrorCode;
      readonly error: string;
      readonly license: null;
    };

/** @throws CountersignError `signing_unavailable` when a key cannot be read or a MAC not checked, `store_unavailable` */
export async function validateLicense(ports: Ports, given: LicenseToValidate): Promise<LicenseAnswer> {
  const { text, scope, issuer } = given;
  // It proves nothing fresh: it was issued once, for whoever asks.
  if (scope.nonce !== undefined) return invalid('nonce_mismatch');
  if (caioV1.recognizes(text)) return validateLegacy(ports, given);
  const now = ports.clock.now();
  const keys = importedKeys(ports.keys);
  const result = await verifyLicense(text, { keys, now, issuer, scope: scopeOf(scope) });
  if (!result.valid) return { valid: false, code: result.code, error: result.detail, license: null };
  const key = await keys.find(result.kid);
  const isOurs = key === undefined || !('issuer' in key) || key.issuer === undefined;
  const refusal = await liveRefusal(ports, result.license, isOurs, now);
  if (refusal !== undefined)
    return { valid: false, code: refusal.code, error: refusal.detail, license: null };
  return { valid: true, code: null, error: null, license: result.license };
}

/** What a session's scope means for a licence: the machine is the instance. */
function scopeOf({ product, version, hardwareId, features }: Scope): LicenseScope {
  return { product, version, instanceFingerprint: hardwareId, features };
}

/** Why a genuine licence does not hold here. One of another system may be unknown here and hold nevertheless. */
async function liveRefusal(ports: Ports, license: IssuedLicense, isOurs: boolean, now: number) {
  const find = FINDERS[license.format];
  if (find === undefined || license.licenseId === null) return undefined;
  const record = readRecord(licenseRecord, await find(ports, license.licenseId))?.record;
  if (record === undefined) return isOurs ? LICENSE_NOT_FOUND : undefined;
  return licenseRefusal(record, now);
}

type Finder = (ports: Ports, id: string) => Promise<Snapshot | undefined>;

/** How the licence of a document is found, by format; one that names none is not. */
const FINDERS: Partial<Record<IssuedFormatName, Finder>> = {
  aegis: async ({ store }, id) => {
    const [found] = await store.query({
      collection: LICENSES,
      where: [['license_id', '==', id]],
      limit: 1,
    });
    return found;
  },
  dtlic2: async ({ store, hasher }, key) => {
    const [found] = await store.get([licensePath(hasher.hash('license', normalizeLicenseKey(key)))]);
    return found;
  },
};

/**
 * A `CAIO-v1` licence: a KMS checks its MAC, until the end that the operator has set for those. After it the KMS is not
 * asked, whatever the text says.
 */
async function validateLegacy(ports: Ports, { text, scope }: LicenseToValidate): Promise<LicenseAnswer> {
  const now = ports.clock.now();
  const keys = ports.keys.macKeys();
  if (keys.length === 0) return invalid('unknown_key');
  const current = keys.filter(({ sunsetAt }) => now < sunsetAt);
  if (current.length === 0) return invalid('legacy_sunset');
  try {
    const { message, mac, license } = caioV1.decode(text);
    const answers = await Promise.all(current.map(({ verifier }) => verifier.verify(message, mac)));
    if (!answers.includes(true)) return invalid('signature_invalid');
    const end = license.expiresAt ?? Number.POSITIVE_INFINITY;
    const problem = lifetimeProblem(license.issuedAt, end, now) ?? scopeProblem(license, scopeOf(scope));
    if (problem !== undefined) return invalid(problem);
    return { valid: true, code: 'legacy_accepted', error: LEGACY_NOTICE, license };
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    return { valid: false, code: error.code, error: error.message, license: null };
  }
}

const LEGACY_NOTICE = 'CAIO-v1 licences are accepted for the time being. Ask the vendor for a new one.';

function invalid(code: VerificationCode): LicenseAnswer {
  return { valid: false, code, error: VERIFICATION_CODES[code], license: null };
}
