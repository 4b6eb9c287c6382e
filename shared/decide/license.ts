/** Whether a licence holds now: the first question of every decision. */
import type { LicenseRecord } from '../records/license.ts';
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

/** Why a session ends when its licence does not hold. */
export function endReasonOf(license: LicenseRecord): EndReason {
  return license.status === 'active' ? 'license_expired' : license.status;
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
