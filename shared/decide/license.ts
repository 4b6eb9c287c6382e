/** Whether a licence holds now: the first question of every decision. */
import { LAST_INSTANT_MS } from '../constants.ts';
import { EXPIRY_STRATEGIES } from '../expiry-strategies.ts';
import type { LicenseRecord } from '../records/license.ts';
import type { SessionRecord } from '../records/session.ts';
import type { EndReason } from '../records/usage.ts';
import { type Refusal, refuse } from './refusal.ts';

/** What is asked of a licence: to grant something new, to let a live session go on, or the date that lists show. */
export type Asked = 'grant' | 'session' | 'date';

/**
 * The end of a licence for what is asked of it: the first instant, in milliseconds since the epoch, at which it does not
 * allow that any more; the last one that a record can hold when it always does, so that no lease ends after that either.
 */
export function endOf({ expires_at: end, expiry_strategy }: LicenseRecord, asked: Asked): number {
  const { continues, grants } = EXPIRY_STRATEGIES[expiry_strategy];
  const isOpen = (asked === 'grant' && grants) || (asked === 'session' && continues);
  return end === null || isOpen ? LAST_INSTANT_MS : end;
}

/**
 * A machine whose lease holds, of a session that began before the end of the licence, asks to go on; any other asks for
 * something new. The record of the session says so, and not what an instance believed of the licence that committed it.
 */
export function askedByMachine(
  license: LicenseRecord,
  session: SessionRecord | undefined,
  now: number,
): Asked {
  const isHeld = session !== undefined && now < session.lease_expires_at;
  return isHeld && session.started_at < endOf(license, 'date') ? 'session' : 'grant';
}

/** Why a licence does not hold at `now` for what is asked of it, or undefined when it does. */
export function licenseRefusal(
  license: LicenseRecord,
  now: number,
  asked: Asked = 'grant',
): Refusal | undefined {
  if (license.status === 'revoked') {
    return refuse('license_revoked', 'This licence was revoked. Ask the vendor for a new one.');
  }
  if (license.status === 'suspended') {
    return refuse('license_suspended', 'This licence is suspended. Ask the vendor to reinstate it.');
  }
  if (now >= endOf(license, asked)) {
    return refuse('license_expired', 'This licence has expired. Renew it with the vendor.');
  }
  return undefined;
}

/** Why the lease of a session has run out. */
export function endReasonOf(license: LicenseRecord, session: SessionRecord): EndReason {
  if (license.status !== 'active') return license.status;
  return session.lease_expires_at >= endOf(license, askedByLease(session.borrowed))
    ? 'license_expired'
    : 'expired';
}

/** The term of a borrowed seat is granted as a whole; any other lease is part of a session that goes on. */
export function askedByLease(borrowed: boolean): Asked {
  return borrowed ? 'grant' : 'session';
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

/** The same to who asks by an id that is nobody’s, or another customer’s. */
export const LICENSE_ID_NOT_FOUND = refuse('license_not_found', 'No licence has this id.');

/** The answer for every key that opens nothing: malformed, mistyped or unknown, it reads the same. */
export const LICENSE_NOT_FOUND = refuse(
  'license_not_found',
  'No licence has this key. Check it for typing errors, or ask the vendor.',
);
