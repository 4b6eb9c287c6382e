/** Whether a licence holds now: the first question of every decision. */
import type { LicenseRecord } from '../records/license.ts';
import type { SessionRecord } from '../records/session.ts';
import type { EndReason } from '../records/usage.ts';
import { type Refusal, refuse } from './refusal.ts';

/** Why a licence does not hold at `now`, or undefined when it does. */
export function licenseRefusal(license: LicenseRecord, now: number): Refusal | undefined {
  if (license.status === 'revoked') {
    return refuse('license_revoked', 'This licence was revoked. Ask the vendor for a new one.');
  }
  if (license.status === 'suspended') {
    return refuse('license_suspended', 'This licence is suspended. Ask the vendor to reinstate it.');
  }
  if (license.expires_at !== null && now >= license.expires_at) {
    return refuse('license_expired', 'This licence has expired. Renew it with the vendor.');
  }
  return undefined;
}

/** Why the lease of a session has run out. */
export function endReasonOf(license: LicenseRecord, { lease_expires_at: end }: SessionRecord): EndReason {
  if (license.status !== 'active') return license.status;
  return license.expires_at !== null && end >= license.expires_at ? 'license_expired' : 'expired';
}

/**
 * Whether the seat of a session is one that its licence has: the number of seats may have been lowered since, and a
 * session of an unlimited licence has none.
 */
export function holdsSeat({ seats }: LicenseRecord, { seat }: SessionRecord): boolean {
  return seats === null || (seat !== null && seat < seats);
}

/** Whether a licence is bound to machines and this is none of them. */
export function hardwareRefusal(license: LicenseRecord, hardware: string): Refusal | undefined {
  if (license.allowed_hardware === null || license.allowed_hardware.includes(hardware)) return undefined;
  return refuse(
    'hardware_not_allowed',
    'This licence is bound to other machines. Ask the vendor to add this one.',
  );
}

/** The answer for every key that opens nothing: malformed, mistyped or unknown, it reads the same. */
export const LICENSE_NOT_FOUND = refuse(
  'license_not_found',
  'No licence has this key. Check it for typing errors, or ask the vendor.',
);
