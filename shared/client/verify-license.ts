/**
 * Offline verification of a licence that was issued as text: AEGIS, CAIO v2, DTLIC2. Runs in Node and in browsers.
 *
 * As in `verify.ts`, the key says which algorithm verifies, and a caller uses the returned licence and not the text.
 *
 * @example
 * const scope = { name: 'Ada Lovelace', email: 'ada@example.com' };
 * const result = await verifyLicense(blob, { keys: [key], now: Date.now(), scope });
 * if (result.valid) console.log(result.license.licenseType);
 */
import { decideKey } from '../decide/key.ts';
import { coversVersion } from '../decide/scope.ts';
import { DocumentError } from '../formats/format.ts';
import { type LicenseParts, recognizeIssued } from '../formats/issued.ts';
import { VERIFICATION_CODES, type VerificationCode } from '../verification.ts';
import { IMPLIED_ISSUERS, type IssuedLicense } from '../wire/issued.ts';
import {
  type BarredKey,
  isGenuine,
  lifetimeProblem,
  type VerificationKey,
  vouchingProblem,
} from './verify.ts';

type AnyKey = VerificationKey | BarredKey;

/** Where trusted keys are found. */
export interface LicenseKeys {
  find(kid: string): Promise<AnyKey | undefined>;
  /** For licences that name no key. */
  all(): Promise<readonly AnyKey[]>;
}

/**
 * What the holder wants to do. A member that is absent is not checked: neither is the fingerprint of a licence that
 * has one. What a licence does not say is refused when it is asked for, but for versions and the instance: there
 * silence means any.
 */
export interface LicenseScope {
  /** The technical name of the module. */
  readonly product?: string | undefined;
  /** The version that wants to run; its leading number is the major version. */
  readonly version?: string | undefined;
  /** As `instanceFingerprint` makes it. */
  readonly instanceFingerprint?: string | undefined;
  readonly customerId?: string | undefined;
  /** The same after Unicode normalization (NFC), but for white space around it. */
  readonly name?: string | undefined;
  /** The same but for case and white space around it. */
  readonly email?: string | undefined;
  /** Features that the licence must list, or its tier include. */
  readonly features?: readonly string[] | undefined;
  /** What each tier includes, for DTLIC2 licences: they name their tier and list no features. Without it they have none. */
  readonly tierFeatures?: Readonly<Record<string, readonly string[]>> | undefined;
}

export interface LicenseVerificationOptions {
  readonly keys: readonly AnyKey[] | LicenseKeys;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Our own. A licence that a key of ours signed may name no other issuer; absent, it may name any. */
  readonly issuer?: string | undefined;
  readonly scope?: LicenseScope;
}

export type LicenseVerification =
  | { readonly valid: true; readonly license: IssuedLicense; readonly kid: string }
  | { readonly valid: false; readonly code: VerificationCode; readonly detail: string };

/**
 * Checks the key's state, the algorithm, the signature, the payload, the issuer, the lifetime and the scope, in this
 * order, and says the first thing that is wrong.
 *
 * A CAIO v2 licence names no key: the first trusted one that verifies it decides. A barred key has nothing to verify
 * with, so a licence of such a key is `signature_invalid`, or `unknown_key` when no other has its algorithm.
 *
 * A CAIO v1 licence is always `unknown_key`: it takes the issuer's secret to tell whether it is genuine.
 */
export async function verifyLicense(
  text: string,
  options: LicenseVerificationOptions,
): Promise<LicenseVerification> {
  try {
    return await verify(text, options);
  } catch (error) {
    if (error instanceof DocumentError) return { valid: false, code: error.code, detail: error.message };
    throw error;
  }
}

async function verify(text: string, options: LicenseVerificationOptions): Promise<LicenseVerification> {
  const { keys, now, issuer, scope = {} } = options;
  const format = recognizeIssued(text);
  if (format === undefined) return invalid('malformed_document');
  if (format.name === 'caio-v1') {
    format.decode(text);
    return invalid('unknown_key');
  }
  const parts = format.takeApart(text);
  const key = await vouchingKey(parts, isList(keys) ? keysOf(keys) : keys, now);
  if (typeof key === 'string') return invalid(key);
  const license = format.licenseOf(parts.payload);
  const problem =
    issuerProblem(license, key.issuer, issuer) ??
    licenseLifetimeProblem(license, now) ??
    scopeProblem(license, scope);
  return problem === undefined ? { valid: true, license, kid: key.kid } : invalid(problem);
}

