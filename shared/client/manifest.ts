/**
 * Verification of the key manifest. A client pins one root key in its build and keeps the highest version that it has
 * seen; licence keys come and go without a new build.
 *
 * @example
 * const text = await (await fetch(`${baseUrl}/.well-known/license-keys`)).text();
 * const manifest = await verifyManifest(text, { root, now: Date.now(), minimumVersion: lastSeen });
 * if (manifest.valid) await verifyDocument(token, { keys: manifest.keys, now: Date.now() });
 */

import { ALGORITHMS } from '../algorithms.ts';
import { CLIENT_CLOCK_SKEW_SECONDS } from '../constants.ts';
import { type DecodedDocument, DocumentError } from '../formats/format.ts';
import { manifest } from '../formats/manifest.ts';
import { isBarred } from '../keys/states.ts';
import { type ManifestKey, type ManifestPayload, manifestPayload } from '../wire/manifest.ts';
import { type BarredKey, importVerificationKey, type VerificationKey } from './verify.ts';

/** Why a manifest is not accepted, in one table. */
export const MANIFEST_CODES = {
  malformed_manifest: 'This is not a key manifest.',
  unknown_root: 'The manifest is signed by another root key than the one that is pinned.',
  algorithm_mismatch: 'The manifest names an algorithm that does not fit the root key.',
  signature_invalid: 'The signature does not fit the manifest.',
  issuer_mismatch: 'The manifest is of another issuer than the one that is asked for.',
  manifest_not_yet_valid: 'The manifest was signed in the future. Check the clock.',
  manifest_expired: 'The manifest has expired. Fetch a newer one.',
  manifest_outdated: 'The manifest is older than one that was seen before.',
  manifest_unavailable: 'No key manifest could be read. Check the connection.',
} as const;

export type ManifestCode = keyof typeof MANIFEST_CODES;

export type ManifestResult =
  | {
      readonly valid: true;
      /** To be kept, and given as `minimumVersion` the next time. */
      readonly version: number;
      /** Milliseconds since the epoch; a newer manifest is needed from then on. */
      readonly expiresAt: number;
      readonly keys: readonly (VerificationKey | BarredKey)[];
    }
  | { readonly valid: false; readonly code: ManifestCode; readonly detail: string };

export interface ManifestOptions {
  /** The pinned root key. */
  readonly root: VerificationKey;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The highest version seen before; 0 or absent for a client that has seen none. */
  readonly minimumVersion?: number;
  /** Whom it has to name. Absent, it may name any: for a root key that signs for one service alone. */
  readonly issuer?: string | undefined;
}

/** Checks root, signature, issuer, lifetime and version, in this order, and says the first thing that is wrong. */
export async function verifyManifest(text: string, options: ManifestOptions): Promise<ManifestResult> {
  const decoded = decode(text);
  if (decoded === undefined) return invalid('malformed_manifest');
  const code = await signatureProblem(decoded, options.root);
  if (code !== undefined) return invalid(code);
  const payload = manifestPayload.safeParse(decoded.payload);
  if (!payload.success) return invalid('malformed_manifest');
  const problem = issuerProblem(payload.data, options) ?? lifetimeProblem(payload.data, options);
  if (problem !== undefined) return invalid(problem);
  const { version, exp } = payload.data;
  const keys = await importKeys(payload.data.keys);
  if (keys === undefined) return invalid('malformed_manifest');
  return { valid: true, version, expiresAt: exp * 1000, keys };
}

function decode(text: string): DecodedDocument | undefined {
  try {
    return manifest.decode(text);
  } catch (error) {
    if (error instanceof DocumentError) return undefined;
    throw error;
  }
}

async function signatureProblem(
  { kid, claims, signature, signedBytes }: DecodedDocument,
  root: VerificationKey,
): Promise<ManifestCode | undefined> {
  if (kid !== root.kid) return 'unknown_root';
  if (!claims(root.algorithm)) return 'algorithm_mismatch';
  if (signature.length !== root.algorithm.signatureBytes) return 'signature_invalid';
  const bytes = [signature, signedBytes] as [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>];
  const isGenuine = await crypto.subtle.verify(root.algorithm.webCrypto, root.key, ...bytes);
  return isGenuine ? undefined : 'signature_invalid';
}

function issuerProblem(
  { iss }: ManifestPayload,
  { issuer = iss }: ManifestOptions,
): ManifestCode | undefined {
  return iss === issuer ? undefined : 'issuer_mismatch';
}

function lifetimeProblem(
  { iat, exp, version }: ManifestPayload,
  { now, minimumVersion = 0 }: ManifestOptions,
): ManifestCode | undefined {
  // Written so that a clock or a version that is not a number refuses.
  if (!(iat * 1000 <= now + CLIENT_CLOCK_SKEW_SECONDS * 1000)) return 'manifest_not_yet_valid';
  if (!(now < exp * 1000)) return 'manifest_expired';
  return version >= minimumVersion ? undefined : 'manifest_outdated';
}

/**
 * Keys of algorithms that this release does not know are left out: their documents are of an unknown key to it. Undefined
 * when another one cannot be read: the rest would not be what the root signed.
 */
async function importKeys(
  keys: readonly ManifestKey[],
): Promise<readonly (VerificationKey | BarredKey)[] | undefined> {
  const known = keys.filter(({ alg }) => Object.values(ALGORITHMS).some(({ jose }) => jose === alg));
  try {
    return await Promise.all(known.map(importKey));
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

async function importKey(key: ManifestKey): Promise<VerificationKey | BarredKey> {
  const { kid, state } = key;
  return isBarred(state) ? { kid, state } : importVerificationKey(key);
}

/** The key's fault, as against that of a platform without its algorithm: DataError is of Web Cryptography §14.3.9. */
function isUnreadable(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof DOMException && error.name === 'DataError');
}

function invalid(code: ManifestCode): ManifestResult {
  return { valid: false, code, detail: MANIFEST_CODES[code] };
}
