/** Whether a genuine document covers what its holder wants to do. */
import type { VerificationCode } from '../verification.ts';
import type { DocumentPayload } from '../wire/document.ts';

/** What is going to run. A member that is absent is not checked. */
export interface Scope {
  readonly product?: string | undefined;
  /** The version that wants to run; its leading number is the major version. */
  readonly version?: string | undefined;
  readonly hardwareId?: string | undefined;
  /** Features that must all be in the licence. */
  readonly features?: readonly string[] | undefined;
  /** The nonce of the request that the document must answer. */
  readonly nonce?: string | undefined;
}

/** The first thing that a document does not cover, or undefined. */
export function decideScope(payload: DocumentPayload, scope: Scope): VerificationCode | undefined {
  if (scope.product !== undefined && scope.product !== payload.product) return 'product_mismatch';
  if (scope.version !== undefined && !coversVersion(payload.allowed_major_versions, scope.version))
    return 'version_mismatch';
  if (scope.hardwareId !== undefined && scope.hardwareId !== payload.hardware_id) return 'hardware_mismatch';
  if (scope.features?.some((feature) => !payload.features.includes(feature))) return 'feature_missing';
  if (scope.nonce !== undefined && scope.nonce !== payload.nonce) return 'nonce_mismatch';
  return undefined;
}

/** @param allowed major versions; null allows all. */
export function coversVersion(allowed: readonly number[] | null, version: string): boolean {
  if (allowed === null) return true;
  const major = /^(\d+)(\.|$)/.exec(version)?.[1];
  return major !== undefined && allowed.includes(Number(major));
}