/** `Array.isArray` alone does not narrow a read-only array. */
const isList = (keys: readonly AnyKey[] | LicenseKeys): keys is readonly AnyKey[] => Array.isArray(keys);

function keysOf(list: readonly AnyKey[]): LicenseKeys {
  return { find: async (kid) => list.find((key) => key.kid === kid), all: async () => list };
}

/** The key that vouches for a licence, or why none does. */
function vouchingKey(
  parts: LicenseParts,
  keys: LicenseKeys,
  now: number,
): Promise<VerificationKey | VerificationCode> {
  return parts.kid === undefined ? genuineKey(parts, keys, now) : namedKey(parts, parts.kid, keys, now);
}

async function namedKey(
  parts: LicenseParts,
  kid: string,
  keys: LicenseKeys,
  now: number,
): Promise<VerificationKey | VerificationCode> {
  const key = await keys.find(kid);
  if (key === undefined) return 'unknown_key';
  const problem = await vouchingProblem(parts, key, now);
  // A barred key always has a problem, which the types cannot tell.
  return problem ?? (key as VerificationKey);
}

async function genuineKey(
  parts: LicenseParts,
  keys: LicenseKeys,
  now: number,
): Promise<VerificationKey | VerificationCode> {
  // A signature of a length that no algorithm has is nobody's, whatever keys there are.
  if (parts.algorithms.length === 0) return 'signature_invalid';
  const candidates = (await keys.all()).filter(
    (key): key is VerificationKey => key.key !== undefined && parts.claims(key.algorithm),
  );
  if (candidates.length === 0) return 'unknown_key';
  for (const key of candidates) {
    if (await isGenuine(parts, key)) return decideKey(key.state ?? 'active', key.sunsetAt, now) ?? key;
  }
  return 'signature_invalid';
}

/**
 * A key of another system vouches for that system's licences and no others, also in formats that name no issuer: there
 * it is the system that the format is from. `own` is our issuer.
 */
function issuerProblem(
  { issuer, format }: IssuedLicense,
  keyIssuer: string | undefined,
  own: string | undefined,
): VerificationCode | undefined {
  const named = issuer ?? (keyIssuer === undefined ? own : IMPLIED_ISSUERS[format]);
  const expected = keyIssuer ?? own;
  return expected === undefined || named === expected ? undefined : 'issuer_mismatch';
}

/** Its end is that of the licence itself, which nobody acquires again. */
export function licenseLifetimeProblem(
  { issuedAt, expiresAt }: Pick<IssuedLicense, 'issuedAt' | 'expiresAt'>,
  now: number,
): VerificationCode | undefined {
  const problem = lifetimeProblem(issuedAt, expiresAt ?? Number.POSITIVE_INFINITY, now);
  return problem === 'document_expired' ? 'license_expired' : problem;
}

/** Why a licence does not cover what its holder wants to do. */
export function scopeProblem(license: IssuedLicense, scope: LicenseScope): VerificationCode | undefined {
  const { product, version, instanceFingerprint, features } = scope;
  if (product !== undefined && product !== license.product) return 'product_mismatch';
  if (version !== undefined && !coversVersion(license.allowedMajorVersions, version))
    return 'version_mismatch';
  if (instanceFingerprint !== undefined && !coversInstance(license, instanceFingerprint)) {
    return 'hardware_mismatch';
  }
  if (!isHolder(license, scope)) return 'holder_mismatch';
  const included = [...license.features, ...featuresOfTier(license, scope)];
  return features?.some((feature) => !included.includes(feature)) ? 'feature_missing' : undefined;
}

function featuresOfTier({ format, licenseType: tier }: IssuedLicense, { tierFeatures }: LicenseScope) {
  return (format === 'dtlic2' ? tierFeatures?.[tier] : undefined) ?? [];
}

function coversInstance({ instanceFingerprint: bound }: IssuedLicense, fingerprint: string): boolean {
  return bound === null || bound === fingerprint;
}

function isHolder({ customer }: IssuedLicense, { customerId, name, email }: LicenseScope): boolean {
  return (
    (customerId === undefined || customerId === customer.id) &&
    (name === undefined || isSame(name, customer.name, spelling)) &&
    (email === undefined || isSame(email, customer.email, mailbox))
  );
}

function isSame(given: string, signed: string | null, form: (text: string) => string): boolean {
  return signed !== null && form(given) === form(signed);
}

const spelling = (name: string) => name.normalize('NFC').trim();
const mailbox = (email: string) => email.trim().toLowerCase();

function invalid(code: VerificationCode): LicenseVerification {
  return { valid: false, code, detail: VERIFICATION_CODES[code] };
}
